#include "ledger/model/tariff.h"

#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

constexpr std::int64_t minute{60'000};
constexpr std::int64_t hour{60 * minute};
constexpr std::int64_t day{24 * hour};
constexpr UnixMillis midnight{20'000 * day};  // UTC

/// One price all day, no fees.
Tariff flat_tariff(Money price, std::uint32_t tax_rate) {
    Tariff tariff;
    tariff.currency = test::currency("EUR");
    tariff.bands = {{0, price, 0}};
    tariff.tax_rate = tax_rate;
    return tariff;
}

/// 1.00 at night (22:00 to 07:00), 2.00 by day.
Tariff day_and_night() {
    Tariff tariff = flat_tariff(10'000, 0);
    tariff.bands = {{0, 10'000, 0}, {420, 20'000, 0}, {1'320, 10'000, 0}};
    return tariff;
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

}  // namespace

TEST_CASE("energy is priced per kWh and taxed", "[tariff]") {
    // The OCPI example tariff of 0.25 a kWh and 10 %: 20 kWh are 5.00 net, 5.50 gross.
    const auto rating = rate(flat_tariff(2'500, 1'000), charge(midnight, midnight + hour, 20'000));
    REQUIRE(rating);
    CHECK(rating->net == 50'000);
    CHECK(rating->tax == 5'000);
    CHECK(rating->total() == 55'000);
    CHECK(rating->energy_wh == 20'000);
    REQUIRE(rating->lines.size() == 1);
    CHECK(rating->lines[0] == RatedLine{LineKind::energy, 0, 20'000, 2'500, 50'000, 5'000, false});
}

TEST_CASE("every line is rounded once, half up, and so is its tax", "[tariff]") {
    // 0.0001 a kWh: 499 Wh are 0.00004990 and 500 Wh exactly half of 0.0001.
    CHECK(rate(flat_tariff(1, 0), charge(midnight, midnight + 1, 499))->net == 0);
    CHECK(rate(flat_tariff(1, 0), charge(midnight, midnight + 1, 500))->net == 1);
    // Tax of 50 % on 0.0001 is half of 0.0001.
    CHECK(rate(flat_tariff(1, 5'000), charge(midnight, midnight + 1, 500))->tax == 1);
    CHECK(rate(flat_tariff(1, 4'999), charge(midnight, midnight + 1, 500))->tax == 0);

    SECTION("sums are sums of rounded lines") {
        std::vector<MeterReading> three = charge(midnight, midnight + 1, 500);
        three.push_back({midnight + 2, 0, 1'000, false});
        three.push_back({midnight + 3, 0, 1'500, false});
        CHECK(rate(flat_tariff(1, 0), three)->net == 3);
        CHECK(rate(flat_tariff(1, 0), charge(midnight, midnight + 3, 1'500))->net == 2);
    }
}

TEST_CASE("each period has its lines, then come the fees", "[tariff]") {
    Tariff tariff = test::sample_tariff();
    tariff.bands = {{0, 0, 3'000}, {420, 9'000, 0}};
    const UnixMillis change = midnight + 7 * hour;
    const std::vector<MeterReading> readings{{change - hour, 0, 100, false},
                                             {change, 0, 1'100, true},
                                             {change + hour, 0, 1'100, false},
                                             {change + 2 * hour, 0, 3'100, false}};
    const auto rating = rate(tariff, readings);
    REQUIRE(rating);
    const std::vector<RatedLine> expected{
        {LineKind::energy, 0, 1'000, 0, 0, 0, true},
        {LineKind::service, 0, 1'000, 3'000, 3'000, 180, true},
        {LineKind::energy, 1, 0, 9'000, 0, 0, true},
        {LineKind::energy, 2, 2'000, 9'000, 18'000, 1'080, false},
        {LineKind::start_fee, 0, 1, 10'000, 10'000, 600, false},
        {LineKind::time, 0, 10'800, 5'000, 15'000, 900, false},
    };
    CHECK(rating->lines == expected);
    CHECK(rating->net == 46'000);
    CHECK(rating->tax == 2'760);
    CHECK(rating->energy_wh == 3'000);
}

TEST_CASE("the time fee is for whole seconds of the whole charge", "[tariff]") {
    Tariff tariff = flat_tariff(0, 0);
    tariff.time_fee = 36'000;  // 0.0010 a second
    CHECK(rate(tariff, charge(midnight, midnight + 999, 0))->net == 0);
    CHECK(rate(tariff, charge(midnight, midnight + 1'000, 0))->net == 10);
    CHECK(rate(tariff, charge(midnight, midnight + day + 1'999, 0))->net == 864'010);
    // Two halves of a second in different periods are one second.
    std::vector<MeterReading> readings = charge(midnight, midnight + 500, 0);
    readings.push_back({midnight + 1'000, 0, 0, false});
    CHECK(rate(tariff, readings)->lines.back().quantity == 1);
}

TEST_CASE("the price is that of the charger's local time", "[tariff]") {
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

TEST_CASE("a price change inside a period is refused to the millisecond", "[tariff]") {
    const Tariff tariff = day_and_night();
    const UnixMillis change = midnight + 7 * hour;
    CHECK(rate(tariff, charge(change - 1, change, 1'000))->net == 10'000);
    CHECK(error_of(tariff, charge(change - 1, change + 1, 1'000)) ==
          RatingError::period_spans_bands);
    CHECK(rate(tariff, charge(change, change + 15 * hour, 1'000))->net == 20'000);
    CHECK(error_of(tariff, charge(change, change + 15 * hour + 1, 1'000)) ==
          RatingError::period_spans_bands);
    CHECK(rate(tariff, charge(change, change, 1'000))->net == 20'000);
}

TEST_CASE("a border between equal prices is no price change", "[tariff]") {
    const Tariff tariff = day_and_night();
    // 22:00 to 07:00 the next day crosses midnight, where the band changes and the price does not.
    const UnixMillis evening = midnight + 22 * hour;
    CHECK(rate(tariff, charge(evening, evening + 9 * hour, 1'000))->net == 10'000);
    CHECK(split_at_price_changes(tariff, charge(evening, evening + 9 * hour, 1'000))->size() == 2);

    SECTION("also when only the service price differs it is one") {
        Tariff service = tariff;
        service.bands = {{0, 10'000, 1}, {420, 10'000, 2}};
        CHECK(error_of(service, charge(midnight, midnight + 8 * hour, 1'000)) ==
              RatingError::period_spans_bands);
    }
    SECTION("prices that are the same all day never change") {
        Tariff same = tariff;
        same.bands = {{0, 5, 5}, {1, 5, 5}, {1'439, 5, 5}};
        CHECK(rate(same, charge(midnight, midnight + 1'000 * day, 1'000)));
    }
}

TEST_CASE("the offset of a reading holds until the next reading", "[tariff]") {
    // Clocks go forward at 02:00 UTC+1 = 01:00 UTC; the night ends at 07:00 local time.
    const Tariff tariff = day_and_night();
    const std::vector<MeterReading> readings{{midnight, 60, 0, false},
                                             {midnight + hour, 120, 1'000, false},
                                             {midnight + 5 * hour, 120, 5'000, false},
                                             {midnight + 6 * hour, 120, 6'000, false}};
    CHECK(rate(tariff, readings)->net == 5 * 10'000 + 20'000);
    const std::vector<MeterReading> without_change{readings[0], readings[2]};
    const auto split = split_at_price_changes(tariff, {readings[0], readings[3]});
    REQUIRE(split);
    CHECK(split->size() == 2);  // With the old offset 07:00 comes an hour later, at the end.
    CHECK(rate(tariff, without_change));
}

TEST_CASE("readings are split where the price changes, linear and floored", "[tariff]") {
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
    CHECK(rating->lines[0].quantity == 66);
    CHECK(rating->lines[1].quantity == 134);
}

TEST_CASE("a charge of days is split at every change", "[tariff]") {
    const auto split =
        split_at_price_changes(day_and_night(), charge(midnight, midnight + 3 * day, 72'000, 0));
    REQUIRE(split);
    CHECK(split->size() == 8);
    const auto rating = rate(day_and_night(), *split);
    REQUIRE(rating);
    CHECK(rating->net == 27 * 10'000 + 45 * 20'000);
}

TEST_CASE("more readings than a record holds are refused before they are made", "[tariff]") {
    const Tariff tariff = day_and_night();
    // 2 changes a day: 99 days give 198 between begin and end.
    CHECK(split_at_price_changes(tariff, charge(midnight, midnight + 99 * day, 1'000))->size() ==
          readings_max);
    CHECK(split_at_price_changes(tariff, charge(midnight, midnight + 99 * day + 8 * hour, 1'000))
              .error() == RatingError::out_of_range);
    CHECK(split_at_price_changes(tariff, charge(0, unix_millis_max, 1'000)).error() ==
          RatingError::out_of_range);
    std::vector<MeterReading> many;
    for (std::size_t i = 0; i <= readings_max; ++i) {
        many.push_back({midnight, 0, 0, false});
    }
    CHECK(error_of(tariff, many) == RatingError::out_of_range);
    many.pop_back();
    CHECK(rate(tariff, many));
}

TEST_CASE("readings that make no sense are refused", "[tariff]") {
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

TEST_CASE("a total above the largest amount overflows", "[tariff]") {
    const Tariff dearest = flat_tariff(amount_max, 0);
    CHECK(rate(dearest, charge(0, 1, 1'000))->total() == amount_max);
    CHECK(error_of(dearest, charge(0, 1, 1'001)) == RatingError::overflow);
    CHECK(error_of(dearest, charge(0, 1, register_wh_max)) == RatingError::overflow);
    CHECK(error_of(flat_tariff(amount_max, 1), charge(0, 1, 1'000)) == RatingError::overflow);
    CHECK(error_of(flat_tariff(amount_max, 10'000), charge(0, 1, 600)) == RatingError::overflow);
    std::vector<MeterReading> two = charge(0, 1, 600);
    two.push_back({2, 0, 1'200, false});
    CHECK(error_of(dearest, two) == RatingError::overflow);
}

TEST_CASE("a tariff is valid with 1 to 32 rising bands from midnight", "[tariff]") {
    CHECK(test::sample_tariff().is_valid());
    std::vector<Tariff> wrong(13, test::sample_tariff());
    wrong[0].currency = {};
    wrong[1].bands.clear();
    wrong[2].bands[0].start_minute = 1;
    wrong[3].bands[1].start_minute = 1'320;
    wrong[4].bands[2].start_minute = minutes_per_day;
    wrong[5].bands[1].energy_price = -1;
    wrong[6].bands[1].service_price = amount_max + 1;
    wrong[7].start_fee = -1;
    wrong[8].time_fee = amount_max + 1;
    wrong[9].tax_rate = tax_rate_max + 1;
    for (std::uint16_t i = 0; i < 33; ++i) {
        wrong[10].bands.resize(i + 1U, TariffBand{i, 1, 1});
    }
    std::swap(wrong[11].bands[1], wrong[11].bands[2]);
    wrong[12].start_fee = amount_max + 1;
    for (const Tariff& tariff : wrong) {
        CHECK_FALSE(tariff.is_valid());
    }
    wrong[10].bands.pop_back();
    wrong[10].bands[0].start_minute = 0;
    for (std::uint16_t i = 0; i < 32; ++i) {
        wrong[10].bands[i].start_minute = i;
    }
    CHECK(wrong[10].is_valid());
}

TEST_CASE("tariffs and readings are read back from their bytes, and checked", "[tariff]") {
    Encoder encoder;
    test::sample_tariff().encode(encoder);
    const Bytes bytes = encoder.bytes();
    Decoder decoder{bytes};
    CHECK(Tariff::decode(decoder) == test::sample_tariff());
    CHECK(decoder.finished());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        Decoder shorter{ByteView{bytes}.first(length)};
        static_cast<void>(Tariff::decode(shorter));
        CHECK_FALSE(shorter.ok());
    }
    const MeterReading reading{midnight, -840, 12, true};
    Encoder other;
    encode(other, reading);
    Decoder reader{other.bytes()};
    CHECK(decode_reading(reader) == reading);
    CHECK(reader.finished());
    Encoder wrong;
    encode(wrong, MeterReading{midnight, 841, 12, true});
    Decoder refusing{wrong.bytes()};
    static_cast<void>(decode_reading(refusing));
    CHECK_FALSE(refusing.ok());
}

}  // namespace tally
