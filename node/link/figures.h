#pragma once

// The figures that a driver sees while charging (design section 7). One pure function for bridge
// and node, in integers, so that both show the same numbers. For showing only: nothing is ever
// stopped, authorised or settled on an estimate.

#include "ledger/model/money.h"

#include <cstdint>
#include <optional>

namespace tally::node {

/// b, the coefficient of the time that was lost, in 1/1000: greatest, and when nothing else is
/// said.
inline constexpr std::int64_t coefficient_permille_max{1'000'000};
inline constexpr std::int64_t coefficient_permille_default{1'000};

/// What the figures follow from, read from one meter value.
struct FiguresInput {
    std::int64_t elapsed_s{0};  ///< T, since the charge began
    Money amount_so_far{0};     ///< Mc
    Money prepaid{0};           ///< Mp
    std::int64_t energy_wh{0};  ///< E(T), from the energy register
    /// Pc, min(charger rated, negotiated), fixed at the start; 0 when not known.
    std::int64_t reference_power_w{0};
    /// b in 1/1000; 0 leaves the lost time out.
    std::int64_t coefficient_permille{coefficient_permille_default};
};

struct Figures {
    /// N in 1/100 of a percent, rounded down, at most 10000. Absent when Mp is 0.
    std::optional<std::int64_t> progress_hundredths;
    /// ts in seconds, rounded half up. Absent when Mc is 0 (not known yet) or Mp is 0.
    std::optional<std::int64_t> remaining_s;
    /// tf in milliseconds: time lost against charging at Pc all along; 0 when Pc is not known.
    std::int64_t lost_ms{0};
    /// The register shows more energy than Pc allows in T; tf is taken as 0.
    bool above_reference_power{false};

    /// N in whole percent, rounded down.
    [[nodiscard]] std::optional<std::int64_t> progress_percent() const {
        return progress_hundredths ? std::optional{*progress_hundredths / 100} : std::nullopt;
    }
    friend bool operator==(const Figures&, const Figures&) = default;
};

/// Negative inputs count as 0. A figure that does not fit 64 bits is absent.
[[nodiscard]] Figures driver_figures(const FiguresInput& input);

}  // namespace tally::node
