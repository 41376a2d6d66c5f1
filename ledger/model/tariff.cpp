#include "ledger/model/tariff.h"

#include <algorithm>

namespace tally {

namespace {

constexpr std::int64_t ms_per_minute{60'000};
constexpr std::int64_t ms_per_day{minutes_per_day * ms_per_minute};
constexpr std::int64_t ms_per_second{1000};
constexpr std::int64_t wh_per_kwh{1000};
constexpr std::int64_t seconds_per_hour{3600};
constexpr std::int64_t tax_scale{10'000};

bool is_amount(Money amount) noexcept { return amount >= 0 && amount <= amount_max; }

bool same_price(const TariffBand& left, const TariffBand& right) noexcept {
    return left.energy_price == right.energy_price && left.service_price == right.service_price;
}

/// Local time of the charger at a UTC time, as milliseconds on the local clock.
std::int64_t local_time(UnixMillis time, std::int16_t offset_minutes) noexcept {
    return time + offset_minutes * ms_per_minute;
}

/// Since local midnight; local times before 1970 are negative.
std::int64_t time_of_day(std::int64_t local) noexcept {
    const std::int64_t rest = local % ms_per_day;
    return rest < 0 ? rest + ms_per_day : rest;
}

std::size_t band_at(const Tariff& tariff, std::int64_t local) noexcept {
    const std::int64_t minute = time_of_day(local) / ms_per_minute;
    std::size_t band = tariff.bands.size() - 1;
    while (tariff.bands[band].start_minute > minute) {
        --band;
    }
    return band;
}

/// Milliseconds from `local` until the price first differs from that at `local`; nothing when the
/// price is the same all day. Bands that border on one of equal price are no change.
std::optional<std::int64_t> until_price_change(const Tariff& tariff, std::int64_t local) noexcept {
    const std::size_t now = band_at(tariff, local);
    for (std::size_t step = 1; step < tariff.bands.size(); ++step) {
        const TariffBand& band = tariff.bands[(now + step) % tariff.bands.size()];
        if (!same_price(band, tariff.bands[now])) {
            const std::int64_t wait = band.start_minute * ms_per_minute - time_of_day(local);
            return wait > 0 ? wait : wait + ms_per_day;
        }
    }
    return std::nullopt;
}

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
    return std::nullopt;
}

/// Collects lines; a sum above `amount_max` makes it overflow for good.
class Bill {
public:
    explicit Bill(std::uint32_t tax_rate) : m_tax_rate{tax_rate} {}

    /// Adds a line whose net is price x quantity / divisor.
    void add(RatedLine line, std::int64_t divisor) {
        const auto net = multiply_divide_half_up(line.price, line.quantity, divisor);
        const auto tax =
            net ? multiply_divide_half_up(*net, std::int64_t{m_tax_rate}, tax_scale) : std::nullopt;
        if (!tax || *net > amount_max || m_overflow) {
            m_overflow = true;
            return;
        }
        // Each term is at most `amount_max`, so these sums fit.
        line.net = *net;
        line.tax = *tax;
        m_rating.net += line.net;
        m_rating.tax += line.tax;
        m_overflow = m_rating.total() > amount_max;
        m_rating.lines.push_back(line);
    }

    [[nodiscard]] Expected<Rating, RatingError> finish(std::int64_t energy_wh) && {
        if (m_overflow) {
            return Unexpected{RatingError::overflow};
        }
        m_rating.energy_wh = energy_wh;
        return std::move(m_rating);
    }

private:
    std::uint32_t m_tax_rate;
    Rating m_rating;
    bool m_overflow{false};
};

void add_period(Bill& bill, const Tariff& tariff, const std::vector<MeterReading>& readings,
                std::size_t period) {
    const MeterReading& begin = readings[period];
    const MeterReading& end = readings[period + 1];
    const TariffBand& band =
        tariff.bands[band_at(tariff, local_time(begin.time, begin.utc_offset_minutes))];
    RatedLine line;
    line.kind = LineKind::energy;
    line.period = static_cast<std::uint16_t>(period);
    line.quantity = end.register_wh - begin.register_wh;
    line.price = band.energy_price;
    line.estimated = begin.estimated || end.estimated;
    bill.add(line, wh_per_kwh);
    if (band.service_price != 0) {
        line.kind = LineKind::service;
        line.price = band.service_price;
        bill.add(line, wh_per_kwh);
    }
}

void add_fees(Bill& bill, const Tariff& tariff, const std::vector<MeterReading>& readings) {
    RatedLine line;
    if (tariff.start_fee != 0) {
        line.kind = LineKind::start_fee;
        line.quantity = 1;
        line.price = tariff.start_fee;
        bill.add(line, 1);
    }
    if (tariff.time_fee != 0) {
        line.kind = LineKind::time;
        line.quantity = (readings.back().time - readings.front().time) / ms_per_second;
        line.price = tariff.time_fee;
        bill.add(line, seconds_per_hour);
    }
}

/// The register at `time` between two readings: linear in time, floored to Wh.
std::int64_t interpolate(const MeterReading& from, const MeterReading& to, UnixMillis time) {
    __extension__ using Wide = __int128;
    const Wide energy{to.register_wh - from.register_wh};
    return from.register_wh +
           static_cast<std::int64_t>(energy * (time - from.time) / (to.time - from.time));
}

/// Appends the price changes strictly between two readings. False when the list gets too long.
bool append_price_changes(std::vector<MeterReading>& result, const Tariff& tariff,
                          const MeterReading& from, const MeterReading& to) {
    UnixMillis time = from.time;
    for (;;) {
        const auto wait = until_price_change(tariff, local_time(time, from.utc_offset_minutes));
        if (!wait || *wait >= to.time - time) {
            return true;
        }
        if (result.size() >= readings_max) {
            return false;
        }
        time += *wait;
        result.push_back({time, from.utc_offset_minutes, interpolate(from, to, time), true});
    }
}

}  // namespace

bool Tariff::is_valid() const noexcept {
    if (!tally::is_valid(currency) || bands.empty() || bands.size() > tariff_bands_max ||
        bands.front().start_minute != 0 || bands.back().start_minute >= minutes_per_day) {
        return false;
    }
    for (std::size_t i = 1; i < bands.size(); ++i) {
        if (bands[i].start_minute <= bands[i - 1].start_minute) {
            return false;
        }
    }
    const bool prices_fit = std::all_of(bands.begin(), bands.end(), [](const TariffBand& band) {
        return is_amount(band.energy_price) && is_amount(band.service_price);
    });
    return prices_fit && is_amount(start_fee) && is_amount(time_fee) && tax_rate <= tax_rate_max;
}

void Tariff::encode(Encoder& encoder) const {
    encoder.fixed(currency).u32(static_cast<std::uint32_t>(bands.size()));
    for (const TariffBand& band : bands) {
        encoder.u16(band.start_minute).i64(band.energy_price).i64(band.service_price);
    }
    encoder.i64(start_fee).i64(time_fee).u32(tax_rate);
}

Tariff Tariff::decode(Decoder& decoder) {
    constexpr std::size_t band_bytes{2 + 8 + 8};
    Tariff tariff;
    tariff.currency = decoder.fixed<Currency>();
    const std::uint32_t count =
        decoder.count(static_cast<std::uint32_t>(tariff_bands_max), band_bytes);
    for (std::uint32_t i = 0; i < count; ++i) {
        TariffBand band;
        band.start_minute = decoder.u16();
        band.energy_price = decoder.i64();
        band.service_price = decoder.i64();
        tariff.bands.push_back(band);
    }
    tariff.start_fee = decoder.i64();
    tariff.time_fee = decoder.i64();
    tariff.tax_rate = decoder.u32();
    if (!tariff.is_valid()) {
        decoder.fail();
    }
    return tariff;
}

bool is_valid(const MeterReading& reading) noexcept {
    return reading.time >= 0 && reading.time <= unix_millis_max &&
           reading.utc_offset_minutes >= -utc_offset_minutes_max &&
           reading.utc_offset_minutes <= utc_offset_minutes_max && reading.register_wh >= 0 &&
           reading.register_wh <= register_wh_max;
}

void encode(Encoder& encoder, const MeterReading& reading) {
    encoder.i64(reading.time)
        .u16(static_cast<std::uint16_t>(reading.utc_offset_minutes))
        .i64(reading.register_wh)
        .boolean(reading.estimated);
}

MeterReading decode_reading(Decoder& decoder) {
    MeterReading reading;
    reading.time = decoder.i64();
    reading.utc_offset_minutes = static_cast<std::int16_t>(decoder.u16());
    reading.register_wh = decoder.i64();
    reading.estimated = decoder.boolean();
    if (!is_valid(reading)) {
        decoder.fail();
    }
    return reading;
}

const char* to_text(LineKind kind) {
    switch (kind) {
        case LineKind::energy:
            return "energy";
        case LineKind::service:
            return "service";
        case LineKind::start_fee:
            return "start_fee";
        case LineKind::time:
            return "time";
    }
    return "unknown";
}

const char* to_text(RatingError error) {
    switch (error) {
        case RatingError::too_few_readings:
            return "too_few_readings";
        case RatingError::not_in_order:
            return "not_in_order";
        case RatingError::period_spans_bands:
            return "period_spans_bands";
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
    Bill bill{tariff.tax_rate};
    for (std::size_t period = 0; period + 1 < readings.size(); ++period) {
        const MeterReading& begin = readings[period];
        const auto wait =
            until_price_change(tariff, local_time(begin.time, begin.utc_offset_minutes));
        if (wait && *wait < readings[period + 1].time - begin.time) {
            return Unexpected{RatingError::period_spans_bands};
        }
        add_period(bill, tariff, readings, period);
    }
    add_fees(bill, tariff, readings);
    return std::move(bill).finish(readings.back().register_wh - readings.front().register_wh);
}

Expected<std::vector<MeterReading>, RatingError> split_at_price_changes(
    const Tariff& tariff, const std::vector<MeterReading>& readings) {
    if (const auto error = find_error(tariff, readings)) {
        return Unexpected{*error};
    }
    std::vector<MeterReading> result{readings.front()};
    for (std::size_t i = 1; i < readings.size(); ++i) {
        if (!append_price_changes(result, tariff, readings[i - 1], readings[i]) ||
            result.size() >= readings_max) {
            return Unexpected{RatingError::out_of_range};
        }
        result.push_back(readings[i]);
    }
    return result;
}

}  // namespace tally
