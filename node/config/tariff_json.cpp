#include "node/config/tariff_json.h"

#include "ledger/model/day_bands.h"
#include "node/config/ocpi_fields.h"

#include <boost/json/array.hpp>

#include <array>

namespace tally::node {

namespace json = boost::json;

namespace {

struct TypeName {
    const char* name;
    PriceKind kind;
};
constexpr std::array<TypeName, 5> type_names{{{"ENERGY", PriceKind::energy},
                                              {"TIME", PriceKind::time},
                                              {"FLAT", PriceKind::flat},
                                              {"PARKING_TIME", PriceKind::parking_time},
                                              {"SERVICE", PriceKind::service}}};
constexpr std::array<const char*, 7> day_names{"MONDAY", "TUESDAY",  "WEDNESDAY", "THURSDAY",
                                               "FRIDAY", "SATURDAY", "SUNDAY"};

constexpr DecimalRule price_rule{4, 0, amount_max};
constexpr DecimalRule vat_rule{4, 0, vat_max};
constexpr DecimalRule step_rule{0, 0, step_size_max};
constexpr DecimalRule energy_rule{3, 0, register_wh_max};
constexpr DecimalRule micro_rule{6, 0, restriction_max};
constexpr DecimalRule duration_rule{0, 0, duration_s_max};

/// Where a restriction's number lives, for reading and writing alike.
struct NumberField {
    const char* key;
    const DecimalRule& rule;
    std::optional<std::int64_t> TariffRestrictions::*member;
};
constexpr std::array<NumberField, 8> number_fields{{
    {"min_kwh", energy_rule, &TariffRestrictions::min_wh},
    {"max_kwh", energy_rule, &TariffRestrictions::max_wh},
    {"min_current", micro_rule, &TariffRestrictions::min_current_ua},
    {"max_current", micro_rule, &TariffRestrictions::max_current_ua},
    {"min_power", micro_rule, &TariffRestrictions::min_power_mw},
    {"max_power", micro_rule, &TariffRestrictions::max_power_mw},
    {"min_duration", duration_rule, &TariffRestrictions::min_duration_s},
    {"max_duration", duration_rule, &TariffRestrictions::max_duration_s},
}};

// ---- OCPI to values

std::string item_pointer(const OcpiFields& fields, const char* list, std::size_t index) {
    return fields.pointer_of(list) + "/" + std::to_string(index);
}

PriceComponent read_component(const json::value& value, const std::string& pointer,
                              JsonProblems& problems) {
    OcpiFields fields{value, pointer, problems};
    PriceComponent component;
    static_cast<void>(fields.require("type"));
    const std::string type = fields.text("type").value_or("");
    bool is_known{false};
    for (const TypeName& entry : type_names) {
        if (type == entry.name) {
            component.kind = entry.kind;
            is_known = true;
        }
    }
    if (!is_known) {
        fields.problem("type", "must be ENERGY, FLAT, PARKING_TIME, TIME or SERVICE");
    }
    component.price = fields.required_number("price", price_rule);
    if (const std::optional<std::int64_t> vat = fields.number("vat", vat_rule)) {
        component.vat = static_cast<std::uint32_t>(*vat);
    }
    component.step_size =
        static_cast<std::uint32_t>(fields.required_number("step_size", step_rule));
    fields.refuse_unknown();
    return component;
}

std::optional<std::uint16_t> read_minute(OcpiFields& fields, const char* key) {
    const std::optional<std::string> text = fields.text(key);
    const std::optional<std::uint16_t> minute =
        text ? minute_from_text(*text) : std::optional<std::uint16_t>{};
    if (text && !minute) {
        fields.problem(key, "must be a time from 00:00 to 23:59");
    }
    return minute;
}

std::optional<std::int32_t> read_day(OcpiFields& fields, const char* key) {
    const std::optional<std::string> text = fields.text(key);
    const std::optional<std::int32_t> day =
        text ? day_from_text(*text) : std::optional<std::int32_t>{};
    if (text && !day) {
        fields.problem(key, "must be a date like \"2015-12-24\", from 1970 to 9999");
    }
    return day;
}

std::uint8_t read_weekdays(OcpiFields& fields) {
    const json::value* value = fields.find("day_of_week");
    if (value == nullptr) {
        return every_day;
    }
    unsigned days{0};
    bool is_list_of_days = value->is_array() && value->get_array().size() <= day_names.size();
    for (std::size_t i = 0; is_list_of_days && i < value->get_array().size(); ++i) {
        const json::value& item = value->get_array()[i];
        unsigned bit{0};
        for (std::size_t day = 0; day < day_names.size(); ++day) {
            if (item.is_string() && std::string_view{item.get_string()} == day_names[day]) {
                bit = 1U << day;
            }
        }
        is_list_of_days = bit != 0;
        days |= bit;
    }
    if (!is_list_of_days) {
        fields.problem("day_of_week", "must be a list of MONDAY to SUNDAY");
    }
    // An empty list restricts nothing, as an absent one.
    return days == 0 ? every_day : static_cast<std::uint8_t>(days);
}

ReservationRule read_reservation(OcpiFields& fields) {
    const std::optional<std::string> text = fields.text("reservation");
    if (!text) {
        return ReservationRule::none;
    }
    if (*text == "RESERVATION_EXPIRES") {
        return ReservationRule::reservation_expires;
    }
    if (*text != "RESERVATION") {
        fields.problem("reservation", "must be RESERVATION or RESERVATION_EXPIRES");
    }
    return ReservationRule::reservation;
}

TariffRestrictions read_restrictions(const json::value& value, const std::string& pointer,
                                     JsonProblems& problems) {
    OcpiFields fields{value, pointer, problems};
    TariffRestrictions limits;
    limits.start_minute = read_minute(fields, "start_time").value_or(0);
    // 00:00 as the end is the end of the day.
    const std::uint16_t end = read_minute(fields, "end_time").value_or(0);
    limits.end_minute = end == 0 ? minutes_per_day : end;
    limits.start_day = read_day(fields, "start_date");
    limits.end_day = read_day(fields, "end_date");
    for (const NumberField& field : number_fields) {
        limits.*field.member = fields.number(field.key, field.rule);
    }
    limits.days_of_week = read_weekdays(fields);
    limits.reservation = read_reservation(fields);
    fields.refuse_unknown();
    return limits;
}

TariffElement read_element(const json::value& value, const std::string& pointer,
                           JsonProblems& problems) {
    OcpiFields fields{value, pointer, problems};
    TariffElement element;
    std::size_t index{0};
    unsigned seen{0};
    for (const json::value& item : fields.required_list("price_components", price_components_max)) {
        const std::string place = item_pointer(fields, "price_components", index++);
        element.components.push_back(read_component(item, place, problems));
        const unsigned bit = 1U << static_cast<unsigned>(element.components.back().kind);
        if ((seen & bit) != 0) {
            problems.add(place + "/type", "an element may price each type once");
        }
        seen |= bit;
    }
    if (const json::value* restrictions = fields.find("restrictions")) {
        element.restrictions =
            read_restrictions(*restrictions, fields.pointer_of("restrictions"), problems);
    }
    fields.refuse_unknown();
    return element;
}

std::optional<PriceLimit> read_limit(OcpiFields& tariff, const char* key, JsonProblems& problems) {
    const json::value* value = tariff.find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    OcpiFields fields{*value, tariff.pointer_of(key), problems};
    PriceLimit limit;
    limit.excl_vat = fields.required_number("excl_vat", price_rule);
    limit.incl_vat = fields.number("incl_vat", price_rule);
    if (limit.incl_vat.value_or(limit.excl_vat) < limit.excl_vat) {
        fields.problem("incl_vat", "must not be below excl_vat");
    }
    fields.refuse_unknown();
    return limit;
}

// ---- the short form

DayBand read_band(const json::value& value, const std::string& place, JsonProblems& problems) {
    JsonFields fields{value, place, problems};
    DayBand band;
    band.start_minute =
        static_cast<std::uint16_t>(fields.integer("start_minute", 0, minutes_per_day - 1));
    band.energy_price = fields.amount("energy_price");
    band.service_price = fields.amount_or("service_price", 0);
    fields.finish();
    return band;
}

Tariff read_bands(const json::value& value, const std::string& place, JsonProblems& problems) {
    JsonFields fields{value, place, problems};
    DayBands form;
    const std::optional<Currency> currency = currency_from_text(fields.text("currency"));
    if (!currency) {
        fields.problem("currency", "must be an ISO 4217 code of three letters");
    }
    form.currency = currency.value_or(Currency{});
    std::size_t index{0};
    for (const json::value& band : fields.list("bands", day_bands_max)) {
        form.bands.push_back(read_band(
            band, fields.place_of("bands") + "[" + std::to_string(index++) + "]", problems));
    }
    form.start_fee = fields.amount_or("start_fee", 0);
    form.time_fee = fields.amount_or("time_fee", 0);
    form.tax_rate = static_cast<std::uint32_t>(fields.integer_or("tax_rate", 0, tax_rate_max, 0));
    fields.finish();
    if (problems.any()) {
        return {};
    }
    if (!form.is_valid()) {
        problems.add(place, "bands must start at minute 0 and rise");
        return {};
    }
    return form.tariff();
}

// ---- values to JSON

/// A number of 10^-decimals as the shortest decimal text.
std::string decimal_text(std::int64_t value, unsigned decimals) {
    std::string digits = std::to_string(value);
    if (digits.size() <= decimals) {
        digits.insert(0, decimals + 1 - digits.size(), '0');
    }
    if (decimals > 0) {
        digits.insert(digits.size() - decimals, 1, '.');
        digits.erase(digits.find_last_not_of('0') + 1);
        if (digits.ends_with('.')) {
            digits.pop_back();
        }
    }
    return digits;
}

std::string minute_text(std::uint16_t minute) {
    const unsigned of_day = minute % minutes_per_day;
    const auto two = [](unsigned number) {
        return std::string{static_cast<char>('0' + number / 10),
                           static_cast<char>('0' + number % 10)};
    };
    return two(of_day / 60) + ":" + two(of_day % 60);
}

json::object component_json(const PriceComponent& component) {
    json::object result;
    for (const TypeName& entry : type_names) {
        if (entry.kind == component.kind) {
            result["type"] = entry.name;
        }
    }
    result["price"] = money_to_text(component.price);
    if (component.vat) {
        result["vat"] = decimal_text(*component.vat, vat_rule.decimals);
    }
    result["step_size"] = component.step_size;
    return result;
}

json::object restrictions_json(const TariffRestrictions& limits) {
    json::object result;
    if (limits.start_minute != 0 || limits.end_minute != minutes_per_day) {
        result["start_time"] = minute_text(limits.start_minute);
        result["end_time"] = minute_text(limits.end_minute);
    }
    if (limits.start_day) {
        result["start_date"] = day_to_text(*limits.start_day);
    }
    if (limits.end_day) {
        result["end_date"] = day_to_text(*limits.end_day);
    }
    for (const NumberField& field : number_fields) {
        if (const std::optional<std::int64_t>& value = limits.*field.member) {
            result[field.key] = decimal_text(*value, field.rule.decimals);
        }
    }
    if (limits.days_of_week != every_day) {
        json::array days;
        for (std::size_t day = 0; day < day_names.size(); ++day) {
            if (((limits.days_of_week >> day) & 1U) != 0) {
                days.emplace_back(day_names[day]);
            }
        }
        result["day_of_week"] = std::move(days);
    }
    if (limits.reservation != ReservationRule::none) {
        result["reservation"] = limits.reservation == ReservationRule::reservation
                                    ? "RESERVATION"
                                    : "RESERVATION_EXPIRES";
    }
    return result;
}

json::object limit_json(const PriceLimit& limit) {
    json::object result{{"excl_vat", money_to_text(limit.excl_vat)}};
    if (limit.incl_vat) {
        result["incl_vat"] = money_to_text(*limit.incl_vat);
    }
    return result;
}

json::object bands_json(const DayBands& form) {
    json::array bands;
    for (const DayBand& band : form.bands) {
        bands.emplace_back(json::object{{"start_minute", band.start_minute},
                                        {"energy_price", money_to_text(band.energy_price)},
                                        {"service_price", money_to_text(band.service_price)}});
    }
    return {{"currency", to_text(form.currency)},
            {"bands", std::move(bands)},
            {"start_fee", money_to_text(form.start_fee)},
            {"time_fee", money_to_text(form.time_fee)},
            {"tax_rate", form.tax_rate}};
}

}  // namespace

Tariff tariff_from_ocpi(const json::value& value, const std::string& pointer,
                        JsonProblems& problems) {
    OcpiFields fields{value, pointer, problems};
    Tariff tariff;
    static_cast<void>(fields.require("currency"));
    const std::optional<std::string> code = fields.text("currency");
    const std::optional<Currency> currency =
        code ? currency_from_text(*code) : std::optional<Currency>{};
    if (code && !currency) {
        fields.problem("currency", "must be an ISO 4217 code of three letters A-Z");
    }
    tariff.currency = currency.value_or(Currency{});
    std::size_t index{0};
    for (const json::value& item : fields.required_list("elements", tariff_elements_max)) {
        tariff.elements.push_back(
            read_element(item, item_pointer(fields, "elements", index++), problems));
    }
    tariff.min_price = read_limit(fields, "min_price", problems);
    tariff.max_price = read_limit(fields, "max_price", problems);
    tariff.valid_from = fields.date_time("start_date_time");
    tariff.valid_until = fields.date_time("end_date_time");
    if (fields.find("tax_included") != nullptr) {
        fields.problem("tax_included", "prices of OCPI 2.2.1 are without tax; this is of 2.3");
    }
    if (!problems.any()) {
        if (const std::optional<std::string> problem = tariff.find_problem()) {
            problems.add(pointer.empty() ? "tariff" : pointer, *problem);
        }
    }
    return tariff;
}

Tariff tariff_from_json(const json::value& value, const std::string& place,
                        JsonProblems& problems) {
    const json::object* object = value.if_object();
    if (object != nullptr && !object->contains("elements")) {
        return read_bands(value, place, problems);
    }
    return tariff_from_ocpi(value, place, problems);
}

json::object tariff_to_json(const Tariff& tariff) {
    if (const std::optional<DayBands> form = day_bands_of(tariff)) {
        return bands_json(*form);
    }
    json::array elements;
    for (const TariffElement& element : tariff.elements) {
        json::array components;
        for (const PriceComponent& component : element.components) {
            components.emplace_back(component_json(component));
        }
        json::object item{{"price_components", std::move(components)}};
        if (element.restrictions != TariffRestrictions{}) {
            item["restrictions"] = restrictions_json(element.restrictions);
        }
        elements.emplace_back(std::move(item));
    }
    json::object result{{"currency", to_text(tariff.currency)}, {"elements", std::move(elements)}};
    if (tariff.min_price) {
        result["min_price"] = limit_json(*tariff.min_price);
    }
    if (tariff.max_price) {
        result["max_price"] = limit_json(*tariff.max_price);
    }
    if (tariff.valid_from) {
        result["start_date_time"] = date_time_to_text(*tariff.valid_from);
    }
    if (tariff.valid_until) {
        result["end_date_time"] = date_time_to_text(*tariff.valid_until);
    }
    return result;
}

}  // namespace tally::node
