// Meter readings under a tariff, as the ledger rates them.

#include "ledger/model/rating.h"

#include "ledger/model/day_bands.h"
#include "ledger/model/price_walk.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

constexpr std::int64_t minute{60'000};
constexpr std::int64_t hour{60 * minute};
constexpr std::int64_t day{24 * hour};
constexpr UnixMillis midnight{20'000 * day};  // UTC, a Friday

/// One price all day, no fees; tax in 1/10000.
Tariff flat_tariff(Money price, std::uint32_t tax_rate) {
    return day_tariff(test::currency("EUR"), {{0, price, 0}}, tax_rate);
}

/// 1.00 at night (22:00 to 07:00), 2.00 by day.
Tariff day_and_night() {
    return day_tariff(test::currency("EUR"),
                      {{0, 10'000, 0}, {420, 20'000, 0}, {1'320, 10'000, 0}});
}

std::vector<MeterReading> charge(UnixMillis begin, UnixMillis end, std::int64_t energy_wh,
                                 std::int16_t offset = 0) {
    return {{begin, offset, 0, false}, {end, offset, energy_wh, false}};
}

RatingError error_of(const Tariff& tariff, const std::vector<MeterReading>& readings) {
    const auto rating = rate(tariff, readings);
    REQUIRE_FALSE(rating);
    return rating.error();
}

/// Energy at 1.00, with restrictions, and 3.00 where they do not hold.
Tariff restricted(const TariffRestrictions& limits) {
    Tariff tariff;
    tariff.currency = test::currency("EUR");
    tariff.elements = {{{{PriceKind::energy, 10'000, std::nullopt, 1}}, limits},
                       {{{PriceKind::energy, 30'000, std::nullopt, 1}}, {}}};
    return tariff;
}

}  // namespace

TEST_CASE("energy is priced per kWh and taxed", "[rating]") {
    // The OCPI example tariff of 0.25 a kWh and 10 %: 20 kWh are 5.00 net, 5.50 gross.
    const auto rating = rate(flat_tariff(2'500, 1'000), charge(midnight, midnight + hour, 20'000));
    REQUIRE(rating);
    CHECK(rating->net == 50'000);
    CHECK(rating->tax == 5'000);
    CHECK(rating->total() == 55'000);
    CHECK(rating->energy_wh == 20'000);
    REQUIRE(rating->lines.size() == 1);
    CHECK(rating->lines[0] ==
          RatedLine{LineKind::energy, 20'000'000, 2'500, 100'000, 50'000, 5'000, false});
}

TEST_CASE("every line is rounded once, half up, and so is its tax", "[rating]") {
    // 0.0001 a kWh: 499 Wh are 0.00004990 and 500 Wh exactly half of 0.0001.
    CHECK(rate(flat_tariff(1, 0), charge(midnight, midnight + 1, 499))->net == 0);
    CHECK(rate(flat_tariff(1, 0), charge(midnight, midnight + 1, 500))->net == 1);
    // Tax of 50 % on 0.0001 is half of 0.0001.
    CHECK(rate(flat_tariff(1, 5'000), charge(midnight, midnight + 1, 500))->tax == 1);
    CHECK(rate(flat_tariff(1, 4'999), charge(midnight, midnight + 1, 500))->tax == 0);

    SECTION("a line is the whole charge, however many readings there are") {
        std::vector<MeterReading> three = charge(midnight, midnight + 1, 500);
        three.push_back({midnight + 2, 0, 1'000, false});
        three.push_back({midnight + 3, 0, 1'500, false});
        CHECK(rate(flat_tariff(1, 0), three)->net == 2);
        CHECK(rate(flat_tariff(1, 0), charge(midnight, midnight + 3, 1'500))->net == 2);
    }
    SECTION("equal prices of different hours are one line, unequal ones two") {
        const std::vector<MeterReading> readings{{midnight, 0, 0, false},
                                                 {midnight + 7 * hour, 0, 1'000, true},
                                                 {midnight + 22 * hour, 0, 3'000, true},
                                                 {midnight + 23 * hour, 0, 4'000, false}};
        const auto rating = rate(day_and_night(), readings);
        REQUIRE(rating);
        REQUIRE(rating->lines.size() == 2);
        CHECK(rating->lines[0].quantity == 2'000'000);
        CHECK(rating->lines[1].quantity == 2'000'000);
        CHECK(rating->net == 60'000);
        CHECK(rating->lines[0].estimated);
        CHECK(rating->lines[1].estimated);
    }
}

TEST_CASE("lines come in order of first use, fees included", "[rating]") {
    const DayBands form{
        test::currency("CNY"), {{0, 0, 3'000}, {420, 9'000, 0}}, 10'000, 5'000, 600};
    const UnixMillis change = midnight + 7 * hour;
    const std::vector<MeterReading> readings{{change - hour, 0, 100, false},
                                             {change, 0, 1'100, true},
                                             {change + hour, 0, 1'100, false},
                                             {change + 2 * hour, 0, 3'100, false}};
    const auto rating = rate(form.tariff(), readings);
    REQUIRE(rating);
    const std::vector<RatedLine> expected{
        {LineKind::energy, 1'000'000, 0, 60'000, 0, 0, true},
        {LineKind::service, 1'000'000, 3'000, 60'000, 3'000, 180, true},
        {LineKind::time, 3 * hour, 5'000, 60'000, 15'000, 900, false},
        {LineKind::flat, 1, 10'000, 60'000, 10'000, 600, false},
        {LineKind::energy, 2'000'000, 9'000, 60'000, 18'000, 1'080, false},
    };
    CHECK(rating->lines == expected);
    CHECK(rating->net == 46'000);
    CHECK(rating->tax == 2'760);
    CHECK(rating->energy_wh == 3'000);
}

TEST_CASE("a time fee is by the begun second of the whole charge", "[rating]") {
    DayBands form{test::currency("EUR"), {{0, 0, 0}}, 0, 36'000, 0};  // 0.0010 a second
    const Tariff tariff = form.tariff();
    CHECK(rate(tariff, charge(midnight, midnight, 0))->net == 0);
    CHECK(rate(tariff, charge(midnight, midnight + 1, 0))->net == 10);
    CHECK(rate(tariff, charge(midnight, midnight + 1'000, 0))->net == 10);
    CHECK(rate(tariff, charge(midnight, midnight + day + 1'001, 0))->net == 864'020);
    // Two halves of a second in different periods are one second.
    std::vector<MeterReading> readings = charge(midnight, midnight + 500, 0);
    readings.push_back({midnight + 1'000, 0, 0, false});
    CHECK(rate(tariff, readings)->lines.back().quantity == 1'000);
}

TEST_CASE("the price is that of the charger's local time", "[rating]") {
    const Tariff tariff = day_and_night();
    CHECK(rate(tariff, charge(midnight, midnight + hour, 1'000))->net == 10'000);
    // 08:00 in Beijing, 19:00 of the day before in New York.
    CHECK(rate(tariff, charge(midnight, midnight + hour, 1'000, 480))->net == 20'000);
    CHECK(rate(tariff, charge(midnight, midnight + hour, 1'000, -300))->net == 20'000);
    // 22:00 of the day before.
    CHECK(rate(tariff, charge(midnight, midnight + hour, 1'000, -120))->net == 10'000);
    // Before 1970 on the local clock: 1969-12-31 13:00.
    CHECK(rate(tariff, charge(0, hour, 1'000, -660))->net == 20'000);
}

TEST_CASE("a price change inside a period is refused to the millisecond", "[rating]") {
    const Tariff tariff = day_and_night();
    const UnixMillis change = midnight + 7 * hour;
    CHECK(rate(tariff, charge(change - 1, change, 1'000))->net == 10'000);
    CHECK(error_of(tariff, charge(change - 1, change + 1, 1'000)) ==
          RatingError::spans_price_change);
    CHECK(rate(tariff, charge(change, change + 15 * hour, 1'000))->net == 20'000);
    CHECK(error_of(tariff, charge(change, change + 15 * hour + 1, 1'000)) ==
          RatingError::spans_price_change);
    CHECK(rate(tariff, charge(change, change, 1'000))->net == 20'000);
}

TEST_CASE("a border between equal prices is no price change", "[rating]") {
    const Tariff tariff = day_and_night();
    // 22:00 to 07:00 the next day crosses midnight, where the element changes, not the price.
    const UnixMillis evening = midnight + 22 * hour;
    CHECK(rate(tariff, charge(evening, evening + 9 * hour, 1'000))->net == 10'000);
    CHECK(split_at_price_changes(tariff, charge(evening, evening + 9 * hour, 1'000))->size() == 2);

    SECTION("also when only the service price differs it is one") {
        const Tariff service = day_tariff(tariff.currency, {{0, 10'000, 1}, {420, 10'000, 2}});
        CHECK(error_of(service, charge(midnight, midnight + 8 * hour, 1'000)) ==
              RatingError::spans_price_change);
    }
    SECTION("prices that are the same all day never change") {
        const Tariff same = day_tariff(tariff.currency, {{0, 5, 5}, {1, 5, 5}, {1'439, 5, 5}});
        CHECK(rate(same, charge(midnight, midnight + rated_days_max * day, 1'000)));
    }
}

TEST_CASE("one element may wrap past midnight", "[rating]") {
    TariffRestrictions night;
    night.start_minute = 1'320;
    night.end_minute = 420;
    const Tariff tariff = restricted(night);
    CHECK(rate(tariff, charge(midnight - 2 * hour, midnight + 7 * hour, 1'000))->net == 10'000);
    CHECK(error_of(tariff, charge(midnight - 2 * hour - 1, midnight, 1'000)) ==
          RatingError::spans_price_change);
    CHECK(rate(tariff, charge(midnight + 7 * hour, midnight + 22 * hour, 1'000))->net == 30'000);

    SECTION("a time that ends where it starts is the whole day") {
        TariffRestrictions whole;
        whole.start_minute = 480;
        whole.end_minute = 480;
        CHECK(rate(restricted(whole), charge(midnight, midnight + day, 1'000))->net == 10'000);
    }
}

TEST_CASE("weekdays and dates begin and end at local midnight", "[rating]") {
    TariffRestrictions friday;
    friday.days_of_week = 1U << 4U;
    const Tariff weekly = restricted(friday);
    CHECK(rate(weekly, charge(midnight, midnight + day, 1'000))->net == 10'000);
    CHECK(rate(weekly, charge(midnight + day, midnight + 7 * day, 1'000))->net == 30'000);
    CHECK(error_of(weekly, charge(midnight, midnight + day + 1, 1'000)) ==
          RatingError::spans_price_change);
    // In Beijing Saturday begins at 16:00 UTC.
    CHECK(error_of(weekly, charge(midnight, midnight + day, 1'000, 480)) ==
          RatingError::spans_price_change);
    CHECK(rate(weekly, charge(midnight, midnight + 16 * hour, 1'000, 480))->net == 10'000);

    TariffRestrictions two_days;
    two_days.start_day = 20'000;
    two_days.end_day = 20'002;
    const Tariff dated = restricted(two_days);
    CHECK(rate(dated, charge(midnight, midnight + 2 * day, 1'000))->net == 10'000);
    CHECK(rate(dated, charge(midnight + 2 * day, midnight + 9 * day, 1'000))->net == 30'000);
    CHECK(
        split_at_price_changes(dated, charge(midnight - day, midnight + 9 * day, 1'000))->size() ==
        4);
}

TEST_CASE("energy used in the charge makes a border, at that energy", "[rating]") {
    TariffRestrictions first_ten;
    first_ten.max_wh = 10'000;
    const Tariff tariff = restricted(first_ten);
    CHECK(rate(tariff, charge(midnight, midnight + hour, 10'000))->net == 100'000);
    CHECK(error_of(tariff, charge(midnight, midnight + hour, 10'001)) ==
          RatingError::spans_price_change);
    const auto split = split_at_price_changes(
        tariff, {{midnight, 0, 5'000, false}, {midnight + hour, 0, 20'000, false}});
    REQUIRE(split);
    REQUIRE(split->size() == 3);
    CHECK(split->at(1) == MeterReading{midnight + 40 * minute, 0, 15'000, true});
    CHECK(rate(tariff, *split)->net == 10 * 10'000 + 5 * 30'000);

    SECTION("also when no time goes by") {
        const auto at_once = split_at_price_changes(tariff, charge(midnight, midnight, 12'000));
        REQUIRE(at_once);
        REQUIRE(at_once->size() == 3);
        CHECK(at_once->at(1) == MeterReading{midnight, 0, 10'000, true});
        CHECK(rate(tariff, *at_once)->net == 10 * 10'000 + 2 * 30'000);
    }
}

TEST_CASE("durations count from the begin of the charge", "[rating]") {
    TariffRestrictions after;
    after.min_duration_s = 1'800;
    after.max_duration_s = 3'600;
    const Tariff tariff = restricted(after);
    CHECK(rate(tariff, charge(midnight, midnight + 30 * minute, 1'000))->net == 30'000);
    const auto split = split_at_price_changes(tariff, charge(midnight, midnight + 2 * hour, 4'000));
    REQUIRE(split);
    REQUIRE(split->size() == 4);
    CHECK(split->at(1) == MeterReading{midnight + 30 * minute, 0, 1'000, true});
    CHECK(split->at(2) == MeterReading{midnight + hour, 0, 2'000, true});
    CHECK(rate(tariff, *split)->net == 30'000 + 10'000 + 2 * 30'000);
}

TEST_CASE("power is what the reading says, unknown power is above nothing", "[rating]") {
    TariffRestrictions fast;
    fast.min_power_mw = 50'000'000;
    TariffRestrictions slow;
    slow.max_power_mw = 50'000'000;
    std::vector<MeterReading> readings = charge(midnight, midnight + hour, 1'000);
    CHECK(rate(restricted(fast), readings)->net == 30'000);
    CHECK(rate(restricted(slow), readings)->net == 10'000);
    readings[0].power_w = 50'000;
    CHECK(rate(restricted(fast), readings)->net == 10'000);
    CHECK(rate(restricted(slow), readings)->net == 30'000);
    readings[0].power_w = 49'999;
    CHECK(rate(restricted(fast), readings)->net == 30'000);
    CHECK(rate(restricted(slow), readings)->net == 10'000);
}

TEST_CASE("parking has its own price of time", "[rating]") {
    Tariff tariff;
    tariff.currency = test::currency("EUR");
    tariff.elements = {{{{PriceKind::time, 10'000, std::nullopt, 60},
                         {PriceKind::parking_time, 20'000, std::nullopt, 60}},
                        {}}};
    std::vector<MeterReading> readings{{midnight, 0, 0, false},
                                       {midnight + hour, 0, 9'000, false},
                                       {midnight + 2 * hour, 0, 9'000, false}};
    CHECK(rate(tariff, readings)->net == 20'000);
    readings[1].activity = Activity::parking;
    CHECK(rate(tariff, readings)->net == 30'000);
    // What the last reading says of the time after it is nothing.
    readings[2].activity = Activity::parking;
    CHECK(rate(tariff, readings)->net == 30'000);
    CHECK(is_price_change(tariff, readings, 1));
}

TEST_CASE("the offset of a reading holds until the next reading", "[rating]") {
    // Clocks go forward at 02:00 UTC+1 = 01:00 UTC; the night ends at 07:00 local time.
    const Tariff tariff = day_and_night();
    const std::vector<MeterReading> readings{{midnight, 60, 0, false},
                                             {midnight + hour, 120, 1'000, false},
                                             {midnight + 5 * hour, 120, 5'000, false},
                                             {midnight + 6 * hour, 120, 6'000, false}};
    CHECK(rate(tariff, readings)->net == 5 * 10'000 + 20'000);
    const auto split = split_at_price_changes(tariff, {readings[0], readings[3]});
    REQUIRE(split);
    CHECK(split->size() == 2);  // With the old offset 07:00 comes an hour later, at the end.
    CHECK(rate(tariff, {readings[0], readings[2]}));

    SECTION("a day of 25 hours has an hour more at night") {
        const std::vector<MeterReading> autumn{{midnight - 2 * hour, 120, 0, false},
                                               {midnight + hour, 60, 3'000, false},
                                               {midnight + 23 * hour, 60, 25'000, false}};
        const auto parts = split_at_price_changes(tariff, autumn);
        REQUIRE(parts);
        // Local 00:00 to 03:00, again from 02:00 to 07:00, then the day, then 22:00 to 24:00.
        CHECK(rate(tariff, *parts)->net == (3 + 5 + 2) * 10'000 + 15 * 20'000);
    }
}

TEST_CASE("readings are split where the price changes, linear and floored", "[rating]") {
    const Tariff tariff = day_and_night();
    const UnixMillis begin = midnight + 6 * hour;
    const auto split = split_at_price_changes(
        tariff, {{begin, 0, 1'000, false}, {begin + 3 * hour, 0, 1'200, false}});
    REQUIRE(split);
    const std::vector<MeterReading> expected{{begin, 0, 1'000, false},
                                             {begin + hour, 0, 1'066, true},
                                             {begin + 3 * hour, 0, 1'200, false}};
    CHECK(*split == expected);
    const auto rating = rate(tariff, *split);
    REQUIRE(rating);
    CHECK(rating->lines[0].estimated);
    CHECK(rating->lines[1].estimated);
    CHECK(rating->lines[0].quantity == 66'000);
    CHECK(rating->lines[1].quantity == 134'000);
    CHECK(is_price_change(tariff, *split, 1));
    CHECK_FALSE(is_price_change(flat_tariff(1, 0), *split, 1));
}

TEST_CASE("a charge of days is split at every change", "[rating]") {
    const auto split =
        split_at_price_changes(day_and_night(), charge(midnight, midnight + 3 * day, 72'000, 0));
    REQUIRE(split);
    CHECK(split->size() == 8);
    const auto rating = rate(day_and_night(), *split);
    REQUIRE(rating);
    CHECK(rating->net == 27 * 10'000 + 45 * 20'000);
}

TEST_CASE("more readings than a record holds are refused", "[rating]") {
    const Tariff tariff = day_and_night();
    // 2 changes a day: 99 days give 198 between begin and end.
    CHECK(split_at_price_changes(tariff, charge(midnight, midnight + 99 * day, 1'000))->size() ==
          readings_max);
    CHECK(split_at_price_changes(tariff, charge(midnight, midnight + 99 * day + 8 * hour, 1'000))
              .error() == RatingError::out_of_range);
    CHECK(split_at_price_changes(tariff, charge(0, unix_millis_max, 1'000)).error() ==
          RatingError::out_of_range);
    CHECK(error_of(tariff, charge(0, rated_days_max * day + 1, 0)) == RatingError::out_of_range);
    std::vector<MeterReading> many;
    for (std::size_t i = 0; i <= readings_max; ++i) {
        many.push_back({midnight, 0, 0, false});
    }
    CHECK(error_of(tariff, many) == RatingError::out_of_range);
    many.pop_back();
    CHECK(rate(tariff, many));
}

TEST_CASE("a charge across more borders than a record may have is refused", "[rating]") {
    // 128 borders a day at which nothing changes: 32 days of them are 4096.
    Tariff tariff = flat_tariff(1, 0);
    tariff.elements.assign(tariff_elements_max, tariff.elements.front());
    for (std::uint16_t i = 0; i < tariff_elements_max; ++i) {
        tariff.elements[i].restrictions.start_minute = static_cast<std::uint16_t>(i * 22 + 1);
        tariff.elements[i].restrictions.end_minute = static_cast<std::uint16_t>(i * 22 + 12);
    }
    tariff.elements.back().restrictions = {};
    // The last is always there instead: 126 a day.
    const std::int64_t days = static_cast<std::int64_t>(record_borders_max / 126);
    CHECK(rate(tariff, charge(midnight, midnight + days * day, 1'000)));
    CHECK(error_of(tariff, charge(midnight, midnight + (days + 1) * day, 1'000)) ==
          RatingError::out_of_range);
    CHECK(split_at_price_changes(tariff, charge(midnight, midnight + (days + 1) * day, 1'000))
              .error() == RatingError::out_of_range);
}

TEST_CASE("readings that make no sense are refused", "[rating]") {
    const Tariff tariff = flat_tariff(1, 0);
    CHECK(error_of(tariff, {}) == RatingError::too_few_readings);
    CHECK(error_of(tariff, {{midnight, 0, 0, false}}) == RatingError::too_few_readings);
    CHECK(error_of(tariff, charge(midnight, midnight - 1, 0)) == RatingError::not_in_order);
    CHECK(error_of(tariff, {{midnight, 0, 2, false}, {midnight, 0, 1, false}}) ==
          RatingError::not_in_order);
    CHECK(error_of(tariff, charge(midnight, midnight, 0, 841)) == RatingError::out_of_range);
    CHECK(error_of(tariff, charge(midnight, midnight, 0, -841)) == RatingError::out_of_range);
    CHECK(error_of(tariff, charge(-1, midnight, 0)) == RatingError::out_of_range);
    CHECK(error_of(tariff, charge(0, unix_millis_max + 1, 0)) == RatingError::out_of_range);
    CHECK(error_of(tariff, charge(0, 1, register_wh_max + 1)) == RatingError::out_of_range);
    CHECK(error_of(tariff, {{0, 0, -1, false}, {0, 0, 0, false}}) == RatingError::out_of_range);
    CHECK(error_of(Tariff{}, charge(0, 1, 1)) == RatingError::out_of_range);
    CHECK(split_at_price_changes(tariff, {}).error() == RatingError::too_few_readings);
    CHECK(split_at_price_changes(tariff, charge(5, 4, 0)).error() == RatingError::not_in_order);
}

TEST_CASE("a total above the largest amount overflows", "[rating]") {
    const Tariff dearest = flat_tariff(amount_max, 0);
    CHECK(rate(dearest, charge(0, 1, 1'000))->total() == amount_max);
    CHECK(error_of(dearest, charge(0, 1, 1'001)) == RatingError::overflow);
    CHECK(error_of(dearest, charge(0, 1, register_wh_max)) == RatingError::overflow);
    CHECK(error_of(flat_tariff(amount_max, 1), charge(0, 1, 1'000)) == RatingError::overflow);
    CHECK(error_of(flat_tariff(amount_max, 10'000), charge(0, 1, 600)) == RatingError::overflow);
    std::vector<MeterReading> two = charge(0, 1, 600);
    two.push_back({2, 0, 1'200, false});
    CHECK(error_of(dearest, two) == RatingError::overflow);
    Tariff least = flat_tariff(0, 0);
    least.min_price = PriceLimit{amount_max, amount_max};
    CHECK(rate(least, charge(0, 1, 1))->total() == amount_max);
}

}  // namespace tally
