#include "ledger/model/price_walk.h"

#include <algorithm>
#include <limits>

namespace tally {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t ms_per_second{1000};
constexpr std::int64_t ms_per_minute{60'000};
constexpr std::int64_t ms_per_day{minutes_per_day * ms_per_minute};
constexpr std::int64_t days_per_week{7};
constexpr std::int64_t weekday_of_1970{3};  // a Thursday; Monday is 0

/// A time on the charger's local clock.
struct LocalTime {
    std::int64_t day{0};  ///< since 1970-01-01, before it negative
    std::int64_t ms_of_day{0};

    LocalTime(UnixMillis time, std::int16_t offset_minutes) {
        const std::int64_t local = time + offset_minutes * ms_per_minute;
        ms_of_day = local % ms_per_day;
        ms_of_day += ms_of_day < 0 ? ms_per_day : 0;
        day = (local - ms_of_day) / ms_per_day;
    }
    [[nodiscard]] unsigned weekday() const {
        const std::int64_t rest = (day + weekday_of_1970) % days_per_week;
        return static_cast<unsigned>(rest < 0 ? rest + days_per_week : rest);
    }
};

bool is_at_all_times_of_day(const TariffRestrictions& limits) {
    return limits.start_minute == limits.end_minute % minutes_per_day;
}

bool holds_by_clock(const TariffRestrictions& limits, const LocalTime& now) {
    if (!is_at_all_times_of_day(limits)) {
        const std::int64_t start = limits.start_minute * ms_per_minute;
        const std::int64_t end = limits.end_minute * ms_per_minute;
        const bool from = now.ms_of_day >= start;
        const bool until = now.ms_of_day < end;
        if (start < end ? !(from && until) : !(from || until)) {
            return false;
        }
    }
    return ((limits.days_of_week >> now.weekday()) & 1U) != 0 &&
           now.day >= limits.start_day.value_or(std::numeric_limits<std::int32_t>::min()) &&
           now.day < limits.end_day.value_or(std::numeric_limits<std::int32_t>::max());
}

bool is_from(const std::optional<std::int64_t>& min, std::int64_t value) {
    return !min || value >= *min;
}
bool is_below(const std::optional<std::int64_t>& max, std::int64_t value) {
    return !max || value < *max;
}

/// A lower bound needs a value that is known; an upper one is broken only by one that is.
bool is_from(const std::optional<std::int64_t>& min, const std::optional<std::int64_t>& value) {
    return !min || (value && *value >= *min);
}
bool is_below(const std::optional<std::int64_t>& max, const std::optional<std::int64_t>& value) {
    return !max || !value || *value < *max;
}

bool is_for(ReservationRule rule, Activity activity) {
    switch (rule) {
        case ReservationRule::none:
            return !is_reservation(activity);
        case ReservationRule::reservation:
            return is_reservation(activity);
        case ReservationRule::reservation_expires:
            return activity == Activity::reservation_expired;
    }
    return false;
}

bool holds(const TariffRestrictions& limits, const ChargePoint& point, const LocalTime& now) {
    const RatingPeriod& period = *point.period;
    if (!is_for(limits.reservation, period.activity) || !holds_by_clock(limits, now)) {
        return false;
    }
    const std::int64_t elapsed_ms = point.time - point.began;
    // The energy is whole mWh and the restriction whole Wh: floored, the borders stay exact.
    const std::int64_t used_wh = point.energy_mwh / mwh_per_wh;
    return is_from(limits.min_wh, used_wh) && is_below(limits.max_wh, used_wh) &&
           is_from(limits.min_duration_s, elapsed_ms / ms_per_second) &&
           is_below(limits.max_duration_s, elapsed_ms / ms_per_second) &&
           is_from(limits.min_power_mw, period.min_power_mw) &&
           is_below(limits.max_power_mw, period.max_power_mw) &&
           is_from(limits.min_current_ua, period.min_current_ua) &&
           is_below(limits.max_current_ua, period.max_current_ua);
}

/// The place of a kind's price among the active ones, or null when the activity does not bill it.
const PriceComponent** slot_of(ActivePrices& prices, PriceKind kind, Activity activity) {
    const bool is_reserved = is_reservation(activity);
    switch (kind) {
        case PriceKind::energy:
            return is_reserved ? nullptr : &prices.energy;
        case PriceKind::service:
            return is_reserved ? nullptr : &prices.service;
        case PriceKind::time:
            return activity == Activity::parking ? nullptr : &prices.time;
        case PriceKind::parking_time:
            return activity == Activity::parking ? &prices.time : nullptr;
        case PriceKind::flat:
            return &prices.flat;
    }
    return nullptr;
}

bool is_same(const PriceComponent* left, const PriceComponent* right) {
    return left == right || (left != nullptr && right != nullptr && *left == *right);
}

/// Keeps the earliest time after `from`.
class Earliest {
public:
    explicit Earliest(UnixMillis from) : m_from{from} {}
    void offer(std::int64_t time) {
        if (time > m_from && (!m_found || time < *m_found)) {
            m_found = time;
        }
    }
    [[nodiscard]] std::optional<std::int64_t> found() const { return m_found; }

private:
    std::int64_t m_from;
    std::optional<std::int64_t> m_found;
};

void offer_clock_borders(Earliest& earliest, const TariffRestrictions& limits,
                         const ChargePoint& from, const LocalTime& now) {
    const UnixMillis midnight = from.time - now.ms_of_day;
    if (!is_at_all_times_of_day(limits)) {
        for (const std::int64_t minute : {limits.start_minute, limits.end_minute}) {
            const std::int64_t at = minute % minutes_per_day * ms_per_minute;
            earliest.offer(midnight + at);
            earliest.offer(midnight + at + ms_per_day);
        }
    }
    if (limits.days_of_week != every_day) {
        earliest.offer(midnight + ms_per_day);
    }
    for (const std::optional<std::int32_t>& day : {limits.start_day, limits.end_day}) {
        if (day) {
            earliest.offer(midnight + (*day - now.day) * ms_per_day);
        }
    }
}

}  // namespace

ActivePrices prices_at(const Tariff& tariff, const ChargePoint& point) {
    const LocalTime now{point.time, point.period->utc_offset_minutes};
    ActivePrices prices;
    for (const TariffElement& element : tariff.elements) {
        if (!holds(element.restrictions, point, now)) {
            continue;
        }
        for (const PriceComponent& component : element.components) {
            const PriceComponent** slot = slot_of(prices, component.kind, point.period->activity);
            if (slot != nullptr && *slot == nullptr) {
                *slot = &component;
            }
        }
    }
    return prices;
}

bool are_same(const ActivePrices& left, const ActivePrices& right) {
    return is_same(left.energy, right.energy) && is_same(left.service, right.service) &&
           is_same(left.time, right.time) && is_same(left.flat, right.flat);
}

PriceWalk::PriceWalk(const Tariff& tariff, const RatingPeriod& period, std::int64_t energy_before,
                     UnixMillis began, BorderBudget& budget)
    : m_tariff{tariff},
      m_period{period},
      m_energy_before{energy_before},
      m_budget{budget},
      m_point{&period, period.begin, energy_before, began},
      m_prices{prices_at(tariff, m_point)} {}

bool PriceWalk::advance() {
    std::optional<ChargePoint> next = next_border(m_point);
    while (next) {
        if (m_budget.left == 0) {
            m_budget.exceeded = true;
            return false;
        }
        --m_budget.left;
        const ActivePrices prices = prices_at(m_tariff, *next);
        if (!are_same(prices, m_prices)) {
            m_point = *next;
            m_prices = prices;
            return true;
        }
        next = next_border(*next);
    }
    return false;
}

std::int64_t PriceWalk::time_ms_until(UnixMillis time) const {
    return m_period.end == m_period.begin ? 0 : share(m_period.time_ms, time - m_period.begin);
}

std::int64_t PriceWalk::share(std::int64_t amount, std::int64_t elapsed_ms) const {
    return static_cast<std::int64_t>(Wide{amount} * elapsed_ms / (m_period.end - m_period.begin));
}

std::optional<ChargePoint> PriceWalk::next_border(const ChargePoint& from) const {
    const std::optional<UnixMillis> time = next_time_border(from);
    const std::optional<std::int64_t> energy = next_energy_border(from);
    std::optional<UnixMillis> reached;
    if (energy) {
        const Wide wait =
            Wide{*energy - m_energy_before} * (m_period.end - m_period.begin) / m_period.energy_mwh;
        reached = std::max(from.time, m_period.begin + static_cast<std::int64_t>(wait));
    }
    ChargePoint next = from;
    if (reached && (!time || *reached <= *time)) {
        next.time = *reached;
        next.energy_mwh = *energy;
        return next;
    }
    if (!time) {
        return std::nullopt;
    }
    const std::int64_t used = share(m_period.energy_mwh, *time - m_period.begin);
    next.time = *time;
    next.energy_mwh = std::max(from.energy_mwh, m_energy_before + used / mwh_per_wh * mwh_per_wh);
    return next;
}

std::optional<UnixMillis> PriceWalk::next_time_border(const ChargePoint& from) const {
    const LocalTime now{from.time, m_period.utc_offset_minutes};
    Earliest earliest{from.time};
    for (const TariffElement& element : m_tariff.elements) {
        const TariffRestrictions& limits = element.restrictions;
        if (!is_for(limits.reservation, m_period.activity)) {
            continue;
        }
        offer_clock_borders(earliest, limits, from, now);
        for (const std::optional<std::int64_t>& seconds :
             {limits.min_duration_s, limits.max_duration_s}) {
            if (seconds) {
                earliest.offer(from.began + *seconds * ms_per_second);
            }
        }
    }
    const std::optional<UnixMillis> found = earliest.found();
    return found && *found < m_period.end ? found : std::nullopt;
}

std::optional<std::int64_t> PriceWalk::next_energy_border(const ChargePoint& from) const {
    Earliest least{from.energy_mwh};
    for (const TariffElement& element : m_tariff.elements) {
        const TariffRestrictions& limits = element.restrictions;
        for (const std::optional<std::int64_t>& border : {limits.min_wh, limits.max_wh}) {
            if (border && is_for(limits.reservation, m_period.activity)) {
                least.offer(*border * mwh_per_wh);
            }
        }
    }
    const std::optional<std::int64_t> found = least.found();
    return found && *found < m_energy_before + m_period.energy_mwh ? found : std::nullopt;
}

}  // namespace tally
