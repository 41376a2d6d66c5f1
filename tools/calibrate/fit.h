#pragma once

#include "node/roaming/roaming_options.h"
#include "tools/calibrate/meter_samples.h"
#include "tools/calibrate/settled_charges.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tally::tools {

/// Moments of one charge that are looked at; of more, evenly chosen ones.
inline constexpr std::size_t moments_per_charge_max{200};
using node::coefficient_permille_max;
/// A fit that takes away less than this share of the error of b = 0 explains little.
inline constexpr double explained_min{0.2};
inline constexpr std::size_t deciles{10};

/// What the formula said at one reading of a charge, and how it was. The amount to reach is what
/// the charge came to, so the true remainder is known whatever was prepaid.
struct Moment {
    double lost_s{0};       ///< tf
    double base_s{0};       ///< (Mp - Mc) / Mc * T: ts with b = 0
    double remaining_s{0};  ///< until the end
    double progress{0};     ///< Mc / Mp, 0 to 1
    double weight{1};       ///< every charge counts the same

    [[nodiscard]] double error(double b) const;  ///< ts with b, minus the truth
};

/// The moments of a settled charge at its readings strictly between begin and end; none when there
/// are no such readings, or nothing was paid.
[[nodiscard]] std::vector<Moment> moments_of(const SettledCharge& charge,
                                             const std::vector<MeterSample>& samples);

/// The b of 0 to `coefficient_permille_max`/1000 that makes the sum of absolute errors least, in
/// 1/1000. Nothing when no moment lost any time: then b says nothing.
[[nodiscard]] std::optional<std::int64_t> fit_coefficient(const std::vector<Moment>& moments);

/// How good ts is with one b. Seconds, and shares of the true remainder.
struct Quality {
    struct Spread {
        std::size_t moments{0};
        double median_s{0};
        double p90_s{0};
        double median_share{0};
        double p90_share{0};
    };
    double mean_s{0};  ///< absolute error, every charge counting the same
    Spread all;
    std::array<Spread, deciles> by_progress{};
};
[[nodiscard]] Quality quality_of(const std::vector<Moment>& moments, double b);

}  // namespace tally::tools
