#include "tools/rate/cdr.h"

#include "node/config/json_text.h"
#include "node/config/ocpi_fields.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace tally::tools {

namespace json = boost::json;
using node::DecimalRule;
using node::JsonProblems;
using node::OcpiFields;

namespace {

constexpr std::int64_t micro{1'000'000};
constexpr std::int64_t kwh_max{1'000'000'000};
constexpr std::int64_t nano{1'000'000'000};
constexpr std::int64_t ms_per_hour{3'600'000};
constexpr unsigned energy_decimals{6};
/// From so many decimals on, a number of hours looks rounded.
constexpr unsigned rounded_hours_decimals{3};

constexpr DecimalRule energy_rule{energy_decimals, 0, kwh_max* micro, true};
constexpr DecimalRule hours_rule{9, 0, rated_days_max * 24 * nano, true};
constexpr DecimalRule circumstance_rule{6, -restriction_max, restriction_max, true};

/// One period while it is read: OCPI gives volumes by name.
struct Volumes {
    CdrPeriod period;
    std::optional<std::int64_t> mean_power_mw;
    std::optional<std::int64_t> mean_current_ua;
    unsigned time_decimals{0};  ///< of the only volume of time
};

using Slot = std::optional<std::int64_t>*;

struct Dimension {
    Slot slot{nullptr};
    const DecimalRule* rule{nullptr};
};

Dimension dimension_of(Volumes& volumes, std::string_view type) {
    CdrPeriod& period = volumes.period;
    struct Entry {
        std::string_view type;
        Dimension dimension;
    };
    const std::array<Entry, 10> entries{{
        {"ENERGY", {&period.energy_mwh, &energy_rule}},
        {"TIME", {&period.charging_ms, &hours_rule}},
        {"PARKING_TIME", {&period.parking_ms, &hours_rule}},
        {"RESERVATION_TIME", {&period.reservation_ms, &hours_rule}},
        {"MIN_POWER", {&period.min_power_mw, &circumstance_rule}},
        {"MAX_POWER", {&period.max_power_mw, &circumstance_rule}},
        {"POWER", {&volumes.mean_power_mw, &circumstance_rule}},
        {"MIN_CURRENT", {&period.min_current_ua, &circumstance_rule}},
        {"MAX_CURRENT", {&period.max_current_ua, &circumstance_rule}},
        {"CURRENT", {&volumes.mean_current_ua, &circumstance_rule}},
    }};
    const auto* const found = std::find_if(
        entries.begin(), entries.end(), [type](const Entry& entry) { return entry.type == type; });
    return found == entries.end() ? Dimension{} : found->dimension;
}

void read_dimension(const json::value& value, const std::string& pointer, Volumes& volumes,
                    JsonProblems& problems, std::vector<std::string>& notes) {
    OcpiFields fields{value, pointer, problems};
    static_cast<void>(fields.require("type"));
    const std::string type = fields.text("type").value_or("");
    const json::value* volume = fields.require("volume");
    const Dimension dimension = dimension_of(volumes, type);
    if (problems.any()) {
        return;
    }
    if (dimension.slot == nullptr) {
        notes.push_back(pointer + "/type: " + json::serialize(json::value(type.substr(0, 40))) +
                        " is not priced and ignored");
        return;
    }
    if (dimension.slot->has_value()) {
        fields.problem("type", "must be given once in a period");
        return;
    }
    std::optional<std::int64_t> number = fields.number("volume", *dimension.rule);
    if (dimension.rule == &hours_rule && number) {
        number = multiply_divide_half_up(*number, ms_per_hour, nano);
        if (number.value_or(0) > 0) {
            volumes.time_decimals = node::decimals_shown(*volume);
        }
    }
    if (dimension.rule == &energy_rule && node::decimals_shown(*volume) > energy_decimals) {
        notes.push_back(pointer + "/volume: rounded to 1 mWh");
    }
    *dimension.slot = number;
}

Volumes read_period(const json::value& value, const std::string& pointer, JsonProblems& problems,
                    std::vector<std::string>& notes) {
    OcpiFields fields{value, pointer, problems};
    Volumes volumes;
    static_cast<void>(fields.require("start_date_time"));
    volumes.period.begin = fields.date_time("start_date_time").value_or(0);
    std::size_t index{0};
    for (const json::value& item : fields.required_list("dimensions", dimensions_max)) {
        read_dimension(item, pointer + "/dimensions/" + std::to_string(index++), volumes, problems,
                       notes);
    }
    return volumes;
}

/// Of least and most one stands for the other, and the mean for both, when they are not given.
void complete(std::optional<std::int64_t>& min, std::optional<std::int64_t>& max,
              const std::optional<std::int64_t>& mean) {
    const std::optional<std::int64_t> least = min ? min : mean ? mean : max;
    const std::optional<std::int64_t> most = max ? max : mean ? mean : min;
    min = least;
    max = most;
}

/// The mean power where nothing else is known of it.
std::optional<std::int64_t> mean_power_mw(const CdrPeriod& period) {
    const std::int64_t time = period.charging_ms.value_or(0);
    if (time == 0 || !period.energy_mwh) {
        return std::nullopt;
    }
    const auto power = multiply_divide_half_up(*period.energy_mwh, ms_per_hour, time);
    return power && *power <= restriction_max ? power : std::nullopt;
}

/// A volume that is the clock's time of the period, rounded to the digits shown, is that time: its
/// rounding must not reach into the next step.
void take_clock_time(Volumes& volumes, std::int64_t clock_ms) {
    CdrPeriod& period = volumes.period;
    Slot only{nullptr};
    for (const Slot slot : {&period.charging_ms, &period.parking_ms, &period.reservation_ms}) {
        if (slot->value_or(0) > 0) {
            if (only != nullptr) {
                return;
            }
            only = slot;
        }
    }
    if (only == nullptr || volumes.time_decimals < rounded_hours_decimals) {
        return;
    }
    std::int64_t tolerance_ms{ms_per_hour / 2};
    for (unsigned i = 0; i < volumes.time_decimals && tolerance_ms > 0; ++i) {
        tolerance_ms /= 10;
    }
    const std::int64_t difference = **only - clock_ms;
    if (difference >= -tolerance_ms - 1 && difference <= tolerance_ms + 1) {
        *only = clock_ms;
    }
}

/// A part of a charging period in which one thing went on.
struct Part {
    Activity activity{Activity::charging};
    std::int64_t time_ms{0};
    bool has_energy{false};
};

std::vector<Part> parts_of(const CdrPeriod& period, Activity reservation) {
    std::vector<Part> parts;
    const auto add = [&parts](Activity activity, const std::optional<std::int64_t>& time_ms) {
        if (time_ms.value_or(0) > 0) {
            parts.push_back({activity, *time_ms, false});
        }
    };
    add(reservation, period.reservation_ms);
    add(Activity::charging, period.charging_ms);
    add(Activity::parking, period.parking_ms);
    if (parts.empty()) {
        const bool is_parking = period.parking_ms && !period.charging_ms;
        const bool is_reserved = period.reservation_ms && !period.charging_ms && !is_parking;
        const Activity other = is_parking ? Activity::parking : Activity::charging;
        parts.push_back({is_reserved ? reservation : other, 0, false});
    }
    // Energy belongs to charging, else to parking: each comes after what it is preferred to.
    for (const Activity wanted : {Activity::charging, Activity::parking}) {
        for (Part& part : parts) {
            if (part.activity == wanted) {
                part.has_energy = true;
                return parts;
            }
        }
    }
    return parts;
}

/// Cuts a period where the offset of its zone changes: time and energy linear, as rating does.
class Periods {
public:
    explicit Periods(const TimeZone& zone) : m_zone{zone} {}

    void add(RatingPeriod rest) {
        TimeZone::Span span = m_zone.at(rest.begin);
        while (span.until < rest.end) {
            RatingPeriod first = rest;
            const std::int64_t length = rest.end - rest.begin;
            const std::int64_t elapsed = span.until - rest.begin;
            first.utc_offset_minutes = span.offset_minutes;
            first.end = span.until;
            first.energy_mwh =
                floor_share(rest.energy_mwh, elapsed, length) / mwh_per_wh * mwh_per_wh;
            first.time_ms = floor_share(rest.time_ms, elapsed, length);
            first.end_estimated = rest.energy_mwh > 0;
            m_periods.push_back(first);
            rest.begin = span.until;
            rest.energy_mwh -= first.energy_mwh;
            rest.time_ms -= first.time_ms;
            rest.begin_estimated = first.end_estimated;
            span = m_zone.at(rest.begin);
        }
        rest.utc_offset_minutes = span.offset_minutes;
        m_periods.push_back(rest);
    }
    [[nodiscard]] std::vector<RatingPeriod> take() && { return std::move(m_periods); }

    /// amount x part / whole, floored; part <= whole, whole > 0.
    static std::int64_t floor_share(std::int64_t amount, std::int64_t part, std::int64_t whole) {
        __extension__ using Wide = __int128;
        return static_cast<std::int64_t>(Wide{amount} * part / whole);
    }

private:
    const TimeZone& m_zone;
    std::vector<RatingPeriod> m_periods;
};

void add_parts(Periods& periods, const CdrPeriod& period, const std::vector<Part>& parts,
               UnixMillis end) {
    std::int64_t all_ms{0};
    for (const Part& part : parts) {
        all_ms += part.time_ms;
    }
    std::int64_t before_ms{0};
    UnixMillis begin = period.begin;
    for (const Part& part : parts) {
        before_ms += part.time_ms;
        RatingPeriod out;
        out.begin = begin;
        out.end = all_ms == 0
                      ? end
                      : period.begin + Periods::floor_share(end - period.begin, before_ms, all_ms);
        out.activity = part.activity;
        out.time_ms = part.time_ms;
        out.energy_mwh = part.has_energy ? period.energy_mwh.value_or(0) : 0;
        out.min_power_mw = period.min_power_mw;
        out.max_power_mw = period.max_power_mw;
        out.min_current_ua = period.min_current_ua;
        out.max_current_ua = period.max_current_ua;
        periods.add(out);
        begin = out.end;
    }
}

void read_periods(OcpiFields& fields, Cdr& cdr, JsonProblems& problems) {
    std::vector<Volumes> all;
    std::size_t index{0};
    for (const json::value& item : fields.required_list("charging_periods", charging_periods_max)) {
        const std::string pointer = "/charging_periods/" + std::to_string(index++);
        all.push_back(read_period(item, pointer, problems, cdr.notes));
        const UnixMillis before = all.size() > 1 ? all[all.size() - 2].period.begin : cdr.begin;
        if (all.back().period.begin < before || all.back().period.begin > cdr.end) {
            problems.add(pointer + "/start_date_time",
                         "must not be before the period before it, the record's start, or after "
                         "its end");
        }
    }
    for (std::size_t i = 0; i < all.size() && !problems.any(); ++i) {
        const UnixMillis end = i + 1 < all.size() ? all[i + 1].period.begin : cdr.end;
        take_clock_time(all[i], end - all[i].period.begin);
        CdrPeriod& period = all[i].period;
        complete(period.min_power_mw, period.max_power_mw, all[i].mean_power_mw);
        complete(period.min_power_mw, period.max_power_mw, mean_power_mw(period));
        complete(period.min_current_ua, period.max_current_ua, all[i].mean_current_ua);
        cdr.periods.push_back(period);
    }
}

}  // namespace

Expected<Cdr, std::string> cdr_from_json(std::string_view text) {
    if (text.size() > cdr_json_bytes_max) {
        return Unexpected{std::string{"larger than 16 MiB"}};
    }
    const auto document = node::parse_json(text);
    if (!document) {
        return Unexpected{document.error()};
    }
    JsonProblems problems;
    OcpiFields fields{*document, "", problems};
    Cdr cdr;
    for (const char* key : {"start_date_time", "end_date_time", "currency"}) {
        static_cast<void>(fields.require(key));
    }
    cdr.begin = fields.date_time("start_date_time").value_or(0);
    cdr.end = fields.date_time("end_date_time").value_or(unix_millis_max);
    const std::optional<std::string> code = fields.text("currency");
    const std::optional<Currency> currency =
        code ? currency_from_text(*code) : std::optional<Currency>{};
    if (code && !currency) {
        fields.problem("currency", "must be an ISO 4217 code of three letters A-Z");
    }
    cdr.currency = currency.value_or(Currency{});
    if (cdr.end < cdr.begin) {
        fields.problem("end_date_time", "must not be before start_date_time");
    }
    read_periods(fields, cdr, problems);
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    return cdr;
}

Expected<std::vector<RatingPeriod>, std::string> rating_periods(const Cdr& cdr,
                                                                const TimeZone& zone) {
    const bool was_used =
        std::any_of(cdr.periods.begin(), cdr.periods.end(), [](const CdrPeriod& period) {
            const std::vector<Part> parts = parts_of(period, Activity::reservation);
            return std::any_of(parts.begin(), parts.end(),
                               [](const Part& part) { return !is_reservation(part.activity); });
        });
    const Activity reservation = was_used ? Activity::reservation : Activity::reservation_expired;
    Periods periods{zone};
    for (std::size_t i = 0; i < cdr.periods.size(); ++i) {
        const CdrPeriod& period = cdr.periods[i];
        const std::vector<Part> parts = parts_of(period, reservation);
        if (i == 0 && cdr.begin < period.begin) {
            // Nothing was used yet, but the charge had begun.
            CdrPeriod before;
            before.begin = cdr.begin;
            before.min_power_mw = period.min_power_mw;
            before.max_power_mw = period.max_power_mw;
            before.min_current_ua = period.min_current_ua;
            before.max_current_ua = period.max_current_ua;
            add_parts(periods, before, {Part{parts.front().activity, 0, false}}, period.begin);
        }
        const bool has_place = std::any_of(parts.begin(), parts.end(),
                                           [](const Part& part) { return part.has_energy; });
        if (period.energy_mwh.value_or(0) > 0 && !has_place) {
            return Unexpected{"/charging_periods/" + std::to_string(i) +
                              ": has energy in a period of reservation only"};
        }
        add_parts(periods, period, parts,
                  i + 1 < cdr.periods.size() ? cdr.periods[i + 1].begin : cdr.end);
    }
    return std::move(periods).take();
}

}  // namespace tally::tools
