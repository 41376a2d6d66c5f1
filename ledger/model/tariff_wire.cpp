#include "ledger/model/tariff_wire.h"

#include "ledger/model/ledger.pb.h"

namespace tally::wire_form {

namespace {

void to_wire(const TariffRestrictions& limits, wire::TariffRestrictions& out) {
    out.set_start_minute(limits.start_minute);
    out.set_end_minute(limits.end_minute);
    out.set_days_of_week(limits.days_of_week);
    const auto set = [&out](auto setter, const auto& value) {
        if (value) {
            (out.*setter)(*value);
        }
    };
    using Out = wire::TariffRestrictions;
    set(&Out::set_start_day, limits.start_day);
    set(&Out::set_end_day, limits.end_day);
    set(&Out::set_min_wh, limits.min_wh);
    set(&Out::set_max_wh, limits.max_wh);
    set(&Out::set_min_current_ua, limits.min_current_ua);
    set(&Out::set_max_current_ua, limits.max_current_ua);
    set(&Out::set_min_power_mw, limits.min_power_mw);
    set(&Out::set_max_power_mw, limits.max_power_mw);
    set(&Out::set_min_duration_s, limits.min_duration_s);
    set(&Out::set_max_duration_s, limits.max_duration_s);
    out.set_reservation(static_cast<wire::ReservationRule>(limits.reservation));
}

void to_wire(const PriceComponent& component, wire::PriceComponent& out) {
    out.set_kind(static_cast<wire::PriceKind>(component.kind));
    out.set_price(component.price);
    if (component.vat) {
        out.set_vat(*component.vat);
    }
    out.set_step_size(component.step_size);
}

void to_wire(const PriceLimit& limit, wire::PriceLimit& out) {
    out.set_excl_vat(limit.excl_vat);
    if (limit.incl_vat) {
        out.set_incl_vat(*limit.incl_vat);
    }
}

/// An optional field, into a narrower type when `Number` is one.
template <typename Number>
std::optional<Number> given(Reader& reader, bool present, std::int64_t value) {
    return present ? std::optional{reader.narrow<Number>(value)} : std::nullopt;
}

TariffRestrictions from_wire(Reader& reader, const wire::TariffRestrictions& in) {
    using Int64 = std::int64_t;
    TariffRestrictions limits;
    limits.start_minute = reader.narrow<std::uint16_t>(in.start_minute());
    limits.end_minute = reader.narrow<std::uint16_t>(in.end_minute());
    limits.days_of_week = reader.narrow<std::uint8_t>(in.days_of_week());
    limits.start_day = given<std::int32_t>(reader, in.has_start_day(), in.start_day());
    limits.end_day = given<std::int32_t>(reader, in.has_end_day(), in.end_day());
    limits.min_wh = given<Int64>(reader, in.has_min_wh(), in.min_wh());
    limits.max_wh = given<Int64>(reader, in.has_max_wh(), in.max_wh());
    limits.min_current_ua = given<Int64>(reader, in.has_min_current_ua(), in.min_current_ua());
    limits.max_current_ua = given<Int64>(reader, in.has_max_current_ua(), in.max_current_ua());
    limits.min_power_mw = given<Int64>(reader, in.has_min_power_mw(), in.min_power_mw());
    limits.max_power_mw = given<Int64>(reader, in.has_max_power_mw(), in.max_power_mw());
    limits.min_duration_s = given<Int64>(reader, in.has_min_duration_s(), in.min_duration_s());
    limits.max_duration_s = given<Int64>(reader, in.has_max_duration_s(), in.max_duration_s());
    if (!wire::ReservationRule_IsValid(in.reservation())) {
        reader.fail(TransactionError::unknown_action);
    }
    limits.reservation = static_cast<ReservationRule>(in.reservation());
    return limits;
}

PriceComponent from_wire(Reader& reader, const wire::PriceComponent& in) {
    PriceComponent component;
    if (in.kind() == wire::PRICE_KIND_UNSPECIFIED || !wire::PriceKind_IsValid(in.kind())) {
        reader.fail(TransactionError::unknown_action);
    }
    component.kind = static_cast<PriceKind>(in.kind());
    component.price = in.price();
    if (in.has_vat()) {
        component.vat = in.vat();
    }
    component.step_size = in.step_size();
    return component;
}

std::optional<PriceLimit> from_wire(bool present, const wire::PriceLimit& in) {
    if (!present) {
        return std::nullopt;
    }
    PriceLimit limit;
    limit.excl_vat = in.excl_vat();
    if (in.has_incl_vat()) {
        limit.incl_vat = in.incl_vat();
    }
    return limit;
}

}  // namespace

void to_wire(const Tariff& tariff, wire::Tariff& out) {
    out.set_currency(octets(tariff.currency));
    for (const TariffElement& element : tariff.elements) {
        wire::TariffElement& item = *out.add_elements();
        for (const PriceComponent& component : element.components) {
            to_wire(component, *item.add_components());
        }
        if (element.restrictions != TariffRestrictions{}) {
            to_wire(element.restrictions, *item.mutable_restrictions());
        }
    }
    if (tariff.min_price) {
        to_wire(*tariff.min_price, *out.mutable_min_price());
    }
    if (tariff.max_price) {
        to_wire(*tariff.max_price, *out.mutable_max_price());
    }
    if (tariff.valid_from) {
        out.set_valid_from_ms(*tariff.valid_from);
    }
    if (tariff.valid_until) {
        out.set_valid_until_ms(*tariff.valid_until);
    }
}

void to_wire(const MeterReading& reading, wire::MeterReading& out) {
    out.set_time_ms(reading.time);
    out.set_utc_offset_minutes(reading.utc_offset_minutes);
    out.set_register_wh(reading.register_wh);
    out.set_estimated(reading.estimated);
    out.set_activity(static_cast<wire::Activity>(reading.activity));
    if (reading.power_w) {
        out.set_power_w(*reading.power_w);
    }
}

Tariff from_wire(Reader& reader, const wire::Tariff& in) {
    Tariff tariff;
    tariff.currency = reader.fixed<Currency>(in.currency());
    for (const wire::TariffElement& item : in.elements()) {
        TariffElement element;
        for (const wire::PriceComponent& component : item.components()) {
            element.components.push_back(from_wire(reader, component));
        }
        if (item.has_restrictions()) {
            element.restrictions = from_wire(reader, item.restrictions());
        }
        tariff.elements.push_back(std::move(element));
    }
    tariff.min_price = from_wire(in.has_min_price(), in.min_price());
    tariff.max_price = from_wire(in.has_max_price(), in.max_price());
    tariff.valid_from = given<UnixMillis>(reader, in.has_valid_from_ms(), in.valid_from_ms());
    tariff.valid_until = given<UnixMillis>(reader, in.has_valid_until_ms(), in.valid_until_ms());
    return tariff;
}

MeterReading from_wire(Reader& reader, const wire::MeterReading& in) {
    MeterReading reading;
    reading.time = in.time_ms();
    reading.utc_offset_minutes = reader.narrow<std::int16_t>(in.utc_offset_minutes());
    reading.register_wh = in.register_wh();
    reading.estimated = in.estimated();
    if (!wire::Activity_IsValid(in.activity())) {
        reader.fail(TransactionError::unknown_action);
    }
    reading.activity = static_cast<Activity>(in.activity());
    if (in.has_power_w()) {
        reading.power_w = in.power_w();
    }
    return reading;
}

}  // namespace tally::wire_form
