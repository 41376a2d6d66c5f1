#include "ledger/model/rating.h"

#include "ledger/model/bill.h"
#include "ledger/model/price_walk.h"

#include <algorithm>

namespace tally {

namespace {

constexpr std::int64_t ms_per_day{24LL * 3'600'000};
constexpr std::int64_t rated_ms_max{rated_days_max * ms_per_day};
constexpr std::int64_t mw_per_w{1000};

/// When the charge and the reservation before it began: durations count from there.
class Begins {
public:
    /// Must be asked for one period after the other.
    UnixMillis of(const RatingPeriod& period) {
        std::optional<UnixMillis>& begin =
            is_reservation(period.activity) ? m_reservation : m_charge;
        if (!begin) {
            begin = period.begin;
        }
        return *begin;
    }

private:
    std::optional<UnixMillis> m_charge;
    std::optional<UnixMillis> m_reservation;
};

/// Checks all that does not depend on prices.
std::optional<RatingError> find_error(const Tariff& tariff,
                                      const std::vector<MeterReading>& readings) {
    if (readings.size() < 2) {
        return RatingError::too_few_readings;
    }
    const bool all_valid = std::all_of(readings.begin(), readings.end(),
                                       [](const MeterReading& one) { return is_valid(one); });
    if (readings.size() > readings_max || !all_valid || !tariff.is_valid()) {
        return RatingError::out_of_range;
    }
    for (std::size_t i = 1; i < readings.size(); ++i) {
        if (readings[i].time < readings[i - 1].time ||
            readings[i].register_wh < readings[i - 1].register_wh) {
            return RatingError::not_in_order;
        }
    }
    return readings.back().time - readings.front().time > rated_ms_max
               ? std::optional{RatingError::out_of_range}
               : std::nullopt;
}

bool is_absent_or_known(const std::optional<std::int64_t>& value) {
    return !value || (*value >= -restriction_max && *value <= restriction_max);
}

bool is_within_bounds(const RatingPeriod& period) {
    return period.begin >= 0 && period.end <= unix_millis_max &&
           period.utc_offset_minutes >= -utc_offset_minutes_max &&
           period.utc_offset_minutes <= utc_offset_minutes_max && is_known(period.activity) &&
           period.energy_mwh >= 0 && period.energy_mwh <= register_wh_max * mwh_per_wh &&
           period.time_ms >= 0 && period.time_ms <= rated_ms_max &&
           is_absent_or_known(period.min_power_mw) && is_absent_or_known(period.max_power_mw) &&
           is_absent_or_known(period.min_current_ua) && is_absent_or_known(period.max_current_ua);
}

std::optional<RatingError> find_error(const Tariff& tariff,
                                      const std::vector<RatingPeriod>& periods) {
    if (periods.empty()) {
        return RatingError::too_few_readings;
    }
    if (periods.size() > rating_periods_max || !tariff.is_valid()) {
        return RatingError::out_of_range;
    }
    std::int64_t energy{0};
    for (std::size_t i = 0; i < periods.size(); ++i) {
        if (!is_within_bounds(periods[i])) {
            return RatingError::out_of_range;
        }
        if (periods[i].end < periods[i].begin || (i > 0 && periods[i].begin < periods[i - 1].end)) {
            return RatingError::not_in_order;
        }
        // Each is at most 2^62, and the sum is checked before the next is added.
        energy += periods[i].energy_mwh;
        if (energy > register_wh_max * mwh_per_wh) {
            return RatingError::out_of_range;
        }
    }
    return periods.back().end - periods.front().begin > rated_ms_max
               ? std::optional{RatingError::out_of_range}
               : std::nullopt;
}

std::vector<RatingPeriod> periods_of(const std::vector<MeterReading>& readings) {
    std::vector<RatingPeriod> periods;
    periods.reserve(readings.size());
    for (std::size_t i = 0; i + 1 < readings.size(); ++i) {
        const MeterReading& from = readings[i];
        const MeterReading& to = readings[i + 1];
        RatingPeriod period;
        period.begin = from.time;
        period.end = to.time;
        period.utc_offset_minutes = from.utc_offset_minutes;
        period.activity = from.activity;
        period.energy_mwh = (to.register_wh - from.register_wh) * mwh_per_wh;
        period.time_ms = to.time - from.time;
        if (from.power_w) {
            period.min_power_mw = *from.power_w * mw_per_w;
            period.max_power_mw = period.min_power_mw;
        }
        period.begin_estimated = from.estimated;
        period.end_estimated = to.estimated;
        periods.push_back(period);
    }
    return periods;
}

/// Bills a period in as many parts as it has prices. False when there are too many parts.
bool bill_period(Bill& bill, PriceWalk& walk, const RatingPeriod& period,
                 std::int64_t energy_before, std::size_t& segments_left) {
    // Without energy there is nothing to estimate at a border.
    const bool estimated = period.energy_mwh > 0;
    BilledSegment segment;
    segment.activity = period.activity;
    segment.begin_estimated = period.begin_estimated;
    std::int64_t energy_from{energy_before};
    std::int64_t time_from{0};
    for (bool more = true; more;) {
        if (segments_left-- == 0) {
            return false;
        }
        segment.prices = walk.prices();
        more = walk.advance();
        const std::int64_t energy_to =
            more ? walk.point().energy_mwh : energy_before + period.energy_mwh;
        const std::int64_t time_to = more ? walk.time_ms_until(walk.point().time) : period.time_ms;
        segment.energy_mwh = energy_to - energy_from;
        segment.time_ms = time_to - time_from;
        segment.end_estimated = more ? estimated : period.end_estimated;
        bill.add(segment);
        segment.begin_estimated = segment.end_estimated;
        energy_from = energy_to;
        time_from = time_to;
    }
    return true;
}

/// One pass: inserts a reading at each price change that shows now.
std::vector<MeterReading> split_once(const Tariff& tariff,
                                     const std::vector<MeterReading>& readings,
                                     BorderBudget& budget) {
    const std::vector<RatingPeriod> periods = periods_of(readings);
    const std::int64_t register_begin = readings.front().register_wh;
    Begins begins;
    std::vector<MeterReading> result{readings.front()};
    for (std::size_t i = 0; i < periods.size() && result.size() <= readings_max; ++i) {
        const std::int64_t used = readings[i].register_wh - register_begin;
        PriceWalk walk{tariff, periods[i], used * mwh_per_wh, begins.of(periods[i]), budget};
        while (result.size() <= readings_max && walk.advance()) {
            MeterReading reading = readings[i];
            reading.time = walk.point().time;
            reading.register_wh = register_begin + walk.point().energy_mwh / mwh_per_wh;
            reading.estimated = true;
            result.push_back(reading);
        }
        result.push_back(readings[i + 1]);
    }
    return result;
}

}  // namespace

const char* to_text(LineKind kind) {
    switch (kind) {
        case LineKind::energy:
            return "energy";
        case LineKind::time:
            return "time";
        case LineKind::flat:
            return "flat";
        case LineKind::parking_time:
            return "parking_time";
        case LineKind::service:
            return "service";
        case LineKind::reservation_time:
            return "reservation_time";
        case LineKind::reservation_flat:
            return "reservation_flat";
        case LineKind::min_price:
            return "min_price";
        case LineKind::max_price:
            return "max_price";
    }
    return "unknown";
}

const char* to_text(RatingError error) {
    switch (error) {
        case RatingError::too_few_readings:
            return "too_few_readings";
        case RatingError::not_in_order:
            return "not_in_order";
        case RatingError::spans_price_change:
            return "spans_price_change";
        case RatingError::out_of_range:
            return "out_of_range";
        case RatingError::overflow:
            return "overflow";
    }
    return "unknown";
}

Expected<Rating, RatingError> rate(const Tariff& tariff,
                                   const std::vector<MeterReading>& readings) {
    if (const auto error = find_error(tariff, readings)) {
        return Unexpected{*error};
    }
    Begins begins;
    Bill bill;
    std::int64_t energy{0};
    BorderBudget budget{record_borders_max, false};
    for (const RatingPeriod& period : periods_of(readings)) {
        const UnixMillis began = begins.of(period);
        PriceWalk walk{tariff, period, energy, began, budget};
        if (walk.advance()) {
            return Unexpected{RatingError::spans_price_change};
        }
        if (budget.exceeded) {
            return Unexpected{RatingError::out_of_range};
        }
        bill.add({walk.prices(), period.activity, period.energy_mwh, period.time_ms,
                  period.begin_estimated, period.end_estimated});
        energy += period.energy_mwh;
    }
    return std::move(bill).finish(tariff);
}

Expected<Rating, RatingError> rate_periods(const Tariff& tariff,
                                           const std::vector<RatingPeriod>& periods) {
    if (const auto error = find_error(tariff, periods)) {
        return Unexpected{*error};
    }
    Begins begins;
    Bill bill;
    std::int64_t energy{0};
    BorderBudget budget{period_borders_max, false};
    std::size_t segments_left{rating_segments_max};
    for (const RatingPeriod& period : periods) {
        PriceWalk walk{tariff, period, energy, begins.of(period), budget};
        if (!bill_period(bill, walk, period, energy, segments_left) || budget.exceeded) {
            return Unexpected{RatingError::out_of_range};
        }
        energy += period.energy_mwh;
    }
    return std::move(bill).finish(tariff);
}

Expected<std::vector<MeterReading>, RatingError> split_at_price_changes(
    const Tariff& tariff, const std::vector<MeterReading>& readings) {
    if (const auto error = find_error(tariff, readings)) {
        return Unexpected{*error};
    }
    // Between readings that were just computed, flooring may let two borders change places and
    // show one more price change. Each pass adds readings or is the last.
    std::vector<MeterReading> before = readings;
    for (;;) {
        BorderBudget budget{record_borders_max, false};
        std::vector<MeterReading> after = split_once(tariff, before, budget);
        if (after.size() > readings_max || budget.exceeded) {
            return Unexpected{RatingError::out_of_range};
        }
        if (after.size() == before.size()) {
            return after;
        }
        before = std::move(after);
    }
}

bool is_price_change(const Tariff& tariff, const std::vector<MeterReading>& readings,
                     std::size_t index) {
    ENSURE(index > 0 && index + 1 < readings.size());
    const std::vector<RatingPeriod> periods = periods_of(readings);
    Begins begins;
    std::int64_t energy{0};
    for (std::size_t i = 0; i + 1 < index; ++i) {
        static_cast<void>(begins.of(periods[i]));
        energy += periods[i].energy_mwh;
    }
    const RatingPeriod& before = periods[index - 1];
    const RatingPeriod& after = periods[index];
    if (before.activity != after.activity) {
        return true;
    }
    BorderBudget budget{record_borders_max, false};
    PriceWalk walk{tariff, before, energy, begins.of(before), budget};
    while (walk.advance()) {
    }
    const ChargePoint point{&after, after.begin, energy + before.energy_mwh, begins.of(after)};
    return !are_same(walk.prices(), prices_at(tariff, point));
}

}  // namespace tally
