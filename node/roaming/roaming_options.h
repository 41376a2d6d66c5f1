#pragma once

#include "ledger/base/clock.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"
#include "node/link/figures.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::node {

/// Bounds of the roaming service. What exceeds them is refused (`overloaded`) or, for finished
/// sessions, forgotten from the oldest on.
inline constexpr std::size_t sessions_open_max{100'000};
inline constexpr std::size_t sessions_finished_max{10'000};
inline constexpr std::size_t submissions_max{200'000};
inline constexpr std::size_t outbox_messages_max{20'000};
inline constexpr std::size_t seen_messages_max{16'384};
/// Frames with a wrong signature that a peer may send in a row: a member's new key is known to some
/// nodes a moment before others.
inline constexpr std::size_t unauthentic_in_a_row_max{64};

/// b of the driver's figures, in 1/1000, for connectors of at most so many W each; the first band
/// that is wide enough counts, and 1 when none is.
struct CoefficientBand {
    std::int64_t up_to_w{INT64_MAX};
    std::int64_t permille{coefficient_permille_default};
    friend bool operator==(const CoefficientBand&, const CoefficientBand&) = default;
};
using CoefficientBands = std::vector<CoefficientBand>;
[[nodiscard]] inline std::int64_t coefficient_for(const CoefficientBands& bands,
                                                  std::int64_t rated_power_w) {
    for (const CoefficientBand& band : bands) {
        if (rated_power_w <= band.up_to_w) {
            return band.permille;
        }
    }
    return coefficient_permille_default;
}

/// What an operator may set, and the timing of the flow (defaults are the design's).
struct RoamingOptions {
    PartyId self;
    /// Tariff id of an EVSE; one that is not named is charged by the first tariff (by id) that the
    /// agreement offers in its currency.
    std::map<std::string, std::string> evse_tariffs;
    /// Recorded charges of this amount or more wait for somebody to settle or dispute them, until
    /// `review_margin_ms` before settle_by; then they are settled. None: all are settled at once.
    std::optional<Money> review_from;
    UnixMillis review_margin_ms{3'600'000};
    /// b of the driver's figures at our chargers, by rated power.
    CoefficientBands coefficients;
    std::chrono::milliseconds authorization_budget{8'000};
    std::chrono::milliseconds relay_wait{500};         ///< for the hub's receipt, then directly
    std::chrono::milliseconds hub_distrust{5'000};     ///< after a missing receipt: all directly
    std::chrono::milliseconds resend_interval{2'000};  ///< of what is not acknowledged
    std::chrono::milliseconds tick{250};               ///< how often deadlines are looked at
    std::chrono::milliseconds progress_interval{100};  ///< least time between relayed figures
    UnixMillis request_age_max_ms{60'000};      ///< older or more future requests are dropped
    UnixMillis notice_lifetime_ms{86'400'000};  ///< an unacknowledged notice is given up
    UnixMillis start_margin_ms{10'000};       ///< start_by = now + start window - this (clock skew)
    UnixMillis decision_lifetime_ms{20'000};  ///< not_after of an approval
    UnixMillis submission_lifetime_ms{60'000};  ///< not_after of everything else; then signed anew
};

/// Whether nobody ever gets to review a charge, because it is to be settled again at once: the
/// margin takes up all of the scheme's settle window. Votes may change that one.
[[nodiscard]] inline bool leaves_no_review(const RoamingOptions& options,
                                           UnixMillis settle_window) noexcept {
    return options.review_from.has_value() && options.review_margin_ms >= settle_window;
}

/// Counts what happens, for metrics: `name` is a fixed lower-case word such as
/// "authorization_refused". Never carries a token.
using RoamingMetrics = std::function<void(std::string_view name)>;

}  // namespace tally::node
