#include "ledger/model/tariff.h"

#include <algorithm>

namespace tally {

namespace {

using Problem = std::optional<std::string>;

bool is_amount(Money amount) noexcept { return amount >= 0 && amount <= amount_max; }

template <typename Number>
bool is_absent_or_within(const std::optional<Number>& value, Number max) noexcept {
    return !value || (*value >= 0 && *value <= max);
}

bool is_known(PriceKind kind) noexcept {
    return kind >= PriceKind::energy && kind <= PriceKind::service;
}

Problem find_problem(const PriceComponent& component) {
    if (!is_known(component.kind)) {
        return "is of no known kind";
    }
    if (!is_amount(component.price)) {
        return "has a price that is not from 0 to 1000000000";
    }
    if (component.vat.value_or(0) > vat_max) {
        return "has a tax rate above 100 %";
    }
    if (component.step_size > step_size_max) {
        return "has a step_size above 1000000000";
    }
    return std::nullopt;
}

Problem find_problem(const TariffRestrictions& limits) {
    if (limits.start_minute >= minutes_per_day || limits.end_minute == 0 ||
        limits.end_minute > minutes_per_day) {
        return "has a time that is not of a day";
    }
    if (limits.days_of_week == 0 || limits.days_of_week > every_day) {
        return "has weekdays that are none";
    }
    if (!is_absent_or_within(limits.start_day, local_day_max) ||
        !is_absent_or_within(limits.end_day, local_day_max)) {
        return "has a date out of bounds";
    }
    if (!is_absent_or_within(limits.min_wh, register_wh_max) ||
        !is_absent_or_within(limits.max_wh, register_wh_max) ||
        !is_absent_or_within(limits.min_current_ua, restriction_max) ||
        !is_absent_or_within(limits.max_current_ua, restriction_max) ||
        !is_absent_or_within(limits.min_power_mw, restriction_max) ||
        !is_absent_or_within(limits.max_power_mw, restriction_max)) {
        return "has an energy, current or power out of bounds";
    }
    if (!is_absent_or_within(limits.min_duration_s, duration_s_max) ||
        !is_absent_or_within(limits.max_duration_s, duration_s_max)) {
        return "has a duration out of bounds";
    }
    if (limits.reservation > ReservationRule::reservation_expires) {
        return "has a reservation of no known kind";
    }
    return std::nullopt;
}

Problem find_problem(const TariffElement& element) {
    if (element.components.empty() || element.components.size() > price_components_max) {
        return "must have 1 to 5 price components";
    }
    unsigned seen{0};
    for (const PriceComponent& component : element.components) {
        if (const Problem problem = find_problem(component)) {
            return problem;
        }
        const unsigned bit = 1U << static_cast<unsigned>(component.kind);
        if ((seen & bit) != 0) {
            return "prices " + std::string{to_text(component.kind)} + " twice";
        }
        seen |= bit;
    }
    return find_problem(element.restrictions);
}

bool is_limit(const std::optional<PriceLimit>& limit) noexcept {
    return !limit || (is_amount(limit->excl_vat) &&
                      (!limit->incl_vat ||
                       (is_amount(*limit->incl_vat) && *limit->incl_vat >= limit->excl_vat)));
}

/// Whether the least price can be asked without passing the most.
bool are_in_order(const PriceLimit& min, const PriceLimit& max) noexcept {
    return min.excl_vat <= max.excl_vat &&
           (!min.incl_vat || !max.incl_vat || *min.incl_vat <= *max.incl_vat);
}

// ---- codec

/// Which optional values follow: one bit each, in the order in which they are written.
class Presence {
public:
    template <typename Number>
    void add(const std::optional<Number>& value) {
        m_bits = static_cast<std::uint16_t>(m_bits | (value ? 1U << m_count : 0U));
        ++m_count;
    }
    [[nodiscard]] std::uint16_t bits() const noexcept { return m_bits; }

private:
    std::uint16_t m_bits{0};
    unsigned m_count{0};
};

constexpr std::uint16_t presence_mask{0x3ff};

/// All optional values of restrictions as 64-bit numbers, in the order of the encoding.
std::vector<std::optional<std::int64_t>> optional_values(const TariffRestrictions& limits) {
    const auto wide = [](const std::optional<std::int32_t>& day) {
        return day ? std::optional{std::int64_t{*day}} : std::nullopt;
    };
    return {wide(limits.start_day), wide(limits.end_day),  limits.min_wh,       limits.max_wh,
            limits.min_current_ua,  limits.max_current_ua, limits.min_power_mw, limits.max_power_mw,
            limits.min_duration_s,  limits.max_duration_s};
}

void encode_restrictions(Encoder& encoder, const TariffRestrictions& limits) {
    encoder.u16(limits.start_minute).u16(limits.end_minute).u8(limits.days_of_week);
    encoder.u8(static_cast<std::uint8_t>(limits.reservation));
    const std::vector<std::optional<std::int64_t>> values = optional_values(limits);
    Presence presence;
    for (const std::optional<std::int64_t>& value : values) {
        presence.add(value);
    }
    encoder.u16(presence.bits());
    for (const std::optional<std::int64_t>& value : values) {
        if (value) {
            encoder.i64(*value);
        }
    }
}

TariffRestrictions decode_restrictions(Decoder& decoder) {
    TariffRestrictions limits;
    limits.start_minute = decoder.u16();
    limits.end_minute = decoder.u16();
    limits.days_of_week = decoder.u8();
    limits.reservation = static_cast<ReservationRule>(decoder.u8());
    const std::uint16_t present = decoder.u16();
    if ((present & ~presence_mask) != 0) {
        decoder.fail();
    }
    unsigned bit{0};
    const auto next = [&]() -> std::optional<std::int64_t> {
        const bool is_there = ((present >> bit++) & 1U) != 0;
        return is_there ? std::optional{decoder.i64()} : std::nullopt;
    };
    const auto next_day = [&]() -> std::optional<std::int32_t> {
        const std::optional<std::int64_t> day = next();
        if (!is_absent_or_within(day, std::int64_t{local_day_max})) {
            decoder.fail();
            return std::nullopt;
        }
        return day ? std::optional{static_cast<std::int32_t>(*day)} : std::nullopt;
    };
    limits.start_day = next_day();
    limits.end_day = next_day();
    limits.min_wh = next();
    limits.max_wh = next();
    limits.min_current_ua = next();
    limits.max_current_ua = next();
    limits.min_power_mw = next();
    limits.max_power_mw = next();
    limits.min_duration_s = next();
    limits.max_duration_s = next();
    return limits;
}

void encode_component(Encoder& encoder, const PriceComponent& component) {
    encoder.u8(static_cast<std::uint8_t>(component.kind)).i64(component.price);
    encoder.boolean(component.vat.has_value());
    if (component.vat) {
        encoder.u32(*component.vat);
    }
    encoder.u32(component.step_size);
}

PriceComponent decode_component(Decoder& decoder) {
    PriceComponent component;
    component.kind = static_cast<PriceKind>(decoder.u8());
    component.price = decoder.i64();
    if (decoder.boolean()) {
        component.vat = decoder.u32();
    }
    component.step_size = decoder.u32();
    return component;
}

void encode_amount(Encoder& encoder, const std::optional<std::int64_t>& amount) {
    encoder.boolean(amount.has_value());
    if (amount) {
        encoder.i64(*amount);
    }
}

std::optional<std::int64_t> decode_amount(Decoder& decoder) {
    return decoder.boolean() ? std::optional{decoder.i64()} : std::nullopt;
}

void encode_limit(Encoder& encoder, const std::optional<PriceLimit>& limit) {
    encoder.boolean(limit.has_value());
    if (limit) {
        encoder.i64(limit->excl_vat);
        encode_amount(encoder, limit->incl_vat);
    }
}

std::optional<PriceLimit> decode_limit(Decoder& decoder) {
    if (!decoder.boolean()) {
        return std::nullopt;
    }
    PriceLimit limit;
    limit.excl_vat = decoder.i64();
    limit.incl_vat = decode_amount(decoder);
    return limit;
}

}  // namespace

const char* to_text(PriceKind kind) {
    switch (kind) {
        case PriceKind::energy:
            return "energy";
        case PriceKind::time:
            return "time";
        case PriceKind::flat:
            return "flat";
        case PriceKind::parking_time:
            return "parking_time";
        case PriceKind::service:
            return "service";
    }
    return "unknown";
}

std::optional<std::string> Tariff::find_problem() const {
    if (!tally::is_valid(currency)) {
        return "currency must be three letters A-Z";
    }
    if (elements.empty() || elements.size() > tariff_elements_max) {
        return "must have 1 to 64 elements";
    }
    for (std::size_t i = 0; i < elements.size(); ++i) {
        if (const Problem problem = tally::find_problem(elements[i])) {
            return "elements[" + std::to_string(i) + "] " + *problem;
        }
    }
    if (!is_limit(min_price) || !is_limit(max_price)) {
        return "min_price and max_price must be from 0 to 1000000000, with tax not below without";
    }
    if (min_price && max_price && !are_in_order(*min_price, *max_price)) {
        return "min_price is above max_price";
    }
    if (!is_absent_or_within(valid_from, unix_millis_max) ||
        !is_absent_or_within(valid_until, unix_millis_max)) {
        return "has a date out of bounds";
    }
    return std::nullopt;
}

void Tariff::encode(Encoder& encoder) const {
    encoder.fixed(currency).u32(static_cast<std::uint32_t>(elements.size()));
    for (const TariffElement& element : elements) {
        encoder.u32(static_cast<std::uint32_t>(element.components.size()));
        for (const PriceComponent& component : element.components) {
            encode_component(encoder, component);
        }
        encode_restrictions(encoder, element.restrictions);
    }
    encode_limit(encoder, min_price);
    encode_limit(encoder, max_price);
    encode_amount(encoder, valid_from);
    encode_amount(encoder, valid_until);
}

Tariff Tariff::decode(Decoder& decoder) {
    constexpr std::size_t restriction_bytes{2 + 2 + 1 + 1 + 2};
    constexpr std::size_t component_bytes{1 + 8 + 1 + 4};
    Tariff tariff;
    tariff.currency = decoder.fixed<Currency>();
    const std::uint32_t elements = decoder.count(static_cast<std::uint32_t>(tariff_elements_max),
                                                 4 + component_bytes + restriction_bytes);
    for (std::uint32_t i = 0; i < elements && decoder.ok(); ++i) {
        TariffElement element;
        const std::uint32_t components =
            decoder.count(static_cast<std::uint32_t>(price_components_max), component_bytes);
        for (std::uint32_t k = 0; k < components; ++k) {
            element.components.push_back(decode_component(decoder));
        }
        element.restrictions = decode_restrictions(decoder);
        tariff.elements.push_back(std::move(element));
    }
    tariff.min_price = decode_limit(decoder);
    tariff.max_price = decode_limit(decoder);
    tariff.valid_from = decode_amount(decoder);
    tariff.valid_until = decode_amount(decoder);
    if (!tariff.is_valid()) {
        decoder.fail();
    }
    return tariff;
}

}  // namespace tally
