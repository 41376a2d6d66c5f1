// Rating and splitting of random charges against a reference that walks them second by second and
// knows nothing of borders, lines or steps' bookkeeping.

#include "ledger/model/rating.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace tally {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t second{1'000};
constexpr std::int64_t minute{60'000};
constexpr std::int64_t day{1'440 * minute};

struct Place {
    const MeterReading& from;
    UnixMillis time;
    UnixMillis began;
    std::int64_t used_wh;
};

bool naive_holds(const TariffRestrictions& limits, const Place& place) {
    std::int64_t local = place.time + place.from.utc_offset_minutes * minute;
    const std::int64_t now = local % day / minute;
    const std::int64_t start = limits.start_minute;
    const std::int64_t end = limits.end_minute;
    bool in_time = now >= start && now < end;
    if (end <= start) {
        in_time = now >= start || now < end;
    }
    const std::int64_t date = local / day;
    const std::int64_t seconds = (place.time - place.began) / second;
    return in_time && ((limits.days_of_week >> ((date + 3) % 7)) & 1U) != 0 &&
           (!limits.start_day || date >= *limits.start_day) &&
           (!limits.end_day || date < *limits.end_day) &&
           (!limits.min_duration_s || seconds >= *limits.min_duration_s) &&
           (!limits.max_duration_s || seconds < *limits.max_duration_s) &&
           (!limits.min_wh || place.used_wh >= *limits.min_wh) &&
           (!limits.max_wh || place.used_wh < *limits.max_wh);
}

std::optional<PriceComponent> naive_price(const Tariff& tariff, const Place& place,
                                          PriceKind kind) {
    for (const TariffElement& element : tariff.elements) {
        for (const PriceComponent& component : element.components) {
            if (component.kind == kind && naive_holds(element.restrictions, place)) {
                return component;
            }
        }
    }
    return std::nullopt;
}

using Prices = std::array<std::optional<PriceComponent>, 5>;

Prices naive_prices(const Tariff& tariff, const Place& place) {
    const bool parks = place.from.activity == Activity::parking;
    return {naive_price(tariff, place, PriceKind::energy),
            naive_price(tariff, place, PriceKind::service),
            parks ? std::nullopt : naive_price(tariff, place, PriceKind::time),
            parks ? naive_price(tariff, place, PriceKind::parking_time) : std::nullopt,
            naive_price(tariff, place, PriceKind::flat)};
}

/// Where energy plays no part the whole course follows from the clock.
std::vector<MeterReading> naive_split(const Tariff& tariff,
                                      const std::vector<MeterReading>& readings,
                                      std::int64_t step) {
    const UnixMillis began = readings.front().time;
    std::vector<MeterReading> result{readings.front()};
    for (std::size_t i = 1; i < readings.size(); ++i) {
        const MeterReading& from = readings[i - 1];
        const MeterReading& to = readings[i];
        Prices before = naive_prices(tariff, {from, from.time, began, 0});
        for (UnixMillis time = from.time + step; time < to.time; time += step) {
            const Prices now = naive_prices(tariff, {from, time, began, 0});
            if (now != before) {
                const Wide share = Wide{to.register_wh - from.register_wh} * (time - from.time) /
                                   (to.time - from.time);
                MeterReading reading = from;
                reading.time = time;
                reading.register_wh = from.register_wh + static_cast<std::int64_t>(share);
                reading.estimated = true;
                result.push_back(reading);
                before = now;
            }
        }
        result.push_back(to);
    }
    return result;
}

Wide ceil_to(Wide quantity, Wide block) { return (quantity + block - 1) / block * block; }

Money half_up(Wide numerator, Wide divisor) {
    return static_cast<Money>((2 * numerator + divisor) / (2 * divisor));
}

/// Adds up quantities by kind, price and tax rate; the last of a kind takes the step.
class NaiveBill {
public:
    void add(std::size_t kind, const std::optional<PriceComponent>& price, std::int64_t quantity) {
        if (price && quantity > 0) {
            const Key key{kind, price->price, price->vat};
            m_quantities[key] += quantity;
            m_last[kind] = {key, price->step_size};
            if (kind == 2 || kind == 3) {
                m_last_time = kind;
            }
        }
    }
    void round_up(std::size_t kind, std::int64_t unit) {
        const auto last = m_last.find(kind);
        if (last == m_last.end() || last->second.second == 0) {
            return;
        }
        Wide total{0};
        for (const auto& [key, quantity] : m_quantities) {
            total += std::get<0>(key) == kind ? quantity : 0;
        }
        m_quantities[last->second.first] +=
            ceil_to(total, Wide{last->second.second} * unit) - total;
    }
    [[nodiscard]] std::pair<Money, Money> totals() {
        round_up(0, 1'000);
        round_up(1, 1'000);
        if (m_last_time) {
            round_up(*m_last_time, 1'000);
        }
        Money net{0};
        Money tax{0};
        for (const auto& [key, quantity] : m_quantities) {
            const auto& [kind, price, vat] = key;
            const Wide per = kind < 2 ? 1'000'000 : kind < 4 ? 3'600'000 : 1;
            const Money line = half_up(Wide{price} * quantity, per);
            net += line;
            tax += half_up(Wide{line} * vat.value_or(0), 1'000'000);
        }
        return {net, tax};
    }

private:
    using Key = std::tuple<std::size_t, Money, std::optional<std::uint32_t>>;
    std::map<Key, Wide> m_quantities;
    std::map<std::size_t, std::pair<Key, std::uint32_t>> m_last;
    std::optional<std::size_t> m_last_time;
};

/// Of readings that have one at every price change.
std::pair<Money, Money> naive_totals(const Tariff& tariff,
                                     const std::vector<MeterReading>& readings) {
    NaiveBill bill;
    bool flat_done{false};
    for (std::size_t i = 0; i + 1 < readings.size(); ++i) {
        const std::int64_t used = readings[i].register_wh - readings.front().register_wh;
        const Prices prices =
            naive_prices(tariff, {readings[i], readings[i].time, readings.front().time, used});
        const std::int64_t energy = (readings[i + 1].register_wh - readings[i].register_wh) * 1'000;
        const std::int64_t time = readings[i + 1].time - readings[i].time;
        bill.add(0, prices[0], energy);
        bill.add(1, prices[1], energy);
        bill.add(2, prices[2], time);
        bill.add(3, prices[3], time);
        if (prices[4] && !flat_done) {
            bill.add(4, prices[4], 1);
            flat_done = true;
        }
    }
    return bill.totals();
}

enum class Borders { clock, clock_and_energy };

TariffRestrictions random_limits(test::SeededRandom& random, Borders borders) {
    TariffRestrictions limits;
    if (random.below(2) == 0) {
        limits.start_minute = static_cast<std::uint16_t>(random.between(0, 95) * 15);
        limits.end_minute = static_cast<std::uint16_t>(random.between(1, 96) * 15);
    }
    if (random.below(4) == 0) {
        limits.days_of_week = static_cast<std::uint8_t>(random.between(1, 127));
    }
    if (random.below(6) == 0) {
        limits.start_day = static_cast<std::int32_t>(random.between(20'000, 20'003));
    }
    if (random.below(6) == 0) {
        limits.end_day = static_cast<std::int32_t>(random.between(20'000, 20'003));
    }
    if (random.below(5) == 0) {
        limits.min_duration_s = random.between(0, 120) * 60;
    }
    if (random.below(5) == 0) {
        limits.max_duration_s = random.between(0, 120) * 60;
    }
    if (borders == Borders::clock_and_energy && random.below(2) == 0) {
        limits.min_wh = random.between(0, 30'000);
    }
    if (borders == Borders::clock_and_energy && random.below(3) == 0) {
        limits.max_wh = random.between(0, 30'000);
    }
    return limits;
}

Tariff random_tariff(test::SeededRandom& random, Borders borders) {
    constexpr std::array<std::uint32_t, 5> steps{0, 1, 60, 500, 900};
    Tariff tariff;
    tariff.currency = test::currency("CNY");
    const std::int64_t count = random.between(1, 6);
    for (std::int64_t i = 0; i < count; ++i) {
        TariffElement element;
        element.restrictions = random_limits(random, borders);
        for (std::uint8_t kind = 1; kind <= 5; ++kind) {
            // Few different prices, so that neighbours are often equal.
            if (random.below(2) == 0 || (kind == 5 && element.components.empty())) {
                PriceComponent component{static_cast<PriceKind>(kind), random.between(0, 3) * 3'333,
                                         std::nullopt, steps[random.below(steps.size())]};
                if (random.below(3) != 0) {
                    component.vat = static_cast<std::uint32_t>(random.between(0, 25) * 7'700);
                }
                element.components.push_back(component);
            }
        }
        tariff.elements.push_back(std::move(element));
    }
    REQUIRE(tariff.is_valid());
    return tariff;
}

/// Times are whole seconds or whole minutes, as `step` says.
std::vector<MeterReading> random_readings(test::SeededRandom& random, std::int64_t step,
                                          std::int64_t length_max) {
    std::vector<MeterReading> readings;
    UnixMillis time = 20'000 * day + random.between(0, 2 * day / step) * step;
    std::int64_t energy = random.between(0, 1'000'000);
    auto offset = static_cast<std::int16_t>(random.between(-14, 14) * 60);
    const std::int64_t count = random.between(2, 5);
    for (std::int64_t i = 0; i < count; ++i) {
        const Activity activity = random.below(3) == 0 ? Activity::parking : Activity::charging;
        readings.push_back({time, offset, energy, false, activity, std::nullopt});
        time += random.between(0, length_max / step) * step;
        energy += random.between(0, 1) * random.between(0, 25'000);
        if (random.below(8) == 0) {
            offset = static_cast<std::int16_t>(random.between(-14, 14) * 60);
        }
    }
    return readings;
}

void check_rating(const Tariff& tariff, const std::vector<MeterReading>& readings,
                  const std::vector<MeterReading>& split) {
    const auto again = split_at_price_changes(tariff, split);
    REQUIRE(again);
    REQUIRE(*again == split);
    const auto rating = rate(tariff, split);
    REQUIRE(rating);
    const auto [net, tax] = naive_totals(tariff, split);
    REQUIRE(rating->net == net);
    REQUIRE(rating->tax == tax);
    REQUIRE(rating->energy_wh == readings.back().register_wh - readings.front().register_wh);
    Money sum{0};
    for (const RatedLine& line : rating->lines) {
        sum += line.net + line.tax;
    }
    REQUIRE(rating->total() == sum);

    const auto unsplit = rate(tariff, readings);
    REQUIRE(unsplit.has_value() == (split.size() == readings.size()));
    if (!unsplit) {
        REQUIRE(unsplit.error() == RatingError::spans_price_change);
    }
}

void check_clock(const Tariff& tariff, const std::vector<MeterReading>& readings,
                 std::int64_t step) {
    const auto split = split_at_price_changes(tariff, readings);
    REQUIRE(split);
    REQUIRE(*split == naive_split(tariff, readings, step));
    check_rating(tariff, readings, *split);
}

}  // namespace

TEST_CASE("charges of hours are rated as second by second", "[rating][property]") {
    test::SeededRandom random{1};
    for (int round = 0; round < 100; ++round) {
        check_clock(random_tariff(random, Borders::clock),
                    random_readings(random, second, 90 * minute), second);
    }
}

TEST_CASE("charges of days are rated as minute by minute", "[rating][property]") {
    test::SeededRandom random{2};
    for (int round = 0; round < 300; ++round) {
        check_clock(random_tariff(random, Borders::clock), random_readings(random, minute, 2 * day),
                    minute);
    }
}

TEST_CASE("charges with borders of energy are split so that they can be rated",
          "[rating][property]") {
    test::SeededRandom random{3};
    for (int round = 0; round < 3'000; ++round) {
        const Tariff tariff = random_tariff(random, Borders::clock_and_energy);
        const auto readings = random_readings(random, 1, 5 * 60 * minute);
        const auto split = split_at_price_changes(tariff, readings);
        REQUIRE(split);
        check_rating(tariff, readings, *split);
    }
}

TEST_CASE("a reading where no price changes changes no price", "[rating][property]") {
    test::SeededRandom random{4};
    for (int round = 0; round < 500; ++round) {
        const Tariff tariff = random_tariff(random, Borders::clock);
        const auto split =
            split_at_price_changes(tariff, random_readings(random, second, 3 * 60 * minute));
        REQUIRE(split);
        std::vector<MeterReading> more = *split;
        const std::size_t at = random.below(split->size() - 1);
        MeterReading between = more[at];
        between.time += (more[at + 1].time - between.time) / 2;
        more.insert(more.begin() + static_cast<std::ptrdiff_t>(at) + 1, between);
        const auto rating = rate(tariff, more);
        REQUIRE(rating);
        REQUIRE(rating->total() == rate(tariff, *split)->total());
    }
}

}  // namespace tally
