// The bridge as the central system of chargers that speak OCPP 2.0.1, and of 1.6 with all that a
// site may call: through real sockets and the site's API. Names of the cases are those of the
// acceptance list (docs/protocol/ocpp201.md).

#include "charger_bridge/ocpp/frame.h"
#include "charger_bridge/ocpp/time_text.h"
#include "tests/charger_bridge/called_charger.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

namespace tally::bridge::test {

namespace {

struct Passed {
    const char* cases;
    const char* action;
    const char* payload;
    const char* answer;
};

void pass_all(Charger& charger, const std::vector<Passed>& all) {
    for (const Passed& one : all) {
        CAPTURE(one.cases, one.action);
        const node::HttpResponse response = charger.call(one.action, one.payload, one.answer);
        CHECK(response.status == 200);
        CHECK(json::parse(response.body) == json::parse(one.answer));
    }
}

std::string time_now() { return time_to_text(SystemClock{}.now()); }

std::string event(const char* kind, int sequence, const std::string& more) {
    return R"({"eventType":")" + std::string{kind} + R"(","timestamp":")" + time_now() +
           R"(","triggerReason":"Authorized","seqNo":)" + std::to_string(sequence) +
           R"(,"transactionInfo":{"transactionId":"T-1"})" + more + "}";
}

std::string reading(int wh) {
    return R"(,"meterValue":[{"timestamp":")" + time_now() + R"(","sampledValue":[{"value":)" +
           std::to_string(wh) + "}]}]";
}

constexpr const char* token{R"(,"idToken":{"idToken":"BBB-1","type":"ISO14443"})"};

}  // namespace

TEST_CASE("2.0.1: provisioning commands pass to the charger and back") {
    Harness site;
    Charger charger{site};
    charger.boot();
    pass_all(
        charger,
        {{"TC_B_06", "GetVariables",
          R"({"getVariableData":[{"component":{"name":"OCPPCommCtrlr"},
             "variable":{"name":"OfflineThreshold"}}]})",
          R"({"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"9",
             "component":{"name":"OCPPCommCtrlr"},"variable":{"name":"OfflineThreshold"}}]})"},
         {"TC_B_07", "GetVariables",
          R"({"getVariableData":[{"component":{"name":"a"},"variable":{"name":"b"}},
             {"component":{"name":"c"},"variable":{"name":"d"}}]})",
          R"({"getVariableResult":[{"attributeStatus":"UnknownComponent","component":{"name":"a"},
             "variable":{"name":"b"}},{"attributeStatus":"Rejected","component":{"name":"c"},
             "variable":{"name":"d"}}]})"},
         {"TC_B_09", "SetVariables",
          R"({"setVariableData":[{"attributeValue":"1","component":{"name":"a"},
             "variable":{"name":"b"}}]})",
          R"({"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"a"},
             "variable":{"name":"b"}}]})"},
         {"TC_B_10", "SetVariables",
          R"({"setVariableData":[{"attributeValue":"1","component":{"name":"a"},
             "variable":{"name":"b"}},{"attributeValue":"2","component":{"name":"a"},
             "variable":{"name":"c"}}]})",
          R"({"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"a"},
             "variable":{"name":"b"}},{"attributeStatus":"RebootRequired","component":{"name":"a"},
             "variable":{"name":"c"}}]})"},
         {"TC_B_12", "GetBaseReport", R"({"requestId":1,"reportBase":"ConfigurationInventory"})",
          R"({"status":"Accepted"})"},
         {"TC_B_13", "GetBaseReport", R"({"requestId":2,"reportBase":"FullInventory"})",
          R"({"status":"Accepted"})"},
         {"TC_B_20", "Reset", R"({"type":"OnIdle"})", R"({"status":"Accepted"})"},
         {"at once", "Reset", R"({"type":"Immediate"})", R"({"status":"Accepted"})"},
         {"TC_B_25", "Reset", R"({"type":"OnIdle","evseId":1})", R"({"status":"Accepted"})"},
         {"of an EVSE at once", "Reset", R"({"type":"Immediate","evseId":1})",
          R"({"status":"Accepted"})"},
         {"TC_B_42", "SetNetworkProfile",
          R"({"configurationSlot":1,"connectionData":{"ocppVersion":"OCPP20","ocppTransport":"JSON",
             "ocppCsmsUrl":"wss://x","messageTimeout":30,"securityProfile":2,
             "ocppInterface":"Wired0"}})",
          R"({"status":"Accepted"})"},
         {"TC_B_44", "SetNetworkProfile",
          R"({"configurationSlot":1,"connectionData":{"ocppVersion":"OCPP20","ocppTransport":"JSON",
             "ocppCsmsUrl":"wss://x","messageTimeout":30,"securityProfile":2,
             "ocppInterface":"Wired0"}})",
          R"({"status":"Failed"})"}});
}

TEST_CASE("2.0.1: commands of authorization, transactions and control pass to the charger") {
    Harness site;
    Charger charger{site};
    charger.boot();
    pass_all(
        charger,
        {{"TC_C_37", "ClearCache", "{}", R"({"status":"Accepted"})"},
         {"TC_C_38", "ClearCache", "{}", R"({"status":"Rejected"})"},
         {"TC_E_29", "GetTransactionStatus", R"({"transactionId":"T-1"})",
          R"({"ongoingIndicator":true,"messagesInQueue":true})"},
         {"TC_E_30", "GetTransactionStatus", R"({"transactionId":"T-1"})",
          R"({"ongoingIndicator":true,"messagesInQueue":false})"},
         {"TC_E_31", "GetTransactionStatus", R"({"transactionId":"T-1"})",
          R"({"ongoingIndicator":false,"messagesInQueue":true})"},
         {"TC_E_33", "GetTransactionStatus", "{}", R"({"messagesInQueue":true})"},
         {"TC_E_34", "GetTransactionStatus", "{}", R"({"messagesInQueue":false})"},
         {"TC_F_01 to TC_F_04", "RequestStartTransaction",
          R"({"idToken":{"idToken":"BBB-1","type":"Central"},"remoteStartId":5,"evseId":1})",
          R"({"status":"Accepted","transactionId":"T-7"})"},
         {"TC_E_21", "RequestStopTransaction", R"({"transactionId":"T-7"})",
          R"({"status":"Accepted"})"},
         {"TC_F_06", "UnlockConnector", R"({"evseId":1,"connectorId":1})",
          R"({"status":"Unlocked"})"},
         {"TC_F_11", "TriggerMessage", R"({"requestedMessage":"MeterValues","evse":{"id":1}})",
          R"({"status":"Accepted"})"},
         {"TC_F_12", "TriggerMessage", R"({"requestedMessage":"MeterValues"})",
          R"({"status":"Accepted"})"},
         {"TC_F_13", "TriggerMessage", R"({"requestedMessage":"TransactionEvent","evse":{"id":1}})",
          R"({"status":"Accepted"})"},
         {"TC_F_14", "TriggerMessage", R"({"requestedMessage":"TransactionEvent"})",
          R"({"status":"Accepted"})"},
         {"TC_F_15", "TriggerMessage", R"({"requestedMessage":"LogStatusNotification"})",
          R"({"status":"Accepted"})"},
         {"TC_F_18", "TriggerMessage", R"({"requestedMessage":"FirmwareStatusNotification"})",
          R"({"status":"Accepted"})"},
         {"TC_F_20", "TriggerMessage", R"({"requestedMessage":"Heartbeat"})",
          R"({"status":"Accepted"})"},
         {"TC_F_23, TC_F_24", "TriggerMessage",
          R"({"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}})",
          R"({"status":"Accepted"})"},
         {"TC_F_27", "TriggerMessage", R"({"requestedMessage":"SignCombinedCertificate"})",
          R"({"status":"NotImplemented"})"},
         {"TC_G_03", "ChangeAvailability", R"({"operationalStatus":"Inoperative","evse":{"id":1}})",
          R"({"status":"Accepted"})"},
         {"TC_G_04", "ChangeAvailability", R"({"operationalStatus":"Operative","evse":{"id":1}})",
          R"({"status":"Accepted"})"},
         {"TC_G_05", "ChangeAvailability", R"({"operationalStatus":"Inoperative"})",
          R"({"status":"Accepted"})"},
         {"TC_G_06", "ChangeAvailability", R"({"operationalStatus":"Operative"})",
          R"({"status":"Accepted"})"},
         {"TC_G_07", "ChangeAvailability",
          R"({"operationalStatus":"Inoperative","evse":{"id":1,"connectorId":1}})",
          R"({"status":"Accepted"})"},
         {"TC_G_08", "ChangeAvailability",
          R"({"operationalStatus":"Operative","evse":{"id":1,"connectorId":1}})",
          R"({"status":"Accepted"})"},
         {"local list", "SendLocalList",
          R"({"versionNumber":3,"updateType":"Full","localAuthorizationList":[{"idToken":
             {"idToken":"BBB-1","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}]})",
          R"({"status":"Accepted"})"},
         {"local list", "GetLocalListVersion", "{}", R"({"versionNumber":3})"}});
}

TEST_CASE("2.0.1: commands for firmware, certificates, logs and customers pass to the charger") {
    Harness site;
    Charger charger{site};
    charger.boot();
    const char* const firmware{R"({"requestId":7,"firmware":{"location":"https://x/f",
        "retrieveDateTime":"2026-03-01T08:00:00Z","signingCertificate":"c","signature":"s"}})"};
    const char* const hash{R"({"certificateHashData":{"hashAlgorithm":"SHA256",
        "issuerNameHash":"a","issuerKeyHash":"b","serialNumber":"1"}})"};
    pass_all(charger,
             {{"TC_L_01 to TC_L_03, TC_L_06 to TC_L_09, TC_L_13", "UpdateFirmware", firmware,
               R"({"status":"Accepted"})"},
              {"TC_L_04", "UpdateFirmware", firmware, R"({"status":"RevokedCertificate"})"},
              {"TC_L_05", "UpdateFirmware", firmware, R"({"status":"InvalidCertificate"})"},
              {"TC_L_10", "UpdateFirmware", firmware, R"({"status":"AcceptedCanceled"})"},
              {"TC_L_11", "UpdateFirmware", firmware, R"({"status":"Rejected"})"},
              {"TC_M_01", "InstallCertificate",
               R"({"certificateType":"CSMSRootCertificate","certificate":"c"})",
               R"({"status":"Accepted"})"},
              {"TC_M_02", "InstallCertificate",
               R"({"certificateType":"ManufacturerRootCertificate","certificate":"c"})",
               R"({"status":"Accepted"})"},
              {"TC_M_05", "InstallCertificate",
               R"({"certificateType":"CSMSRootCertificate","certificate":"c"})",
               R"({"status":"Failed"})"},
              {"TC_M_13", "GetInstalledCertificateIds",
               R"({"certificateType":["ManufacturerRootCertificate"]})",
               R"({"status":"Accepted","certificateHashDataChain":[{"certificateType":
             "ManufacturerRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256",
             "issuerNameHash":"a","issuerKeyHash":"b","serialNumber":"1"}}]})"},
              {"TC_M_18", "GetInstalledCertificateIds", "{}", R"({"status":"Accepted"})"},
              {"TC_M_19", "GetInstalledCertificateIds",
               R"({"certificateType":["CSMSRootCertificate"]})", R"({"status":"NotFound"})"},
              {"TC_M_20", "DeleteCertificate", hash, R"({"status":"Accepted"})"},
              {"TC_M_21", "DeleteCertificate", hash, R"({"status":"Failed"})"},
              {"TC_N_25", "GetLog",
               R"({"logType":"DiagnosticsLog","requestId":1,"log":{"remoteLocation":"https://x"}})",
               R"({"status":"Accepted","filename":"f"})"},
              {"TC_N_35", "GetLog",
               R"({"logType":"SecurityLog","requestId":2,"log":{"remoteLocation":"https://x"}})",
               R"({"status":"Accepted","filename":"f"})"},
              {"TC_N_34", "GetLog",
               R"({"logType":"SecurityLog","requestId":3,"log":{"remoteLocation":"https://x"}})",
               R"({"status":"Rejected"})"},
              {"TC_N_27, TC_N_28", "CustomerInformation",
               R"({"requestId":1,"report":true,"clear":false,"idToken":{"idToken":"BBB-1",
             "type":"ISO14443"}})",
               R"({"status":"Accepted"})"},
              {"TC_N_29", "CustomerInformation", R"({"requestId":1,"report":true,"clear":false})",
               R"({"status":"Invalid"})"},
              {"TC_N_30, TC_N_31", "CustomerInformation",
               R"({"requestId":2,"report":true,"clear":true,"idToken":{"idToken":"BBB-1",
             "type":"ISO14443"}})",
               R"({"status":"Accepted"})"},
              {"TC_N_32", "CustomerInformation",
               R"({"requestId":3,"report":false,"clear":true,"idToken":{"idToken":"BBB-1",
             "type":"ISO14443"}})",
               R"({"status":"Accepted"})"},
              {"TC_N_62", "CustomerInformation",
               R"({"requestId":4,"report":true,"clear":true,"customerIdentifier":"Jane"})",
               R"({"status":"Accepted"})"}});
}

TEST_CASE("2.0.1: reports of the charger are acknowledged and kept for the operator") {
    Harness site;
    Charger charger{site};
    CHECK(charger.ask("Heartbeat", "{}").at("error").as_string() == "SecurityError");
    charger.boot();
    CHECK(charger.ask("Heartbeat", "{}").contains("currentTime"));
    const std::string time = R"("2026-03-01T08:00:00Z")";
    const std::vector<std::pair<std::string, std::string>> reports{
        {"MeterValues", R"({"evseId":1)" + reading(5) + "}"},
        {"NotifyReport", R"({"requestId":1,"generatedAt":)" + time + R"(,"seqNo":0})"},
        {"NotifyEvent", R"({"generatedAt":)" + time + R"(,"seqNo":0,"eventData":[{"eventId":1,
            "timestamp":)" + time +
                            R"(,"trigger":"Alerting","actualValue":"true",
            "eventNotificationType":"HardWiredNotification",
            "component":{"name":"ConnectorPlugRetentionLock","evse":{"id":1,"connectorId":1}},
            "variable":{"name":"Problem"}}]})"},
        {"NotifyCustomerInformation",
         R"({"data":"x","requestId":1,"seqNo":0,"generatedAt":)" + time + "}"},
        {"SecurityEventNotification",
         R"({"type":"TamperDetectionActivated","timestamp":)" + time + "}"},
        {"LogStatusNotification", R"({"status":"Uploaded","requestId":1})"},
        {"FirmwareStatusNotification", R"({"status":"Installed","requestId":7})"},
        {"FirmwareStatusNotification", R"({"status":"InstallationFailed","requestId":7})"},
    };
    for (const auto& [action, payload] : reports) {
        CAPTURE(action);
        CHECK(charger.ask(action, payload).empty());
    }
    node::HttpRequest request;
    request.method = "GET";
    request.path = "/api/v1/chargers/CP1/notices";
    request.bearer_token = "api-token";
    const json::array items = json::parse(site.api(request).body).at("items").as_array();
    REQUIRE(items.size() == reports.size() - 1);  // Meter values are no notice.
    CHECK(items[1].at("action").as_string() == "NotifyEvent");
    CHECK(items[3].at("text").as_string().find("TamperDetectionActivated") != json::string::npos);
}

TEST_CASE("2.0.1: DataTransfer and customData") {
    Harness site;
    Charger charger{site};
    charger.boot();
    CHECK(charger.ask("DataTransfer", R"({"vendorId":"else","data":{"a":[1]}})").at("status") ==
          "UnknownVendorId");
    CHECK(
        charger.ask("DataTransfer", R"({"vendorId":"tally","messageId":"Nothing"})").at("status") ==
        "UnknownMessageId");
    CHECK(charger.ask("DataTransfer", R"({"vendorId":"tally","messageId":"Prepaid","data":"x"})")
              .at("status") == "Rejected");
    CHECK(charger.ask("Heartbeat", R"({"customData":{"vendorId":"v","anything":{"b":1}}})")
              .contains("currentTime"));
    CHECK(charger.ask("Heartbeat", R"({"other":1})").at("error") ==
          "OccurrenceConstraintViolation");
}

TEST_CASE("2.0.1: a whole charge, its costs, and the answers to cards that may not") {
    Harness site;
    Charger charger{site};
    charger.boot();
    const auto status = [](const json::object& answer) {
        return std::string{answer.at("idTokenInfo").at("status").as_string()};
    };
    const auto card = [](const char* id) {
        return R"({"idToken":{"idToken":")" + std::string{id} + R"(","type":"ISO14443"}})";
    };
    CHECK(status(charger.ask("Authorize", card("BBB-POOR"))) == "NoCredit");
    CHECK(status(charger.ask("Authorize", card("04A1B2C3"))) == "Unknown");
    CHECK(status(charger.ask("Authorize", card("BBB-1"))) == "Accepted");
    const json::object started = charger.ask(
        "TransactionEvent",
        event("Started", 0,
              R"(,"evse":{"id":1,"connectorId":1})" + std::string{token} + reading(100)));
    CHECK(status(started) == "Accepted");
    const json::object running = charger.ask("TransactionEvent", event("Updated", 1, reading(600)));
    CHECK(running.at("totalCost").to_number<double>() == 0.6);
    // CostUpdated comes as well; it waits in the client.
    CHECK(charger.client().next_call().find(R"("CostUpdated")") != std::string::npos);
    CHECK(charger.ask("MeterValues", R"({"evseId":1)" + reading(610) + "}").empty());
    const json::object ended =
        charger.ask("TransactionEvent", event("Ended", 2, std::string{token} + reading(1'100)));
    CHECK(status(ended) == "Accepted");
    CHECK(ended.at("totalCost").to_number<double>() == 1.2);
    const auto charges = site.at_node<node::ChargeEnded>();
    REQUIRE(charges.size() == 1);
    CHECK(charges[0].metered.readings.front().register_wh == 100);
    CHECK(charges[0].metered.readings.back().register_wh == 1'100);
}

TEST_CASE("a charger may come back with the other version") {
    Harness site;
    {
        Charger charger{site, "ocpp1.6"};
        charger.boot_16();
        CHECK(charger
                  .ask("StartTransaction", R"({"connectorId":1,"idTag":"BBB-1","meterStart":0,
            "timestamp":")" + time_now() + R"("})")
                  .contains("transactionId"));
    }
    Charger charger{site, "ocpp2.0.1"};
    charger.boot();
    CHECK(charger.ask("StartTransaction", "{}").at("error") == "NotImplemented");
    charger.ask("TransactionEvent",
                event("Started", 0, R"(,"evse":{"id":1})" + std::string{token} + reading(500)));
    CHECK(site.at_node<node::ChargeStarted>().size() == 2);
}

TEST_CASE("1.6: everything a site may call passes to the charger and back") {
    Harness site;
    Charger charger{site, "ocpp1.6"};
    charger.boot_16();
    const char* const profile{R"({"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,
        "stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile",
        "chargingProfileKind":"Absolute","chargingSchedule":{"chargingRateUnit":"W",
        "chargingSchedulePeriod":[{"startPeriod":0,"limit":11000.1}]}}})"};
    pass_all(
        charger,
        {{"", "RemoteStartTransaction", R"({"idTag":"BBB-1"})", R"({"status":"Accepted"})"},
         {"", "RemoteStopTransaction", R"({"transactionId":1})", R"({"status":"Rejected"})"},
         {"", "Reset", R"({"type":"Hard"})", R"({"status":"Accepted"})"},
         {"", "UnlockConnector", R"({"connectorId":1})", R"({"status":"Unlocked"})"},
         {"", "ChangeAvailability", R"({"connectorId":0,"type":"Inoperative"})",
          R"({"status":"Scheduled"})"},
         {"", "ReserveNow",
          R"({"connectorId":1,"expiryDate":"2026-03-01T08:00:00Z","idTag":"BBB-1",
             "reservationId":4})",
          R"({"status":"Occupied"})"},
         {"", "CancelReservation", R"({"reservationId":4})", R"({"status":"Accepted"})"},
         {"", "SendLocalList",
          R"({"listVersion":2,"updateType":"Differential","localAuthorizationList":[
             {"idTag":"BBB-1","idTagInfo":{"status":"Accepted"}}]})",
          R"({"status":"Accepted"})"},
         {"", "GetLocalListVersion", "{}", R"({"listVersion":2})"},
         {"", "ClearCache", "{}", R"({"status":"Accepted"})"},
         {"", "SetChargingProfile", profile, R"({"status":"Accepted"})"},
         {"", "ClearChargingProfile", R"({"id":1})", R"({"status":"Unknown"})"},
         {"", "GetCompositeSchedule", R"({"connectorId":1,"duration":60})",
          R"({"status":"Rejected"})"},
         {"", "GetDiagnostics", R"({"location":"ftp://x"})", R"({"fileName":"f"})"},
         {"", "UpdateFirmware", R"({"location":"ftp://x","retrieveDate":"2026-03-01T08:00:00Z"})",
          "{}"},
         {"", "GetConfiguration", "{}", R"({"unknownKey":[]})"},
         {"", "ChangeConfiguration", R"({"key":"a","value":"b"})",
          R"({"status":"RebootRequired"})"},
         {"", "TriggerMessage", R"({"requestedMessage":"Heartbeat"})", R"({"status":"Accepted"})"},
         {"", "DataTransfer", R"({"vendorId":"x"})", R"({"status":"UnknownVendorId"})"},
         {"", "ExtendedTriggerMessage", R"({"requestedMessage":"LogStatusNotification"})",
          R"({"status":"Accepted"})"},
         {"", "GetLog",
          R"({"logType":"SecurityLog","requestId":1,"log":{"remoteLocation":"https://x"}})",
          R"({"status":"Accepted"})"},
         {"", "SignedUpdateFirmware",
          R"({"requestId":1,"firmware":{"location":"https://x","retrieveDateTime":
             "2026-03-01T08:00:00Z","signingCertificate":"c","signature":"s"}})",
          R"({"status":"InvalidCertificate"})"},
         {"", "CertificateSigned", R"({"certificateChain":"c"})", R"({"status":"Accepted"})"},
         {"", "InstallCertificate",
          R"({"certificateType":"CentralSystemRootCertificate","certificate":"c"})",
          R"({"status":"Accepted"})"},
         {"", "GetInstalledCertificateIds", R"({"certificateType":"CentralSystemRootCertificate"})",
          R"({"status":"NotFound"})"},
         {"", "DeleteCertificate",
          R"({"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a",
             "issuerKeyHash":"b","serialNumber":"1"}})",
          R"({"status":"NotFound"})"}});
    for (const auto& [action, payload] : std::vector<std::pair<std::string, std::string>>{
             {"DiagnosticsStatusNotification", R"({"status":"Uploaded"})"},
             {"FirmwareStatusNotification", R"({"status":"Installed"})"},
             {"LogStatusNotification", R"({"status":"Uploading","requestId":1})"},
             {"SecurityEventNotification",
              R"({"type":"InvalidFirmwareSignature","timestamp":"2026-03-01T08:00:00Z"})"},
             {"SignedFirmwareStatusNotification", R"({"status":"Installed","requestId":1})"}}) {
        CAPTURE(action);
        CHECK(charger.ask(action, payload).empty());
    }
    CHECK(charger.ask("SignCertificate", R"({"csr":"x"})").at("status") == "Rejected");
}

TEST_CASE("what the charger's version does not know, or breaks its schema, never leaves the site") {
    Harness site;
    Charger charger{site};
    charger.boot();
    for (const char* const body :
         {R"({"action":"RemoteStartTransaction","payload":{"idTag":"BBB-1"}})",
          R"({"action":"TransactionEvent","payload":{}})", R"({"action":"FlyToTheMoon"})",
          R"({"payload":{}})", R"({"action":"Reset","payload":{"type":"Hard"}})",
          R"({"action":"Reset"})", R"(x)"}) {
        CAPTURE(body);
        CHECK(charger.refused(body).status == 400);
    }
    CHECK(charger.refused(R"({"action":"Reset","payload":{"type":"Hard"}})").body.find("type") !=
          std::string::npos);
}

}  // namespace tally::bridge::test
