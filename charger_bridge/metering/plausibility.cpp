#include "charger_bridge/metering/plausibility.h"

namespace tally::bridge {

std::vector<std::string> implausible_after(const PreviousEnd* previous,
                                           const std::string& meter_serial,
                                           std::uint32_t meter_epoch,
                                           const std::vector<MeterReading>& readings) {
    std::vector<std::string> reasons;
    const MeterReading& begin = readings.front();
    if (previous != nullptr) {
        const bool is_same_register =
            previous->meter_serial == meter_serial && previous->meter_epoch == meter_epoch;
        if (is_same_register && begin.register_wh < previous->register_wh) {
            reasons.emplace_back("register_below_previous");
        }
        if (begin.time < previous->time) {
            reasons.emplace_back("overlaps_previous");
        }
    }
    const std::chrono::milliseconds duration{readings.back().time - begin.time};
    if (duration > charge_duration_max) {
        reasons.emplace_back("too_long");
    }
    return reasons;
}

}  // namespace tally::bridge
