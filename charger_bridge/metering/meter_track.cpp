#include "charger_bridge/metering/meter_track.h"

#include "charger_bridge/metering/plausibility.h"

#include <algorithm>
#include <cstddef>

namespace tally::bridge {

namespace {

constexpr std::chrono::milliseconds slack{60'000};
constexpr std::int64_t tolerance_percent{105};
/// Readings left for begin, end, and the price changes until a charger has stopped.
constexpr std::size_t readings_reserve{6};
constexpr std::int64_t percent_ms_per_hour{100LL * 3'600'000};

std::chrono::milliseconds between(const MeterReading& from, const MeterReading& to) {
    return std::chrono::milliseconds{to.time - from.time};
}

std::vector<MeterReading> all_readings(const MeterTrack& track, const MeterReading& end) {
    std::vector<MeterReading> readings;
    readings.reserve(track.changes.size() + 2);
    readings.push_back(track.begin);
    readings.insert(readings.end(), track.changes.begin(), track.changes.end());
    readings.push_back(end);
    return readings;
}

/// Price changes from the newest sample on, before `to`. A sample at the very moment of a change
/// (clock-aligned samples are) is itself the reading of that change. Earlier readings are looked at
/// too, for prices may depend on what was used before.
std::vector<MeterReading> changes_until(const Tariff& tariff, const MeterTrack& track,
                                        const MeterReading& to) {
    const bool is_begin = track.samples == 0 || track.last == track.begin;
    std::vector<MeterReading> readings =
        is_begin ? std::vector{track.begin} : all_readings(track, track.last);
    readings.push_back(to);
    const auto split = split_at_price_changes(tariff, readings);
    if (!split) {
        return {};
    }
    std::size_t last = split->size() - 2;
    while (last > 0 && (*split)[last] != track.last) {
        --last;
    }
    const bool is_change =
        last > 0 && (*split)[last - 1] != track.last && is_price_change(tariff, *split, last);
    const auto first = split->begin() + static_cast<std::ptrdiff_t>(is_change ? last : last + 1);
    return {first, split->end() - 1};
}

}  // namespace

void MeterTrack::encode(Encoder& encoder) const {
    tally::encode(encoder, begin);
    tally::encode(encoder, last);
    encoder.u32(static_cast<std::uint32_t>(changes.size()));
    for (const MeterReading& change : changes) {
        tally::encode(encoder, change);
    }
    encoder.u32(samples).u32(dropped).boolean(baseline_adopted);
}

MeterTrack MeterTrack::decode(Decoder& decoder) {
    MeterTrack track;
    track.begin = decode_reading(decoder);
    track.last = decode_reading(decoder);
    const std::uint32_t count = decoder.count(readings_max, reading_bytes_min);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        track.changes.push_back(decode_reading(decoder));
    }
    track.samples = decoder.u32();
    track.dropped = decoder.u32();
    track.baseline_adopted = decoder.boolean();
    return track;
}

const char* to_text(SampleVerdict verdict) {
    switch (verdict) {
        case SampleVerdict::accepted:
            return "accepted";
        case SampleVerdict::lower:
            return "lower";
        case SampleVerdict::implausible:
            return "implausible";
        case SampleVerdict::out_of_order:
            return "out_of_order";
    }
    return "";
}

const char* to_text(HoldReason reason) {
    switch (reason) {
        case HoldReason::register_went_back:
            return "register_went_back";
        case HoldReason::energy_implausible:
            return "energy_implausible";
        case HoldReason::unratable:
            return "unratable";
    }
    return "";
}

bool is_plausible(std::uint32_t rated_power_w, std::int64_t energy_wh,
                  std::chrono::milliseconds elapsed) {
    if (energy_wh <= 0 || elapsed.count() < 0) {
        return energy_wh == 0 && elapsed.count() >= 0;
    }
    const auto bound =
        multiply_divide_half_up(static_cast<std::int64_t>(rated_power_w) * tolerance_percent,
                                (elapsed + slack).count(), percent_ms_per_hour);
    // One below what rounding may have added, so that the ledger never sees more than it allows.
    return !bound || energy_wh < *bound;
}

SampleVerdict add_sample(MeterTrack& track, const MeterTerms& terms, const MeterReading& sample) {
    const auto drop = [&track](SampleVerdict verdict) {
        ++track.dropped;
        return verdict;
    };
    if (sample.time < track.last.time) {
        return drop(SampleVerdict::out_of_order);
    }
    if (sample.register_wh < track.last.register_wh) {
        return drop(SampleVerdict::lower);
    }
    if (!is_plausible(terms.rated_power_w, sample.register_wh - track.begin.register_wh,
                      between(track.begin, sample))) {
        if (track.samples > 0 || track.begin.register_wh != 0 || track.baseline_adopted) {
            return drop(SampleVerdict::implausible);
        }
        track.begin.register_wh = sample.register_wh;
        track.last.register_wh = sample.register_wh;
        track.baseline_adopted = true;
    }
    const std::vector<MeterReading> changes = changes_until(terms.tariff, track, sample);
    // More changes than a record can hold: the end is then split from begin and end alone.
    if (track.changes.size() + changes.size() + 2 <= readings_max) {
        track.changes.insert(track.changes.end(), changes.begin(), changes.end());
    }
    track.last = sample;
    ++track.samples;
    return SampleVerdict::accepted;
}

Money amount_so_far(const MeterTrack& track, const MeterTerms& terms) {
    const auto rating = rate(terms.tariff, all_readings(track, track.last));
    return rating ? rating->total() : 0;
}

bool is_ratable(const MeterTrack& track, const MeterTerms& terms) {
    return track.changes.size() + readings_reserve <= readings_max &&
           rate(terms.tariff, all_readings(track, track.last)).has_value();
}

std::optional<Money> amount_at_rated_power(const MeterTrack& track, const MeterTerms& terms,
                                           std::chrono::milliseconds elapsed) {
    if (elapsed > charge_duration_max) {
        return std::nullopt;  // No charge is so long; nor must a wrong clock make it one.
    }
    const auto energy = multiply_divide_half_up(terms.rated_power_w, elapsed.count(), 3'600'000);
    if (!energy) {
        return std::nullopt;
    }
    MeterReading later = track.last;
    later.time += elapsed.count();
    later.register_wh += *energy;
    std::vector<MeterReading> readings = all_readings(track, track.last);
    readings.push_back(later);
    const auto split = split_at_price_changes(terms.tariff, readings);
    if (!split) {
        return std::nullopt;
    }
    const auto rating = rate(terms.tariff, *split);
    return rating ? std::optional{rating->total()} : std::nullopt;
}

Money stop_margin(const MeterTrack& track, const MeterTerms& terms,
                  std::chrono::milliseconds stop_delay) {
    const auto later = amount_at_rated_power(track, terms, stop_delay);
    return later ? std::max<Money>(*later - amount_so_far(track, terms), 0) : 0;
}

Expected<std::vector<MeterReading>, HoldReason> final_readings(const MeterTrack& track,
                                                               const MeterTerms& terms,
                                                               const MeterReading& end) {
    const std::int64_t energy = end.register_wh - track.begin.register_wh;
    if (energy < 0 || end.time < track.begin.time) {
        return Unexpected{HoldReason::register_went_back};
    }
    if (!is_plausible(terms.rated_power_w, energy, between(track.begin, end))) {
        return Unexpected{HoldReason::energy_implausible};
    }
    if (end.register_wh >= track.last.register_wh && end.time >= track.last.time) {
        MeterTrack whole = track;
        const std::vector<MeterReading> tail = changes_until(terms.tariff, track, end);
        whole.changes.insert(whole.changes.end(), tail.begin(), tail.end());
        std::vector<MeterReading> readings = all_readings(whole, end);
        if (rate(terms.tariff, readings)) {
            return readings;
        }
    }
    auto split = split_at_price_changes(terms.tariff, {track.begin, end});
    if (!split || !rate(terms.tariff, *split)) {
        return Unexpected{HoldReason::unratable};
    }
    return std::move(split).value();
}

}  // namespace tally::bridge
