#pragma once

// Whether a charge can have been as it was metered, held against the charge before it on the same
// connector. The ledger refuses what is refused here; found at the site, a person can look. Pure.

#include "ledger/model/rating.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tally::bridge {

/// Longest charge that a record can hold: the ledger takes records until 72 h after the start.
inline constexpr std::chrono::hours charge_duration_max{72};

/// Where the last recorded charge of a connector ended.
struct PreviousEnd {
    UnixMillis time{0};
    std::int64_t register_wh{0};
    std::string meter_serial;
    std::uint32_t meter_epoch{0};
};

/// Reasons for review, none: plausible. `register_below_previous` (a register that was reset needs
/// a new epoch on the ledger), `overlaps_previous`, `too_long`. Power is checked by `is_plausible`,
/// order by `final_readings`.
[[nodiscard]] std::vector<std::string> implausible_after(const PreviousEnd* previous,
                                                         const std::string& meter_serial,
                                                         std::uint32_t meter_epoch,
                                                         const std::vector<MeterReading>& readings);

}  // namespace tally::bridge
