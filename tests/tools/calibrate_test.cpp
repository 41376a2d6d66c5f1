// `tally calibrate` on charges whose b is known: what is fitted, what is said of it, and which
// meter data it reads.

#include "ledger/model/day_bands.h"
#include "ledger/model/rating.h"
#include "tests/ledger/audit/forged_ledger.h"
#include "tests/support/ledger_fixture.h"
#include "tools/calibrate/calibration.h"

#include <boost/json/array.hpp>
#include <catch2/catch.hpp>

#include <cmath>

namespace tally::tools {
namespace {

namespace fixture = tally::test;

constexpr UnixMillis begin{1'748'736'000'000};
constexpr std::uint32_t rated_w{60'000};

/// A charge of `samples`, the first and last of which are its begin and end.
SettledCharge charge_of(const std::vector<MeterSample>& samples, std::uint32_t power = rated_w) {
    SettledCharge charge;
    charge.name = "BBB-00000000000000000000000000000001";
    charge.visited = fixture::party("AAA");
    charge.rated_power_w = power;
    charge.tariff = tally::day_tariff(fixture::currency("CNY"),
                                      {{0, fixture::units(1), fixture::units(1) / 2}});
    for (const MeterSample& sample : {samples.front(), samples.back()}) {
        MeterReading reading;
        reading.time = sample.time;
        reading.register_wh = sample.register_wh;
        charge.metered.readings.push_back(reading);
    }
    const auto rating = rate(charge.tariff, charge.metered.readings);
    REQUIRE(rating);
    charge.rated_amount = rating->total();
    return charge;
}

/// Power in W for each of so many minutes.
std::vector<MeterSample> charged(const std::vector<std::pair<int, int>>& power_and_minutes) {
    std::vector<MeterSample> samples{{begin, 1'000'000}};
    std::int64_t watt_minutes{0};
    for (const auto& [power, minutes] : power_and_minutes) {
        for (int minute = 0; minute < minutes; ++minute) {
            watt_minutes += power;
            samples.push_back({samples.back().time + 60'000, 1'000'000 + watt_minutes / 60});
        }
    }
    return samples;
}

boost::json::object only_group(const Calibration& calibration) {
    const boost::json::object answer = calibration.to_json();
    REQUIRE(answer.at("groups").get_array().size() == 1);
    return answer.at("groups").get_array().front().get_object();
}

double mean_of(const boost::json::object& group, const char* which) {
    return group.at(which).get_object().at("mean_s").to_number<double>();
}

/// Moments for which exactly this b is right, with an error that no b explains of up to `noise_s`.
std::vector<Moment> moments_with(double b, double noise_s) {
    std::vector<Moment> moments;
    for (int i = 1; i <= 99; ++i) {
        Moment moment;
        moment.lost_s = i * 10;
        moment.base_s = (100 - i) * 20;
        const double noise = (i % 3 - 1) * noise_s;
        moment.base_s += 10'000;
        moment.remaining_s = moment.base_s + b * moment.lost_s + noise;
        moment.progress = i / 100.0;
        moment.weight = 1.0 / 99;
        moments.push_back(moment);
    }
    return moments;
}

}  // namespace

TEST_CASE("the b that made the estimates right is found", "[calibrate]") {
    for (const double b : {0.0, 0.35, 1.0, 4.5}) {
        const auto moments = moments_with(b, 0);
        const auto fitted = fit_coefficient(moments);
        REQUIRE(fitted);
        CHECK(*fitted == std::llround(b * 1000));
        CHECK(quality_of(moments, b).all.p90_s < 0.001);
        CHECK(quality_of(moments, b + 1).all.median_s > 100);
    }
}

TEST_CASE("a few wild moments do not move b far", "[calibrate]") {
    auto moments = moments_with(0.5, 30);
    for (std::size_t i = 0; i < 9; ++i) {
        moments[i * 10].remaining_s += 100'000;
    }
    const auto fitted = fit_coefficient(moments);
    REQUIRE(fitted);
    CHECK(*fitted > 400);
    CHECK(*fitted < 700);
}

TEST_CASE("b is never below 0 nor above what a node takes, and absent when nothing was lost",
          "[calibrate]") {
    CHECK(fit_coefficient(moments_with(-3, 0)) == 0);
    CHECK(fit_coefficient(moments_with(5'000, 0)) == coefficient_permille_max);
    auto moments = moments_with(1, 0);
    for (Moment& moment : moments) {
        moment.lost_s = 0;
    }
    CHECK_FALSE(fit_coefficient(moments));
    CHECK_FALSE(fit_coefficient({}));
}

TEST_CASE("moments follow from readings, tariff and rated power", "[calibrate]") {
    const auto samples = charged({{60'000, 20}, {30'000, 10}, {60'000, 20}});
    const auto moments = moments_of(charge_of(samples), samples);
    REQUIRE(moments.size() == samples.size() - 2);
    const Moment& at_half_hour = moments[29];
    CHECK(at_half_hour.lost_s == Approx(300));
    CHECK(at_half_hour.remaining_s == Approx(1'200));
    CHECK(at_half_hour.progress == Approx(25.0 / 45));
    CHECK(at_half_hour.base_s == Approx(20.0 / 25 * 1'800));
    // The estimate was too high already: tf only makes it worse.
    CHECK(fit_coefficient(moments) == 0);
}

TEST_CASE("readings outside the charge or going back are passed over", "[calibrate]") {
    auto samples = charged({{60'000, 10}});
    const SettledCharge charge = charge_of(samples);
    samples.insert(samples.begin(), {begin - 1, 999'000});
    samples.push_back({samples.back().time + 60'000, 1'100'000});
    samples[5].register_wh = 900'000;
    CHECK(moments_of(charge, samples).size() == 8);
    CHECK(moments_of(charge, {}).empty());
    std::vector<MeterSample> many;
    for (std::int64_t i = 0; i < 600; ++i) {
        many.push_back({begin + i * 1'000, 1'000'000 + i * 1'000 * 60'000 / 3'600'000});
    }
    CHECK(moments_of(charge, many).size() <= moments_per_charge_max);
}

TEST_CASE("a taper is said to have no b, charges of its kind have", "[calibrate]") {
    // 60 kW, and from half an hour on down to 10 kW within 25 minutes: no constant b (as
    // reference figures of the design show: 21 at 40 minutes, 4.5 at 50).
    Calibration taper{{}};
    std::vector<std::pair<int, int>> curve{{60'000, 30}};
    for (int minute = 0; minute < 25; ++minute) {
        curve.emplace_back(60'000 - minute * 2'000, 1);
    }
    curve.emplace_back(10'000, 32);
    const auto samples = charged(curve);
    taper.add(charge_of(samples), samples);
    const auto tapered = only_group(taper);
    CHECK(tapered.at("explains_little").as_bool());
    CHECK(taper.to_text().find("b explains little") != std::string::npos);
    CHECK(taper.to_text().find("b = \"0.000\"") != std::string::npos);

    // More after a while, then much less for the rest: what was lost tells what will be.
    Calibration falling{{22'000, 150'000}};
    const auto slower = charged({{30'000, 12}, {40'000, 11}, {5'000, 10}});
    falling.add(charge_of(slower), slower);
    const auto fell = only_group(falling);
    CHECK(mean_of(fell, "with_fit") < mean_of(fell, "with_0"));
    CHECK(mean_of(fell, "with_fit") <= mean_of(fell, "with_1"));
    CHECK(fell.at("connectors").as_string() == "up to 150000 W");
    CHECK_FALSE(fell.at("explains_little").as_bool());
    const auto text = falling.to_json();
    const std::string config{text.at("configuration").as_object().at("AAA").as_string()};
    CHECK(config.find("[[coefficient]]\nup_to_w = 150000\nb = \"") == 0);
}

TEST_CASE("classes of connectors are apart, and charges without meter data are counted",
          "[calibrate]") {
    Calibration calibration{{22'000}};
    const auto fast = charged({{60'000, 20}, {30'000, 10}});
    const auto slow = charged({{11'000, 30}, {5'000, 10}});
    calibration.add(charge_of(fast), fast);
    calibration.add(charge_of(slow, 11'000), slow);
    calibration.add(charge_of(slow, 11'000), {});
    const auto answer = calibration.to_json();
    CHECK(answer.at("groups").as_array().size() == 2);
    CHECK(answer.at("charges").as_uint64() == 3);
    CHECK(answer.at("without_samples").as_uint64() == 1);
    const auto& first = answer.at("groups").as_array().at(0).as_object();
    CHECK(first.at("connectors").as_string() == "up to 22000 W");
    std::uint64_t moments{0};
    for (const auto& decile : first.at("with_0").as_object().at("by_progress").as_array()) {
        moments += decile.as_object().at("moments").to_number<std::uint64_t>();
    }
    CHECK(moments == first.at("moments").to_number<std::uint64_t>());
    CHECK_FALSE(calibration.is_empty());
    CHECK(Calibration{{}}.is_empty());
}

TEST_CASE("samples are read as OCPP 1.6 and 2.0.1 carry them", "[calibrate]") {
    const auto samples = find_samples({
        R"([2,"1","StartTransaction",{"connectorId":1,"idTag":"X","meterStart":1000,)"
        R"("timestamp":"2025-06-01T00:00:00Z"}])",
        R"([2,"2","MeterValues",{"connectorId":1,"meterValue":[)"
        R"({"timestamp":"2025-06-01T00:01:00Z","sampledValue":[)"
        R"({"value":"1.5","unit":"kWh"},{"value":"7","measurand":"SoC"}]}]}])",
        R"([2,"3","MeterValues",{"meterValue":[)"
        R"({"timestamp":"2025-06-01T00:02:00Z","sampledValue":[)"
        R"({"value":"900","phase":"L1"},{"value":"800","location":"Inlet"},)"
        R"({"value":"700","format":"SignedData"},{"value":"x"},)"
        R"({"value":"1600","measurand":"Energy.Active.Import.Register"}]}]}])",
        R"([2,"4","TransactionEvent",{"timestamp":"2025-06-01T00:03:00Z","meterValue":[)"
        R"({"timestamp":"2025-06-01T00:03:00Z","sampledValue":[{"value":1.7,)"
        R"("unitOfMeasure":{"unit":"Wh","multiplier":3}}]}]}])",
        R"([2,"5","StopTransaction",{"meterStop":1800,"timestamp":"2025-06-01T00:04:00Z",)"
        R"("transactionData":[)"
        R"({"timestamp":"2025-06-01T00:03:30Z","sampledValue":[{"value":"1750"}]}]}])",
        "no json",
        "[]",
        R"([2,"6","MeterValues",{"meterValue":[7,{"timestamp":"never"}]}])",
    });
    std::vector<std::int64_t> registers;
    for (const MeterSample& sample : samples) {
        registers.push_back(sample.register_wh);
    }
    CHECK(registers == std::vector<std::int64_t>{1'000, 1'500, 1'600, 1'700, 1'750, 1'800});
    CHECK(samples.back().time - samples.front().time == 240'000);
}

TEST_CASE("settled charges are read from a ledger's segments", "[calibrate]") {
    fixture::ForgedLedger ledger;
    ledger.write();
    FolderSegmentSource source{ledger.files(), "segments"};
    std::vector<SettledCharge> charges;
    const auto take = [&](const SettledCharge& charge) { charges.push_back(charge); };
    const auto count = for_settled_charges(source, ledger.genesis().chain_id(), take);
    REQUIRE(count);
    CHECK(*count == charges.size());
    REQUIRE_FALSE(charges.empty());
    for (const SettledCharge& charge : charges) {
        CHECK(charge.rated_power_w == rated_w);
        CHECK(charge.rated_amount > 0);
        const auto rating = rate(charge.tariff, charge.metered.readings);
        CHECK(rating->total() == charge.rated_amount);
    }
    CHECK_FALSE(for_settled_charges(source, Hash{}, take));  // of another chain
    FolderSegmentSource nowhere{ledger.files(), "nowhere"};
    const auto none = for_settled_charges(nowhere, ledger.genesis().chain_id(), take);
    CHECK((!none || *none == 0));
}

}  // namespace tally::tools
