// Rating and splitting against references that walk the charge step by step on the local clock.

#include "tests/ledger/base/seeded_random.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t second{1'000};
constexpr std::int64_t minute{60'000};
constexpr std::int64_t day{1'440 * minute};

/// Times of a random charge are multiples of `step`, and so are all price changes.
struct Scale {
    std::int64_t step;
    std::int64_t length_max;
};

const TariffBand& naive_band(const Tariff& tariff, const MeterReading& reading, UnixMillis time) {
    std::int64_t local = time + reading.utc_offset_minutes * minute;
    while (local < 0) {
        local += day;
    }
    const std::int64_t now = local % day / minute;
    const TariffBand* found = &tariff.bands.front();
    for (const TariffBand& band : tariff.bands) {
        if (band.start_minute <= now) {
            found = &band;
        }
    }
    return *found;
}

bool prices_differ(const TariffBand& left, const TariffBand& right) {
    return left.energy_price != right.energy_price || left.service_price != right.service_price;
}

Money naive_share(Wide price, Wide quantity, Wide divisor) {
    const Wide product = price * quantity;
    const Wide floor = product / divisor;
    return static_cast<Money>(2 * (product - floor * divisor) >= divisor ? floor + 1 : floor);
}

Tariff random_tariff(test::SeededRandom& random) {
    Tariff tariff;
    tariff.currency = test::currency("CNY");
    tariff.tax_rate = static_cast<std::uint32_t>(random.between(0, 2'500));
    tariff.start_fee = random.between(0, 1) * random.between(0, 50'000);
    tariff.time_fee = random.between(0, 1) * random.between(0, 90'000);
    std::int64_t start{0};
    const std::int64_t bands = random.between(1, 8);
    for (std::int64_t i = 0; i < bands && start < minutes_per_day; ++i) {
        // Few different prices, so that neighbours are often equal.
        tariff.bands.push_back({static_cast<std::uint16_t>(start), random.between(0, 3) * 3'333,
                                random.between(0, 2) * 1'111});
        start += random.between(1, 400);
    }
    REQUIRE(tariff.is_valid());
    return tariff;
}

std::vector<MeterReading> random_readings(test::SeededRandom& random, const Scale& scale) {
    std::vector<MeterReading> readings;
    UnixMillis time =
        random.between(0, 20'000) * day + random.between(0, day / scale.step) * scale.step;
    std::int64_t energy = random.between(0, 1'000'000);
    auto offset = static_cast<std::int16_t>(random.between(-14, 14) * 60);
    const std::int64_t count = random.between(2, 5);
    for (std::int64_t i = 0; i < count; ++i) {
        readings.push_back({time, offset, energy, random.below(4) == 0});
        time += random.between(0, scale.length_max / scale.step) * scale.step;
        energy += random.between(0, 40'000);
        if (random.below(8) == 0) {
            offset = static_cast<std::int16_t>(random.between(-14, 14) * 60);
        }
    }
    return readings;
}

std::vector<MeterReading> naive_split(const Tariff& tariff,
                                      const std::vector<MeterReading>& readings,
                                      std::int64_t step) {
    std::vector<MeterReading> result{readings.front()};
    for (std::size_t i = 1; i < readings.size(); ++i) {
        const MeterReading& from = readings[i - 1];
        const MeterReading& to = readings[i];
        for (UnixMillis time = from.time + step; time < to.time; time += step) {
            if (prices_differ(naive_band(tariff, from, time - 1), naive_band(tariff, from, time))) {
                const Wide share = Wide{to.register_wh - from.register_wh} * (time - from.time) /
                                   (to.time - from.time);
                result.push_back({time, from.utc_offset_minutes,
                                  from.register_wh + static_cast<std::int64_t>(share), true});
            }
        }
        result.push_back(to);
    }
    return result;
}

bool naive_spans(const Tariff& tariff, const std::vector<MeterReading>& readings,
                 std::int64_t step) {
    return naive_split(tariff, readings, step).size() != readings.size();
}

/// Net and tax of one line, added to `total`.
void naive_line(Rating& total, const Tariff& tariff, Money net) {
    total.net += net;
    total.tax += naive_share(net, tariff.tax_rate, 10'000);
}

Rating naive_rate(const Tariff& tariff, const std::vector<MeterReading>& readings) {
    Rating total;
    for (std::size_t i = 0; i + 1 < readings.size(); ++i) {
        const TariffBand& band = naive_band(tariff, readings[i], readings[i].time);
        const std::int64_t energy = readings[i + 1].register_wh - readings[i].register_wh;
        naive_line(total, tariff, naive_share(band.energy_price, energy, 1'000));
        naive_line(total, tariff, naive_share(band.service_price, energy, 1'000));
        total.energy_wh += energy;
    }
    naive_line(total, tariff, tariff.start_fee);
    const std::int64_t seconds = (readings.back().time - readings.front().time) / second;
    naive_line(total, tariff, naive_share(tariff.time_fee, seconds, 3'600));
    return total;
}

void check_charge(const Tariff& tariff, const std::vector<MeterReading>& readings,
                  std::int64_t step) {
    const auto split = split_at_price_changes(tariff, readings);
    REQUIRE(split);
    REQUIRE(*split == naive_split(tariff, readings, step));
    REQUIRE(*split_at_price_changes(tariff, *split) == *split);

    const auto rating = rate(tariff, *split);
    REQUIRE(rating);
    const Rating expected = naive_rate(tariff, *split);
    REQUIRE(rating->net == expected.net);
    REQUIRE(rating->tax == expected.tax);
    REQUIRE(rating->energy_wh == expected.energy_wh);
    REQUIRE(rating->energy_wh == readings.back().register_wh - readings.front().register_wh);

    const auto unsplit = rate(tariff, readings);
    REQUIRE(unsplit.has_value() == !naive_spans(tariff, readings, step));
    if (!unsplit) {
        REQUIRE(unsplit.error() == RatingError::period_spans_bands);
    }
}

}  // namespace

TEST_CASE("charges of hours are rated as second by second", "[tariff][property]") {
    test::SeededRandom random{1};
    const Scale seconds{second, 90 * minute};
    for (int round = 0; round < 150; ++round) {
        check_charge(random_tariff(random), random_readings(random, seconds), seconds.step);
    }
}

TEST_CASE("charges of days are rated as minute by minute", "[tariff][property]") {
    test::SeededRandom random{2};
    const Scale minutes{minute, 3 * day};
    for (int round = 0; round < 300; ++round) {
        check_charge(random_tariff(random), random_readings(random, minutes), minutes.step);
    }
}

TEST_CASE("lines add up to the totals", "[tariff][property]") {
    test::SeededRandom random{3};
    for (int round = 0; round < 500; ++round) {
        const Tariff tariff = random_tariff(random);
        const auto readings =
            split_at_price_changes(tariff, random_readings(random, {1, 5 * 60 * minute}));
        REQUIRE(readings);
        const auto rating = rate(tariff, *readings);
        REQUIRE(rating);
        Money net{0};
        Money tax{0};
        for (const RatedLine& line : rating->lines) {
            net += line.net;
            tax += line.tax;
        }
        REQUIRE(rating->net == net);
        REQUIRE(rating->tax == tax);
        REQUIRE(rating->total() == net + tax);
    }
}

}  // namespace tally
