#include "ledger/state/plausibility.h"

#include "ledger/state/context.h"

#include <algorithm>

namespace tally {
namespace {

constexpr std::int64_t ms_per_hour{3'600'000};
constexpr std::int64_t meter_slack_ms{60'000};  ///< the meter's clock and the begin of a sample
constexpr std::int64_t power_percent_max{105};  ///< above rated power, for the meter's class

bool went_back(const ChargerRecord& charger, const MeteredCharge& metered) {
    const std::optional<ChargerRecord::LastReading>& last = charger.last_reading;
    const bool same_register = last && last->meter_serial == metered.meter_serial &&
                               last->meter_epoch == metered.meter_epoch;
    return same_register && metered.readings.front().register_wh < last->register_wh;
}

}  // namespace

bool is_energy_plausible(std::int64_t energy_wh, std::uint32_t rated_power_w,
                         UnixMillis duration_ms) noexcept {
    // Wh x ms/h x 100 against W x ms x 105: both below 2^63 x 2^32 x 2^7, so 128 bits hold them.
    const WideMoney metered = WideMoney{energy_wh} * ms_per_hour * 100;
    const WideMoney possible = (WideMoney{duration_ms} + meter_slack_ms) *
                               static_cast<std::int64_t>(rated_power_w) * power_percent_max;
    return metered <= possible;
}

ResultCode check_plausible(const Authorization& authorization, const ChargerRecord& charger,
                           const MeteredCharge& metered, const Parameters& parameters) {
    if (metered.meter_serial != charger.meter_serial ||
        metered.meter_epoch != charger.meter_epoch) {
        return ResultCode::wrong_meter;
    }
    if (went_back(charger, metered)) {
        return ResultCode::register_went_back;
    }
    const MeterReading& begin = metered.readings.front();
    const MeterReading& end = metered.readings.back();
    if (begin.time < charger.last_end_time) {
        return ResultCode::overlaps_previous;
    }
    const UnixMillis earliest =
        authorization.decided_at -
        std::clamp<UnixMillis>(parameters.charger_clock_back, 0, duration_max);
    const UnixMillis latest =
        deadline_after(authorization.start->record_by, parameters.charger_clock_ahead);
    if (begin.time < earliest || end.time > latest) {
        return ResultCode::time_out_of_bounds;
    }
    const std::int64_t energy_wh = end.register_wh - begin.register_wh;
    return is_energy_plausible(energy_wh, charger.rated_power_w, end.time - begin.time)
               ? ResultCode::ok
               : ResultCode::energy_implausible;
}

}  // namespace tally
