// Charges of OCPP 2.0.1 as the acceptance list has them: what begins, pauses and ends them, what an
// operator does while they run, and whose cards may not. Through real sockets; the names of the
// cases are those of docs/protocol/ocpp201.md.

#include "charger_bridge/ocpp/time_text.h"
#include "tests/charger_bridge/called_charger.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

/// What a TransactionEvent says; `more` goes into the message, `info` into its transactionInfo.
struct Event {
    const char* kind;
    const char* trigger;
    std::string more;
    std::string info;
};

/// One transaction of a charger. Its registers begin where the one before ended.
class Transaction {
public:
    Transaction(Charger& charger, std::string name, int begin_wh = 0)
        : m_charger{charger}, m_name{std::move(name)}, m_begin_wh{begin_wh} {}
    json::object say(const Event& event) {
        const std::string info = event.info.empty() ? event.info : "," + event.info;
        const std::string more = event.more.empty() ? event.more : "," + event.more;
        return m_charger.ask("TransactionEvent", R"({"eventType":")" + std::string{event.kind} +
                                                     R"(","timestamp":")" + now_text() +
                                                     R"(","triggerReason":")" + event.trigger +
                                                     R"(","seqNo":)" + std::to_string(m_said++) +
                                                     R"(,"transactionInfo":{"transactionId":")" +
                                                     m_name + "\"" + info + "}" + more + "}");
    }
    /// The text of a meter value `wh` above the begin.
    [[nodiscard]] std::string reading(int wh, const char* context = "Transaction.Begin") const {
        return R"("meterValue":[{"timestamp":")" + now_text() + R"(","sampledValue":[{"value":)" +
               std::to_string(m_begin_wh + wh) + R"(,"context":")" + context + "\"}]}]";
    }

private:
    static std::string now_text() { return time_to_text(SystemClock{}.now()); }
    Charger& m_charger;
    std::string m_name;
    int m_begin_wh;
    int m_said{0};
};

std::string card(const std::string& id, const char* type = "ISO14443") {
    return R"("idToken":{"idToken":")" + id + R"(","type":")" + type + R"("})";
}

std::string evse(int id) { return R"("evse":{"id":)" + std::to_string(id) + "}"; }

std::string token_status(const json::object& answer) {
    const json::value* const info = answer.if_contains("idTokenInfo");
    return info != nullptr ? std::string{info->as_object().at("status").as_string()}
                           : std::string{};
}

/// Cable and card are there.
std::string begin(const Transaction& transaction, int connector, const std::string& id = "BBB-1") {
    return card(id) + "," + evse(connector) + "," + transaction.reading(0);
}

std::size_t orphan_count(Harness& site) {
    std::size_t count = 0;
    site.on_loop([&] { count = site.bridge().core().orphans().all().size(); });
    return count;
}

/// The number of notices with `action` that the operator can read.
std::size_t notice_count(Harness& site, const std::string& action) {
    std::size_t count = 0;
    site.on_loop([&] {
        for (const Notice& notice : site.bridge().notices().of("CP1")) {
            count += notice.action == action ? 1U : 0U;
        }
    });
    return count;
}

}  // namespace

TEST_CASE("2.0.1: what is reset or shut while it charges, charges until its station ends it") {
    struct Case {
        const char* cases;
        const char* action;
        const char* payload;
        const char* answer;
        const char* trigger;
        const char* reason;
    };
    const Case all[]{
        {"TC_B_21", "Reset", R"({"type":"OnIdle"})", R"({"status":"Scheduled"})", "StopAuthorized",
         "Local"},
        {"TC_B_22", "Reset", R"({"type":"Immediate"})", R"({"status":"Accepted"})", "ResetCommand",
         "ImmediateReset"},
        {"TC_B_26", "Reset", R"({"type":"OnIdle","evseId":1})", R"({"status":"Scheduled"})",
         "StopAuthorized", "Local"},
        {"TC_B_27", "Reset", R"({"type":"Immediate","evseId":1})", R"({"status":"Accepted"})",
         "ResetCommand", "ImmediateReset"},
        {"TC_G_11", "ChangeAvailability", R"({"operationalStatus":"Inoperative","evse":{"id":1}})",
         R"({"status":"Scheduled"})", "EVCommunicationLost", "EVDisconnected"},
        {"TC_G_14", "ChangeAvailability", R"({"operationalStatus":"Inoperative"})",
         R"({"status":"Scheduled"})", "StopAuthorized", "Local"},
        {"TC_G_17", "ChangeAvailability",
         R"({"operationalStatus":"Inoperative","evse":{"id":1,"connectorId":1}})",
         R"({"status":"Scheduled"})", "StopAuthorized", "Local"},
    };
    Harness site;
    Charger charger{site};
    charger.boot();
    std::size_t ended = 0;
    for (const Case& one : all) {
        CAPTURE(one.cases);
        Transaction transaction{charger, one.cases, static_cast<int>(ended) * 1'000};
        CHECK(token_status(transaction.say({"Started", "Authorized", begin(transaction, 1), {}})) ==
              "Accepted");
        const node::HttpResponse told = charger.call(one.action, one.payload, one.answer);
        CHECK(told.status == 200);
        CHECK(json::parse(told.body) == json::parse(one.answer));
        CHECK_FALSE(
            transaction
                .say({"Updated", "ChargingStateChanged", {}, R"("chargingState":"Charging")"})
                .contains("error"));
        CHECK(site.at_node<node::ChargeEnded>().size() == ended);
        CHECK_FALSE(transaction
                        .say({"Ended", one.trigger, transaction.reading(600, "Transaction.End"),
                              R"("stoppedReason":")" + std::string{one.reason} + "\""})
                        .contains("error"));
        const auto charges = site.at_node<node::ChargeEnded>();
        REQUIRE(charges.size() == ++ended);
        CHECK(charges.back().stop_reason == one.reason);
        const std::vector<MeterReading>& readings = charges.back().metered.readings;
        CHECK(readings.back().register_wh - readings.front().register_wh == 600);
        charger.boot();  // As after a reset; it is served at once.
    }
    CHECK(orphan_count(site) == 0);
}

TEST_CASE("2.0.1: an EVSE that was shut while it charged is shut for the node once it ended") {
    Harness site;
    Charger charger{site};
    charger.boot();
    Transaction transaction{charger, "TC_G_11"};
    transaction.say({"Started", "Authorized", begin(transaction, 1), {}});
    transaction.say({"Ended", "StopAuthorized", transaction.reading(1, "Transaction.End"), {}});
    const auto health = [&](const char* status) {
        CHECK(charger
                  .ask("StatusNotification",
                       R"({"timestamp":"2026-03-01T08:00:00Z","connectorStatus":")" +
                           std::string{status} + R"(","evseId":1,"connectorId":1})")
                  .empty());
        const node::StationState last = site.at_node<node::StationState>().back();
        const auto found =
            std::find_if(last.connectors.begin(), last.connectors.end(),
                         [](const node::ConnectorState& state) { return state.connector == 1; });
        REQUIRE(found != last.connectors.end());
        return std::string{node::to_text(found->health)};
    };
    CHECK(health("Available") == "available");
    CHECK(health("Unavailable") == "unavailable");
    CHECK(health("Available") == "available");  // TC_G_04
}

TEST_CASE("2.0.1: pauses and states of a charge change nothing, each way to end it ends it") {
    struct Case {
        const char* cases;
        Event pause;
        Event end;
    };
    const std::string lost{R"("chargingState":"EVConnected")"};
    const Case all[]{
        {"TC_E_07",
         {"Updated", "StopAuthorized", card("BBB-1"), R"("chargingState":"EVConnected")"},
         {"Ended", "StopAuthorized", {}, R"("stoppedReason":"Local")"}},
        {"TC_E_14",
         {"Updated", "ChargingStateChanged", {}, R"("chargingState":"SuspendedEVSE")"},
         {"Ended", "EVCommunicationLost", {}, R"("stoppedReason":"EVDisconnected")"}},
        {"TC_E_17",
         {"Updated", "EVCommunicationLost", {}, R"("chargingState":"Idle")"},
         {"Ended", "Deauthorized", {}, R"("stoppedReason":"EVDisconnected")"}},
        {"TC_E_20",
         {"Updated", "ChargingStateChanged", {}, R"("chargingState":"SuspendedEV")"},
         {"Ended", "EVCommunicationLost", {}, R"("stoppedReason":"EVDisconnected")"}},
        {"TC_E_22",
         {"Updated", "ChargingRateChanged", {}, R"("chargingState":"Charging")"},
         {"Ended",
          "ChargingStateChanged",
          {},
          R"("chargingState":"SuspendedEV","stoppedReason":"StoppedByEV")"}},
        {"TC_E_26",
         {"Updated", "EVCommunicationLost", {}, R"("chargingState":"Idle")"},
         {"Ended", "StopAuthorized", card("BBB-1"), R"("stoppedReason":"Local")"}},
        {"TC_E_19",
         {"Updated", "EVDetected", {}, R"("chargingState":"EVConnected")"},
         {"Ended", "EVDeparted", {}, R"("stoppedReason":"Other")"}},
        {"TC_E_38",
         {"Updated", "ChargingStateChanged", {}, R"("chargingState":"SuspendedEV")"},
         {"Ended", "StopAuthorized", {}, R"("stoppedReason":"Local")"}},
        {"TC_F_13",
         {"Updated", "Trigger", {}, R"("chargingState":"Charging")"},
         {"Ended", "RemoteStop", {}, R"("stoppedReason":"Remote")"}},
    };
    Harness site;
    Charger charger{site};
    charger.boot();
    std::size_t ended = 0;
    for (const Case& one : all) {
        CAPTURE(one.cases);
        Transaction transaction{charger, one.cases, static_cast<int>(ended) * 1'000};
        CHECK(token_status(transaction.say({"Started", "Authorized", begin(transaction, 1), {}})) ==
              "Accepted");
        const json::object paused = transaction.say(one.pause);
        CHECK_FALSE(paused.contains("error"));
        // A card is judged, and a pause is no reason to judge any.
        CHECK(token_status(paused) == (one.pause.more.empty() ? "" : "Accepted"));
        CHECK_FALSE(
            transaction
                .say({"Updated", "ChargingStateChanged", {}, R"("chargingState":"Charging")"})
                .contains("error"));
        CHECK(site.at_node<node::ChargeEnded>().size() == ended);
        Event end = one.end;
        end.more += (end.more.empty() ? "" : ",") + transaction.reading(400, "Transaction.End");
        CHECK_FALSE(transaction.say(end).contains("error"));
        const auto charges = site.at_node<node::ChargeEnded>();
        REQUIRE(charges.size() == ++ended);
        CHECK(end.info.find(charges.back().stop_reason) != std::string::npos);
        const std::vector<MeterReading>& readings = charges.back().metered.readings;
        CHECK(readings.back().register_wh - readings.front().register_wh == 400);
    }
    CHECK(site.at_node<node::ChargeStarted>().size() == ended);
    CHECK(orphan_count(site) == 0);
}

TEST_CASE("2.0.1: started from afar, then the cable; with and without a swipe of its own") {
    Harness site;
    Charger charger{site};
    charger.boot();
    const std::string remote = card("BBB-1", "Central");
    CHECK(charger
              .call("RequestStartTransaction", "{" + remote + R"(,"remoteStartId":5,"evseId":1})",
                    R"({"status":"Accepted"})")
              .status == 200);
    SECTION("TC_F_02: the station asks about the token first") {
        CHECK(token_status(charger.ask("Authorize", "{" + remote + "}")) == "Accepted");
    }
    SECTION("TC_F_03: it does not") {}
    Transaction transaction{charger, "T-1"};
    CHECK(token_status(transaction.say(
              {"Started", "RemoteStart", remote, R"("remoteStartId":5)"})) == "Accepted");
    CHECK(site.at_node<node::ChargeStarted>().empty());
    CHECK_FALSE(transaction
                    .say({"Updated", "CablePluggedIn", evse(1) + "," + transaction.reading(0),
                          R"("chargingState":"EVConnected")"})
                    .contains("error"));
    CHECK(site.at_node<node::ChargeStarted>().size() == 1);
    CHECK(site.at_node<node::AuthorizeRequest>().size() == 1);
    transaction.say({"Ended", "RemoteStop", transaction.reading(10, "Transaction.End"), {}});
    CHECK(site.at_node<node::ChargeEnded>().size() == 1);
}

TEST_CASE("2.0.1: nobody plugs in: no charge, nothing kept, and the approval goes back") {
    const char* const trigger = GENERATE("Authorized", "RemoteStart");  // TC_E_39, TC_F_04
    Harness site;
    Charger charger{site};
    charger.boot();
    Transaction transaction{charger, "T-1"};
    CHECK(token_status(transaction.say({"Started", trigger, card("BBB-1"), {}})) == "Accepted");
    const json::object ended =
        transaction.say({"Ended", "EVConnectTimeout", {}, R"("stoppedReason":"Timeout")"});
    CHECK_FALSE(ended.contains("error"));
    CHECK(site.at_node<node::ChargeStarted>().empty());
    CHECK(orphan_count(site) == 0);

    Site core;
    CHECK(core.report(ReportKind::started, {"T-1", 0, 0, "BBB-1", {}, {}})->status ==
          TagStatus::accepted);
    CHECK(core.report(ReportKind::ended, {"T-1", 1, 0, {}, {}, {}}));
    core.pass(6min);
    CHECK(core.durable_of<node::ApprovalUnused>().size() == 1);
    CHECK(core.durable_of<node::ChargeStarted>().empty());
}

TEST_CASE("2.0.1: a card that the station knew begins a charge, or is told why it may not") {
    struct Case {
        const char* cases;
        const char* token;
        const char* status;
    };
    // None of them asks first: the station's cache, or its list, has let them in.
    const Case all[]{{"TC_C_08", "BBB-1", "Accepted"},
                     {"TC_C_02, TC_C_20", "04A1B2C3", "Unknown"},
                     {"TC_C_06", "BBB-BLOCKED", "Blocked"},
                     {"TC_C_07", "BBB-EXPIRED", "Expired"},
                     {"TC_E_16", "BBB-OTHER", "Invalid"}};
    int begin_wh = 0;
    Harness site;
    Charger charger{site};
    charger.boot();
    for (const Case& one : all) {
        CAPTURE(one.cases);
        const bool is_good = std::string{one.status} == "Accepted";
        const std::size_t started = site.at_node<node::ChargeStarted>().size();
        if (!is_good) {
            const std::string asked = "{" + card(one.token) + "}";
            CHECK(token_status(charger.ask("Authorize", asked)) == one.status);
        }
        Transaction transaction{charger, one.token, begin_wh};
        const json::object answer =
            transaction.say({"Started", "Authorized", begin(transaction, 1, one.token), {}});
        CHECK(token_status(answer) == one.status);
        CHECK(site.at_node<node::ChargeStarted>().size() == started + (is_good ? 1U : 0U));
        // The station deauthorizes it, before any energy flows.
        CHECK_FALSE(transaction
                        .say({"Ended", "Deauthorized", transaction.reading(0, "Transaction.End"),
                              R"("stoppedReason":"DeAuthorized")"})
                        .contains("error"));
    }
    CHECK(site.at_node<node::ChargeEnded>().size() == 1);
}

TEST_CASE("2.0.1: a master pass ends all charges of a station, or the one that is chosen") {
    Harness site{{"api-token", ""}, [](BridgeConfig& config) {
                     config.master = {{"STAFF-1"}, "MASTERS"};
                 }};
    Charger charger{site};
    charger.boot();
    Transaction first{charger, "T-1"};
    Transaction second{charger, "T-2"};
    CHECK(token_status(first.say({"Started", "Authorized", begin(first, 1), {}})) == "Accepted");
    CHECK(token_status(second.say({"Started", "Authorized", begin(second, 2, "BBB-2"), {}})) ==
          "Accepted");
    const json::object pass = charger.ask("Authorize", "{" + card("STAFF-1") + "}");
    CHECK(pass.at("idTokenInfo").at("groupIdToken").at("idToken").as_string() == "MASTERS");
    const auto end = [](Transaction& transaction) {
        CHECK(token_status(transaction.say(
                  {"Ended", "StopAuthorized",
                   card("STAFF-1") + "," + transaction.reading(30, "Transaction.End"),
                   R"("stoppedReason":"MasterPass")"})) == "Accepted");
    };
    end(second);
    const auto chosen = site.at_node<node::ChargeEnded>();
    REQUIRE(chosen.size() == 1);  // TC_C_48: the other one goes on.
    CHECK(chosen[0].stop_reason == "MasterPass");
    CHECK(first.say({"Updated", "MeterValuePeriodic", first.reading(20, "Sample.Periodic"), {}})
              .at("totalCost")
              .to_number<double>() > 0);
    end(first);  // TC_C_47, TC_C_49: all of them.
    const auto all = site.at_node<node::ChargeEnded>();
    REQUIRE(all.size() == 2);
    CHECK(all[0].session != all[1].session);
    CHECK(orphan_count(site) == 0);
}

TEST_CASE("2.0.1: clock-aligned readings are samples of the charge that runs, and of no other") {
    Harness site;
    Charger charger{site};
    charger.boot();
    Transaction transaction{charger, "T-1", 500};
    // TC_J_01: the meter of an idle EVSE.
    CHECK(
        charger.ask("MeterValues", "{\"evseId\":1," + transaction.reading(-1, "Sample.Clock") + "}")
            .empty());
    transaction.say({"Started", "Authorized", begin(transaction, 1), {}});
    // TC_J_02, TC_J_03
    CHECK(transaction
              .say({"Updated", "MeterValueClock", transaction.reading(500, "Sample.Clock"), {}})
              .at("totalCost")
              .to_number<double>() == 0.6);
    const std::string at_clock = transaction.reading(700, "Sample.Clock");
    const std::string at_end = transaction.reading(1'000, "Transaction.End");
    const std::string both =
        at_clock.substr(0, at_clock.size() - 1) + "," + at_end.substr(at_end.find('[') + 1);
    transaction.say({"Ended", "StopAuthorized", both, {}});
    const auto charges = site.at_node<node::ChargeEnded>();
    REQUIRE(charges.size() == 1);
    CHECK(charges[0].metered.readings.front().register_wh == 500);
    CHECK(charges[0].metered.readings.back().register_wh == 1'500);
}

TEST_CASE("2.0.1: every state of an update, a log and a customer's report is taken and kept") {
    Harness site;
    Charger charger{site};
    charger.boot();
    const auto states = [&](const std::string& action, const std::vector<std::string>& all) {
        for (const std::string& state : all) {
            CAPTURE(action, state);
            CHECK(charger.ask(action, R"({"status":")" + state + R"(","requestId":7})").empty());
        }
        CHECK(notice_count(site, action) == all.size());
    };
    // TC_L_01 to TC_L_03 and TC_L_06 to TC_L_09
    states("FirmwareStatusNotification",
           {"DownloadScheduled", "Downloading", "Downloaded", "DownloadPaused", "DownloadFailed",
            "SignatureVerified", "InvalidSignature", "InstallScheduled", "Installing",
            "InstallRebooting", "Installed", "InstallationFailed", "InstallVerificationFailed"});
    // TC_N_25, TC_N_35, TC_N_36
    states("LogStatusNotification",
           {"Uploading", "Uploaded", "UploadFailure", "AcceptedCanceled", "PermissionDenied"});
    // TC_F_15, TC_F_18: nothing is under way, so no request is named.
    CHECK(charger.ask("LogStatusNotification", R"({"status":"Idle"})").empty());
    CHECK(charger.ask("FirmwareStatusNotification", R"({"status":"Idle"})").empty());
    // TC_L_04 to TC_L_06
    for (const char* const type :
         {"InvalidFirmwareSigningCertificate", "InvalidFirmwareSignature"}) {
        CHECK(charger
                  .ask("SecurityEventNotification", R"({"type":")" + std::string{type} +
                                                        R"(","timestamp":"2026-03-01T08:00:00Z"})")
                  .empty());
    }
    CHECK(notice_count(site, "SecurityEventNotification") == 2);
    // TC_N_36: the second request for a log ends the first.
    const std::string log{R"("log":{"remoteLocation":"https://x"}})"};
    charger.call("GetLog", R"({"logType":"DiagnosticsLog","requestId":1,)" + log,
                 R"({"status":"Accepted","filename":"a"})");
    CHECK(charger
              .call("GetLog", R"({"logType":"DiagnosticsLog","requestId":2,)" + log,
                    R"({"status":"AcceptedCanceled","filename":"b"})")
              .body == R"({"status":"AcceptedCanceled","filename":"b"})");
}

}  // namespace tally::bridge::test
