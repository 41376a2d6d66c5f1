// The shapes of OCPP 1.6 payloads: what is accepted, and which code a wrong one gets.

#include "charger_bridge/ocpp/schema.h"

#include "charger_bridge/ocpp/schema_texts.h"
#include "charger_bridge/ocpp/v16/translation.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

namespace tally::bridge {

namespace {

std::optional<ErrorCode> code_of(const char* action, const std::string& payload,
                                 Direction direction = Direction::request) {
    const auto violation = v16::translation().find_violation(
        action, direction, boost::json::parse(payload).get_object());
    return violation ? std::optional{violation->code} : std::nullopt;
}

constexpr auto type = ErrorCode::type_constraint_violation;
constexpr auto occurence = ErrorCode::occurence_constraint_violation;
constexpr auto property = ErrorCode::property_constraint_violation;

}  // namespace

TEST_CASE("every action has a schema for both directions") {
    std::size_t actions = 0;
    for (const SchemaText& text : schema_texts_v16()) {
        actions += v16::translation().is_known_action(text.name) ? 1U : 0U;
    }
    CHECK(actions == 39);
    CHECK(schema_texts_v16().size() == 78);
    CHECK_FALSE(v16::translation().is_known_action("TransactionEvent"));
    CHECK_FALSE(v16::translation().is_known_action("AuthorizeResponse"));
}

TEST_CASE("payloads of the specification are accepted") {
    struct Sample {
        const char* action;
        const char* payload;
    };
    const Sample samples[]{
        {"Authorize", R"({"idTag":"B4A63CDF"})"},
        {"BootNotification",
         R"({"chargePointVendor":"VendorX","chargePointModel":"SingleSocketCharger",
             "firmwareVersion":"1.0","meterSerialNumber":"1"})"},
        {"Heartbeat", "{}"},
        {"StatusNotification",
         R"({"connectorId":0,"errorCode":"NoError","status":"Available",
             "timestamp":"2026-03-01T08:00:00Z"})"},
        {"StartTransaction",
         R"({"connectorId":1,"idTag":"B4A63CDF","meterStart":0,
             "timestamp":"2026-03-01T08:00:00Z"})"},
        {"MeterValues",
         R"({"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"2026-03-01T08:00:00Z",
             "sampledValue":[{"value":"10"},{"value":"7.5","unit":"kW",
             "measurand":"Power.Active.Import","context":"Sample.Periodic"}]}]})"},
        {"StopTransaction",
         R"({"transactionId":7,"meterStop":100,"timestamp":"2026-03-01T08:00:00Z",
             "reason":"EVDisconnected","transactionData":[]})"},
        {"DataTransfer", R"({"vendorId":"tally","messageId":"Prepaid","data":"{}"})"},
        {"FirmwareStatusNotification", R"({"status":"Installed"})"},
        {"DiagnosticsStatusNotification", R"({"status":"Idle"})"},
    };
    for (const Sample& sample : samples) {
        INFO(sample.action);
        CHECK_FALSE(code_of(sample.action, sample.payload));
    }
}

TEST_CASE("wrong payloads get the code that OCPP has for the rule they break") {
    CHECK(code_of("Authorize", "{}") == occurence);
    CHECK(code_of("Authorize", R"({"idTag":7})") == type);
    CHECK(code_of("Authorize", R"({"idTag":"123456789012345678901"})") == property);
    CHECK(code_of("Authorize", R"({"idTag":"a","more":1})") == occurence);
    CHECK(code_of("Heartbeat", R"({"a":1})") == occurence);
    CHECK(code_of("StatusNotification",
                  R"({"connectorId":1,"errorCode":"NoError","status":"Sleeping"})") == property);
    CHECK(code_of("StartTransaction",
                  R"({"connectorId":1,"idTag":"a","meterStart":null,"timestamp":"t"})") == type);
    CHECK(code_of("StartTransaction",
                  R"({"connectorId":1,"idTag":"a","meterStart":1.5,"timestamp":"t"})") == type);
    CHECK(code_of("StartTransaction",
                  R"({"connectorId":0,"idTag":"a","meterStart":1,"timestamp":"t"})") == property);
    CHECK(code_of("MeterValues",
                  R"({"connectorId":1,"meterValue":[{"timestamp":"t","sampledValue":[{}]}]})") ==
          occurence);
    CHECK(code_of("MeterValues",
                  R"({"connectorId":1,"meterValue":[{"timestamp":"t",
                      "sampledValue":[{"value":10}]}]})") == type);
    CHECK(code_of("MeterValues", R"({"connectorId":1,"meterValue":[]})") == occurence);
    CHECK(code_of("StopTransaction",
                  R"({"transactionId":1,"meterStop":1,"timestamp":"t","reason":"Because"})") ==
          property);
}

TEST_CASE("responses are checked too") {
    constexpr auto response = Direction::response;
    CHECK_FALSE(code_of("RemoteStopTransaction", R"({"status":"Accepted"})", response));
    CHECK(code_of("RemoteStopTransaction", R"({"status":"Maybe"})", response) == property);
    CHECK(code_of("RemoteStopTransaction", "{}", response) == occurence);
    CHECK_FALSE(code_of("GetConfiguration",
                        R"({"configurationKey":[{"key":"a","readonly":true,"value":"1"}],
                            "unknownKey":["b"]})",
                        response));
    CHECK(code_of("GetConfiguration", R"({"configurationKey":[{"key":"a","readonly":"true"}]})",
                  response) == type);
    CHECK_FALSE(code_of("StartTransaction",
                        R"({"transactionId":1,"idTagInfo":{"status":"Accepted"}})", response));
    CHECK(code_of("StartTransaction", R"({"transactionId":0,"idTagInfo":{"status":"Accepted"}})",
                  response) == property);
}

TEST_CASE("a violation names the field") {
    const auto violation = v16::translation().find_violation(
        "Authorize", Direction::request, boost::json::parse(R"({"idTag":7})").get_object());
    REQUIRE(violation);
    CHECK(violation->what.find("idTag") != std::string::npos);
}

}  // namespace tally::bridge
