// From samples to readings and amounts.

#include "charger_bridge/metering/meter_track.h"

#include "charger_bridge/metering/plausibility.h"
#include "ledger/model/day_bands.h"

#include <catch2/catch.hpp>

namespace tally::bridge {

using namespace std::chrono_literals;

namespace {

constexpr UnixMillis begin_time{1'772'352'000'000};  // 08:00 UTC

Tariff two_prices() {
    DayBands form;
    form.currency = *currency_from_text("CNY");
    form.bands = {{0, 10'000, 0}, {510, 20'000, 0}};  // 08:30
    form.start_fee = 5'000;
    return form.tariff();
}

MeterReading at(std::chrono::milliseconds after, std::int64_t register_wh) {
    return {begin_time + after.count(), 0, register_wh, false};
}

MeterTrack begun(std::int64_t register_wh) {
    MeterTrack track;
    track.begin = at(0ms, register_wh);
    track.last = track.begin;
    return track;
}

}  // namespace

TEST_CASE("plausible energy: the ledger's bound, rated power x (time + 60 s) x 1.05") {
    CHECK(is_plausible(60'000, 0, 0ms));
    CHECK(is_plausible(60'000, 1'049, 0ms));
    CHECK_FALSE(is_plausible(60'000, 1'051, 0ms));
    CHECK(is_plausible(60'000, 60'000, 1h));
    CHECK_FALSE(is_plausible(60'000, 70'000, 1h));
    CHECK_FALSE(is_plausible(60'000, -1, 1h));
    CHECK_FALSE(is_plausible(60'000, 0, -1ms));
    CHECK_FALSE(is_plausible(0, 1, 1h));
    CHECK(is_plausible(4'000'000'000U, register_wh_max / 1'000, std::chrono::hours{2'000'000}));
}

TEST_CASE("the amount so far crosses price boundaries") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    MeterTrack track = begun(0);
    CHECK(amount_so_far(track, terms) == 5'000);
    CHECK(add_sample(track, terms, at(20min, 10'000)) == SampleVerdict::accepted);
    CHECK(amount_so_far(track, terms) == 105'000);
    CHECK(add_sample(track, terms, at(40min, 20'000)) == SampleVerdict::accepted);
    REQUIRE(track.changes.size() == 1);
    CHECK(track.changes[0].register_wh == 15'000);
    CHECK(amount_so_far(track, terms) == 5'000 + 150'000 + 100'000);
}

TEST_CASE("the margin is what the connector costs until it stops, without the start fee") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    MeterTrack track = begun(0);
    CHECK(stop_margin(track, terms, 60s) == 10'000);
    CHECK(add_sample(track, terms, at(29min + 30s, 1'000)) == SampleVerdict::accepted);
    CHECK(stop_margin(track, terms, 60s) == 5'000 + 10'000);  // half of it at the new price
    CHECK(stop_margin(track, terms, 0ms) == 0);
    CHECK(amount_at_rated_power(track, terms, 60s) == 15'000 + 15'000);
    CHECK(amount_at_rated_power(track, terms, charge_duration_max));
    CHECK_FALSE(amount_at_rated_power(track, terms, charge_duration_max + 1ms));
}

TEST_CASE("samples that go back or cannot be are dropped and counted") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    MeterTrack track = begun(100);
    CHECK(add_sample(track, terms, at(5min, 4'000)) == SampleVerdict::accepted);
    CHECK(add_sample(track, terms, at(6min, 3'999)) == SampleVerdict::lower);
    CHECK(add_sample(track, terms, at(4min, 4'100)) == SampleVerdict::out_of_order);
    CHECK(add_sample(track, terms, at(6min, 90'000)) == SampleVerdict::implausible);
    CHECK(track.dropped == 3);
    CHECK(track.samples == 1);
    CHECK(track.last.register_wh == 4'000);
}

TEST_CASE("a high sample in between does not spoil begin and end") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    MeterTrack track = begun(0);
    CHECK(add_sample(track, terms, at(20min, 20'000)) == SampleVerdict::accepted);
    const auto readings = final_readings(track, terms, at(40min, 10'000));
    REQUIRE(readings);
    REQUIRE(readings->size() == 3);
    CHECK(readings->at(1).register_wh == 7'500);
    CHECK(readings->at(1).estimated);
}

TEST_CASE("what cannot be charged is held, with the reason") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    CHECK(final_readings(begun(100), terms, at(1min, 99)).error() ==
          HoldReason::register_went_back);
    CHECK(final_readings(begun(0), terms, at(1min, 910'083)).error() ==
          HoldReason::energy_implausible);
    CHECK(final_readings(begun(0), terms, at(-1min, 0)).error() == HoldReason::register_went_back);
    CHECK(final_readings(begun(0), terms, at(std::chrono::hours{24 * 400}, 1'000)).error() ==
          HoldReason::unratable);
}

TEST_CASE("a sample at the moment of a price change is the reading of that change") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    MeterTrack track = begun(0);
    CHECK(add_sample(track, terms, at(30min, 10'000)) == SampleVerdict::accepted);
    CHECK(add_sample(track, terms, at(45min, 30'000)) == SampleVerdict::accepted);
    CHECK(amount_so_far(track, terms) > 0);
    CHECK(is_ratable(track, terms));
    const auto readings = final_readings(track, terms, at(60min, 31'000));
    REQUIRE(readings);
    REQUIRE(readings->size() == 3);
    CHECK(readings->at(1) == at(30min, 10'000));
}

TEST_CASE("a charge with nearly as many price changes as a record holds is not ratable for long") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    MeterTrack track = begun(0);
    int day = 0;
    while (day < 400 && is_ratable(track, terms)) {
        ++day;
        CHECK(add_sample(track, terms, at(std::chrono::hours{24 * day}, day * 1'000)) ==
              SampleVerdict::accepted);
    }
    REQUIRE(day < 400);
    CHECK(final_readings(track, terms, at(std::chrono::hours{24 * day}, day * 1'000)));
}

TEST_CASE("limit: price changes kept of a charge that never ends") {
    const Tariff tariff = two_prices();
    const MeterTerms terms{tariff, 60'000};
    MeterTrack track = begun(0);
    for (int day = 1; day <= 400; ++day) {
        CHECK(add_sample(track, terms, at(std::chrono::hours{24 * day}, day * 1'000)) ==
              SampleVerdict::accepted);
    }
    CHECK(track.changes.size() <= readings_max - 2);
    Encoder encoder;
    track.encode(encoder);
    Decoder decoder{encoder.bytes()};
    CHECK(MeterTrack::decode(decoder) == track);
    CHECK(decoder.finished());
}

}  // namespace tally::bridge
