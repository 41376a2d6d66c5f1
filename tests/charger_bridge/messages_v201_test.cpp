// What is read out of OCPP 2.0.1 payloads, and that every answer of ours fits its schema.

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/peer.h"
#include "charger_bridge/ocpp/schema_texts.h"
#include "charger_bridge/ocpp/v16/translation.h"
#include "charger_bridge/ocpp/v201/messages.h"
#include "charger_bridge/ocpp/v201/translation.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <cmath>

namespace tally::bridge::v201 {

namespace {

PeerOutput receive(Peer& peer, const std::string& action, const std::string& payload) {
    return peer.receive(R"([2,"x",")" + action + R"(",)" + payload + "]");
}

const std::string event{R"({"eventType":"Updated","timestamp":"2026-03-01T08:00:00Z",
    "triggerReason":"MeterValuePeriodic","seqNo":3,"offline":true,
    "transactionInfo":{"transactionId":"ab-1","stoppedReason":"Local"},
    "evse":{"id":2,"connectorId":1},"idToken":{"idToken":"BBB-1","type":"ISO14443"},
    "meterValue":[{"timestamp":"2026-03-01T08:00:00Z","sampledValue":[
      {"value":99.5,"measurand":"Energy.Active.Import.Register","phase":"L1"},
      {"value":1234.567,"unitOfMeasure":{"unit":"kWh"},"context":"Transaction.Begin"},
      {"value":7.4,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W","multiplier":3}},
      {"value":1,"measurand":"SoC","signedMeterValue":{"signedMeterData":"T0NNRnx7fXx7fQ==",
        "signingMethod":"ECDSA","encodingMethod":"OCMF","publicKey":"QUI="}}]}]})"};

}  // namespace

TEST_CASE("a TransactionEvent becomes a report") {
    Peer peer{true, 1, translation()};
    const PeerOutput output = receive(peer, "TransactionEvent", event);
    CHECK(output.refused.empty());
    REQUIRE(output.request);
    const auto& report = std::get<ReportFacts>(output.request->body);
    CHECK(report.kind == ReportKind::updated);
    CHECK(report.transaction == "ab-1");
    CHECK(report.sequence == 3);
    CHECK(report.connector == 2);
    CHECK(report.token == "BBB-1");
    CHECK(report.offline);
    CHECK(report.time == 1'772'352'000'000);
    CHECK(report.reason == "Local");
    REQUIRE(report.samples.size() == 1);
    CHECK(report.samples[0].register_wh == 1'234'567);
    CHECK(report.samples[0].power_w == 7'400);
    CHECK(report.samples[0].context == ReadingContext::begin);
    const SignedReading reading{"OCMF|{}|{}", "OCMF", "QUI=", ReadingContext::other};
    CHECK(report.samples[0].signed_readings == std::vector{reading});
}

TEST_CASE("sampled numbers become whole Wh, exactly where decimal texts would be exact") {
    CHECK(whole_of(1234.567, {"kWh", 0}, "Wh", "kWh") == 1'234'567);
    CHECK(whole_of(0.1 + 0.2, {"kWh", 0}, "Wh", "kWh") == 300);
    CHECK(whole_of(1234.9, {"", 0}, "Wh", "kWh") == 1'234);
    CHECK(whole_of(12, {"Wh", 3}, "Wh", "kWh") == 12'000);
    CHECK(whole_of(12'345, {"Wh", -1}, "Wh", "kWh") == 1'234);
    CHECK(whole_of(999'999'999.999, {"kWh", 0}, "Wh", "kWh") == 999'999'999'999);
    CHECK_FALSE(whole_of(-1, {"Wh", 0}, "Wh", "kWh"));
    CHECK_FALSE(whole_of(1, {"A", 0}, "Wh", "kWh"));
    CHECK_FALSE(whole_of(1, {"Wh", 10}, "Wh", "kWh"));
    CHECK_FALSE(whole_of(1e18, {"Wh", 0}, "Wh", "kWh"));
    CHECK_FALSE(whole_of(std::nan(""), {"Wh", 0}, "Wh", "kWh"));
}

TEST_CASE("a TransactionEvent that breaks its schema is passed on when it says what is billed") {
    Peer peer{true, 1, translation()};
    const PeerOutput output = receive(peer, "TransactionEvent",
                                      R"({"eventType":"Ended","timestamp":"soon","seqNo":9,
        "triggerReason":"Vendor","transactionInfo":{"transactionId":"a","x":1},"meterValue":[3,
        {"sampledValue":[{"value":"7"},{"value":8}]}]})");
    CHECK_FALSE(output.refused.empty());
    REQUIRE(output.request);
    const auto& report = std::get<ReportFacts>(output.request->body);
    CHECK(report.kind == ReportKind::ended);
    CHECK_FALSE(report.time);
    CHECK(report.samples.at(0).register_wh == 8);
}

TEST_CASE("a TransactionEvent without a time is taken") {
    Peer peer{true, 1, translation()};
    const PeerOutput output = receive(peer, "TransactionEvent", R"({"eventType":"Ended","seqNo":9,
        "triggerReason":"EVDeparted","transactionInfo":{"transactionId":"a"}})");
    CHECK_FALSE(output.refused.empty());
    REQUIRE(output.request);
    CHECK_FALSE(std::get<ReportFacts>(output.request->body).time);
}

TEST_CASE("a TransactionEvent that does not say of which transaction it is, is refused") {
    for (const char* const payload :
         {R"({"eventType":"Ended","timestamp":"x","seqNo":9,"transactionInfo":{}})",
          R"({"eventType":"Ended","timestamp":"x","transactionInfo":{"transactionId":"a"}})",
          R"({"eventType":"Paused","timestamp":"x","seqNo":1,
              "transactionInfo":{"transactionId":"a"}})",
          R"({"eventType":"Ended","timestamp":"x","seqNo":-1,
              "transactionInfo":{"transactionId":"a"}})",
          R"({"eventType":"Ended","timestamp":"x","seqNo":1,
              "transactionInfo":{"transactionId":"1234567890123456789012345678901234567"}})",
          R"({"eventType":"Ended","timestamp":"x","seqNo":1,"evse":{"id":70000},
              "transactionInfo":{"transactionId":"a"}})"}) {
        CAPTURE(payload);
        Peer peer{true, 1, translation()};
        const PeerOutput output = receive(peer, "TransactionEvent", payload);
        CHECK_FALSE(output.request);
        REQUIRE(output.send.size() == 1);
        CHECK(output.send[0].find(R"([4,"x",)") == 0);
    }
}

TEST_CASE("2.0.1 spells its error codes its own way") {
    const auto code_of = [](const std::string& text) {
        Peer peer{true, 1, translation()};
        const Frame frame = *parse_frame(peer.receive(text).send.at(0));
        return std::get<CallError>(frame).code;
    };
    CHECK(code_of("}{") == ErrorCode::rpc_framework_error);
    CHECK(code_of(R"([9,"x","Heartbeat",{}])") == ErrorCode::message_type_not_supported);
    CHECK(code_of(R"([2,"x","Heartbeat"])") == ErrorCode::format_violation);
    CHECK(code_of(R"([2,"x","Authorize",{}])") == ErrorCode::occurrence_constraint_violation);
    CHECK(code_of(R"([2,"x","StartTransaction",{}])") == ErrorCode::not_implemented);
    CHECK(code_of(R"([2,"x","ClearCache",{}])") == ErrorCode::not_supported);
}

TEST_CASE("Occupied is no reason to refuse the driver who plugged in") {
    Peer peer{true, 1, translation()};
    const PeerOutput output =
        receive(peer, "StatusNotification",
                R"({"timestamp":"2026-03-01T08:00:00Z","connectorStatus":"Occupied","evseId":1,
        "connectorId":1})");
    REQUIRE(output.request);
    CHECK(std::get<StatusFacts>(output.request->body).status == ConnectorStatus::preparing);
    CHECK(std::get<StatusFacts>(output.request->body).connector == 1);
}

TEST_CASE("every answer of ours fits its schema") {
    const Translation& spoken = translation();
    const auto fits = [&](const char* action, const boost::json::object& payload) {
        const auto violation = spoken.find_violation(action, Direction::response, payload);
        INFO(action << ": " << (violation ? violation->what : ""));
        CHECK_FALSE(violation);
    };
    const CallKey call{"CP1", "x"};
    fits("BootNotification", spoken.boot_answer({1'772'352'000'000, std::chrono::seconds{60}}));
    fits("Authorize", spoken.answer(AnswerAuthorize{call, TagStatus::accepted, {}}));
    for (const char* const reason :
         {"insufficient_balance", "unknown_token", "token_expired", "token_blocked", "x"}) {
        const AnswerAuthorize refused{call, TagStatus::blocked, reason};
        fits("Authorize", spoken.answer(refused));
        fits("TransactionEvent", spoken.answer(refused));
        fits("TransactionEvent", spoken.answer(AnswerStart{call, 7, TagStatus::invalid, reason}));
    }
    fits("TransactionEvent", spoken.answer(AnswerReport{call, {}, {}, 12'345}));
    fits("TransactionEvent", spoken.answer(AnswerReport{call, TagStatus::accepted, {}, {}}));
    fits("MeterValues", spoken.answer(AnswerMeterValues{call, 5}));
    for (const char* const action :
         {"NotifyReport", "NotifyEvent", "NotifyMonitoringReport", "NotifyCustomerInformation",
          "SecurityEventNotification", "LogStatusNotification", "FirmwareStatusNotification",
          "SignCertificate", "ReportChargingProfiles", "NotifyChargingLimit",
          "ClearedChargingLimit", "NotifyDisplayMessages", "ReservationStatusUpdate"}) {
        fits(action, spoken.notice_answer(action));
        CHECK(spoken.decode_request(action, {}));
    }
    const auto text = [](const boost::json::object& answer) {
        return std::string{answer.at("idTokenInfo").at("status").as_string()};
    };
    CHECK(text(spoken.answer(AnswerAuthorize{call, TagStatus::blocked, "insufficient_balance"})) ==
          "NoCredit");
    CHECK(text(spoken.answer(AnswerAuthorize{call, TagStatus::invalid, "unknown_token"})) ==
          "Unknown");
    CHECK(text(spoken.answer(AnswerAuthorize{call, TagStatus::blocked, "token_blocked"})) ==
          "Blocked");
    CHECK(text(spoken.answer(AnswerAuthorize{call, TagStatus::invalid, "token_expired"})) ==
          "Expired");
}

TEST_CASE("every command of ours fits its schema, in both versions") {
    for (const Translation* const spoken : {&v16::translation(), &translation()}) {
        std::vector<Command> commands{
            spoken->command(RemoteStop{"CP1", 7, "T"}),
            spoken->command(UnlockConnector{"CP1", 1}),
            spoken->command(ResetStation{"CP1"}),
            spoken->remote_start({"BBB-1", 1, 5}),
            spoken->remote_start({"BBB-1", 0, 5}),
            spoken->trigger("Heartbeat", 0),
            spoken->command(UpdateCost{"CP1", 7, "T", 12'345}).value(),
        };
        for (Command& trigger : spoken->trigger_status(20)) {
            commands.push_back(std::move(trigger));
        }
        if (auto ask = spoken->command(AskPending{"CP1", "T"})) {
            commands.push_back(std::move(*ask));
        }
        for (const Command& command : commands) {
            CAPTURE(command.action, spoken->sub_protocol());
            REQUIRE(spoken->is_known_action(command.action));
            CHECK(spoken->is_ours(command.action));
            CHECK_FALSE(
                spoken->find_violation(command.action, Direction::request, command.payload));
        }
    }
}

TEST_CASE("every schema of 2.0.1 can be read, and each action has both directions") {
    std::size_t actions = 0;
    for (const SchemaText& schema : schema_texts_v201()) {
        if (schema.name.ends_with("Response")) {
            continue;
        }
        ++actions;
        const std::string action{schema.name};
        CHECK(translation().is_known_action(action));
        static_cast<void>(translation().find_violation(action, Direction::request, {}));
        static_cast<void>(translation().find_violation(action, Direction::response, {}));
        CHECK((translation().is_ours(action) || translation().decode_request(action, {}) ||
               action == "BootNotification" || action == "StatusNotification" ||
               action == "MeterValues" || action == "TransactionEvent"));
    }
    CHECK(actions == 57);
    CHECK(schema_texts_v201().size() == 2 * actions);
}

TEST_CASE("limit: samples and signed texts of one TransactionEvent") {
    std::string values;
    for (std::size_t i = 0; i < samples_max + 10; ++i) {
        values += (i == 0 ? "" : ",") +
                  std::string{R"({"timestamp":"t","sampledValue":[{"value":1,"signedMeterValue":
            {"signedMeterData":"x","signingMethod":"","encodingMethod":"","publicKey":""}}]})"};
    }
    const auto body = decode_request(
        "MeterValues",
        boost::json::parse(R"({"evseId":1,"meterValue":[)" + values + "]}").get_object());
    REQUIRE(body);
    const auto& samples = std::get<ValuesFacts>(*body).samples;
    CHECK(samples.size() == samples_max);
    CHECK(samples.at(signed_readings_max - 1).signed_readings.size() == 1);
    CHECK(samples.at(signed_readings_max).signed_readings.empty());
}

}  // namespace tally::bridge::v201
