// What is read out of OCPP payloads: energy texts, times, samples.

#include "charger_bridge/ocpp/v16/messages.h"

#include "charger_bridge/ocpp/time_text.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

namespace tally::bridge::v16 {

namespace {

template <typename Body>
Body decode(const std::string& action, const std::string& payload) {
    const auto body = decode_request(action, boost::json::parse(payload).get_object());
    REQUIRE(body);
    return std::get<Body>(*body);
}

}  // namespace

TEST_CASE("energy texts become whole Wh") {
    CHECK(energy_from_text("1234", "") == 1'234);
    CHECK(energy_from_text("1234.9", "Wh") == 1'234);
    CHECK(energy_from_text("1.2345", "kWh") == 1'234);
    CHECK(energy_from_text("7", "kWh") == 7'000);
    CHECK(energy_from_text("0.05", "kWh") == 50);
    CHECK(energy_from_text("5.", "kWh") == 5'000);
    CHECK(energy_from_text("999999999999", "kWh") == 999'999'999'999'000);
    for (const char* const wrong : {"", ".", ".5", "-1", "+1", "1e3", "1,5", "1.2.3", "NaN", "abc",
                                    " 1", "1 ", "9999999999999"}) {
        INFO(wrong);
        CHECK_FALSE(energy_from_text(wrong, "Wh"));
    }
    CHECK_FALSE(energy_from_text("1", "W"));
}

TEST_CASE("times of chargers are read, with and without zone and fraction") {
    CHECK(time_from_text("2026-03-01T08:00:00Z") == 1'772'352'000'000);
    CHECK(time_from_text("2026-03-01T08:00:00.5Z") == 1'772'352'000'500);
    CHECK(time_from_text("2026-03-01T16:00:00.123456+08:00") == 1'772'352'000'123);
    CHECK(time_from_text("2026-03-01T06:30:00-0130") == 1'772'352'000'000);
    CHECK(time_from_text("2026-03-01T08:00:00") == 1'772'352'000'000);
    CHECK(time_from_text("1970-01-01T00:00:00Z") == 0);
    CHECK(time_from_text("2028-02-29T00:00:00Z"));
    for (const char* const wrong :
         {"", "now", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z",
          "2026-03-01T08:00:00.Z", "2026-03-01T08:00Z", "2026-03-01T08:00:00+15:00",
          "2026-03-01T08:00:00Zx", "1969-12-31T23:59:59Z", "26-03-01T08:00:00Z"}) {
        INFO(wrong);
        CHECK_FALSE(time_from_text(wrong));
    }
    CHECK(time_to_text(1'772'352'000'123) == "2026-03-01T08:00:00.123Z");
}

TEST_CASE("of the sampled values only the outlet's import register counts") {
    const auto values = decode<ValuesFacts>("MeterValues", R"({"connectorId":1,"transactionId":5,
        "meterValue":[
         {"timestamp":"2026-03-01T08:00:00Z","sampledValue":[
           {"value":"50","measurand":"SoC"},{"value":"1","phase":"L1"},
           {"value":"99","location":"EV"},{"value":"1.5","unit":"kWh","location":"Outlet"}]},
         {"timestamp":"2026-03-01T08:01:00Z","sampledValue":[{"value":"{}","format":"SignedData"}]},
         {"timestamp":"x","sampledValue":[{"value":"1600"}]}]})");
    CHECK(values.transaction == TransactionName{5});
    REQUIRE(values.samples.size() == 3);
    CHECK(values.samples[0].register_wh == 1'500);
    CHECK(values.samples[0].time == 1'772'352'000'000);
    CHECK_FALSE(values.samples[1].register_wh);
    CHECK(values.samples[1].signed_readings.at(0).text == "{}");
    CHECK(values.samples[2].register_wh == 1'600);
    CHECK_FALSE(values.samples[2].time);
}

TEST_CASE("signed texts and power ride in the samples") {
    // base64 of "OCMF|{}|{}"; the charger puts JSON text into a text.
    const auto stop = decode<StopFacts>("StopTransaction", R"({"transactionId":5,"meterStop":9,
        "timestamp":"2026-03-01T08:00:00Z","transactionData":[
         {"timestamp":"2026-03-01T08:00:00Z","sampledValue":[
           {"format":"SignedData","context":"Transaction.Begin","value":
  "{\"signedMeterData\":\"T0NNRnx7fXx7fQ==\",\"encodingMethod\":\"OCMF\",\"publicKey\":\"QUI=\"}"},
           {"value":"7","measurand":"Energy.Active.Import.Register"},
           {"value":"7.361","unit":"kW","measurand":"Power.Active.Import"}]},
         {"timestamp":"2026-03-01T08:10:00Z","sampledValue":[
           {"format":"SignedData","context":"Transaction.End","value":"OCMF|{}|{}"}]}]})");
    REQUIRE(stop.samples.size() == 2);
    const SignedReading begin{"OCMF|{}|{}", "OCMF", "QUI=", ReadingContext::begin};
    CHECK(stop.samples[0].signed_readings == std::vector{begin});
    CHECK(stop.samples[0].register_wh == 7);
    CHECK(stop.samples[0].power_w == 7'361);
    const SignedReading end{"OCMF|{}|{}", "", "", ReadingContext::end};
    CHECK(stop.samples[1].signed_readings == std::vector{end});
    CHECK_FALSE(stop.samples[1].register_wh);
}

TEST_CASE("limit: the signed texts of one message") {
    std::string payload = R"({"connectorId":1,"meterValue":[{"timestamp":"t","sampledValue":[)";
    for (std::size_t i = 0; i < signed_readings_max + 2; ++i) {
        payload += i == 0 ? "" : ",";
        payload += R"({"value":"x","format":"SignedData"})";
    }
    const auto values = decode<ValuesFacts>("MeterValues", payload + "]}]}");
    CHECK(values.samples.at(0).signed_readings.size() == signed_readings_max);
}

TEST_CASE("limit: the samples of one message") {
    std::string payload = R"({"connectorId":1,"meterValue":[)";
    for (std::size_t i = 0; i < samples_max + 10; ++i) {
        payload += i == 0 ? "" : ",";
        payload += R"({"timestamp":"t","sampledValue":[{"value":"1"}]})";
    }
    CHECK(decode<ValuesFacts>("MeterValues", payload + "]}").samples.size() == samples_max);
}

TEST_CASE("a stop without a reason is Local, an unreadable time is none") {
    const auto stop = decode<StopFacts>("StopTransaction",
                                        R"({"transactionId":-1,"meterStop":5,"timestamp":"soon"})");
    CHECK(stop.reason == "Local");
    CHECK(stop.transaction == TransactionName{-1});
    CHECK_FALSE(stop.time);
    CHECK(stop.timestamp == "soon");
}

TEST_CASE("numbers out of range are refused") {
    const auto decoded = [](const char* payload) {
        return decode_request("StatusNotification", boost::json::parse(payload).get_object());
    };
    CHECK_FALSE(decoded(R"({"connectorId":65536,"errorCode":"NoError","status":"Available"})"));
    CHECK_FALSE(decoded(
        R"({"connectorId":18446744073709551615,"errorCode":"NoError","status":"Faulted"})"));
    CHECK(decoded(R"({"connectorId":65535,"errorCode":"NoError","status":"Available"})"));
    CHECK_FALSE(decode_request("RemoteStopTransaction", {}));
}

}  // namespace tally::bridge::v16
