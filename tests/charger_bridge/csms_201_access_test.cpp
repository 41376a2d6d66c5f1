// Which stations the bridge serves, as the acceptance list of OCPP 2.0.1 has it: passwords,
// profiles and certificates that change, stations on hold, master passes. Through real sockets.

#include "charger_bridge/ocpp/time_text.h"
#include "ledger/crypto/sha256.h"
#include "tests/charger_bridge/called_charger.h"

#include <catch2/catch.hpp>
#include <openssl/evp.h>

namespace tally::bridge::test {

namespace {

const ApiTokens tokens{"api-token", ""};
constexpr const char* boot_text{
    R"({"reason":"PowerUp","chargingStation":{"model":"m","vendorName":"v"}})"};
constexpr const char* status_text{
    R"({"timestamp":"2026-03-01T08:00:00Z","connectorStatus":"Available","evseId":1,)"
    R"("connectorId":1})"};

node::HttpResponse request(Harness& site, const char* method, const std::string& path,
                           const std::string& body = {}) {
    node::HttpRequest asked;
    asked.method = method;
    asked.path = path;
    asked.body = body;
    asked.bearer_token = "api-token";
    return site.api(asked);
}

node::HttpResponse post(Harness& site, const std::string& verb, const std::string& body = "{}",
                        const std::string& station = "CP1") {
    return request(site, "POST", "/api/v1/chargers/" + station + "/" + verb, body);
}

std::string basic(const std::string& user, const std::string& password) {
    const std::string plain = user + ":" + password;
    std::string text(4 * ((plain.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(plain.data()),
                                     static_cast<int>(plain.size()));
    return "Basic " + text.substr(0, static_cast<std::size_t>(size));
}

/// The status line's code of a station's handshake in 2.0.1.
std::string shake(OcppClient& client, const std::string& station, const std::string& password) {
    OcppClient::Handshake handshake;
    handshake.path = "/ocpp/" + station;
    handshake.authorization = password.empty() ? std::string{} : basic(station, password);
    handshake.protocols = "ocpp2.0.1";
    const std::string head = client.shake(handshake);
    return head.size() > 12 ? head.substr(9, 3) : std::string{};
}

std::string knock(Harness& site, const std::string& password) {
    OcppClient client{site.port()};
    return shake(client, "CP1", password);
}

/// The next CALL to the charger, answered with `answer`.
Call answer_call(OcppClient& client, const std::string& answer) {
    const auto frame = parse_frame(client.next_call());
    REQUIRE(frame);
    const Call call = std::get<Call>(*frame);
    client.send(R"([3,")" + call.id + R"(",)" + answer + "]");
    return call;
}

std::string status_of(const json::object& answer) {
    const json::value* const status = answer.if_contains("status");
    return status != nullptr ? std::string{status->as_string()} : std::string{};
}

constexpr const char* hold_body{R"({"status":"Pending","by":"eve","reason":"not checked yet"})"};

/// Puts CP1 on hold while it is connected: it is asked to boot.
void hold(Harness& site, Charger& charger, const char* body) {
    REQUIRE(post(site, "hold", body).status == 200);
    const Call call = answer_call(charger.client(), R"({"status":"Accepted"})");
    CHECK(call.action == "TriggerMessage");
    CHECK(call.payload.at("requestedMessage").as_string() == "BootNotification");
}

}  // namespace

TEST_CASE("2.0.1: a new password counts once the station has it, a refused one never") {
    Harness site{tokens};
    Charger charger{site};
    charger.boot();
    const auto change = [&](const char* outcome) {
        auto response = std::async(std::launch::async, [&] { return post(site, "change-key"); });
        const Call call =
            answer_call(charger.client(),
                        std::string{R"({"setVariableResult":[{"attributeStatus":")"} + outcome +
                            R"(","component":{"name":"SecurityCtrlr"},)"
                            R"("variable":{"name":"BasicAuthPassword"}}]})");
        CHECK(response.get().status == 200);
        CHECK(call.action == "SetVariables");
        const json::object& data = call.payload.at("setVariableData").as_array().at(0).as_object();
        CHECK(data.at("variable").as_object().at("name").as_string() == "BasicAuthPassword");
        return std::string{data.at("attributeValue").as_string()};
    };
    const std::string refused = change("Rejected");
    CHECK(knock(site, refused) == "401");
    CHECK(knock(site, "secret") == "101");
    Charger again{site};
    again.boot();
    auto response = std::async(std::launch::async, [&] { return post(site, "change-key"); });
    const Call call = answer_call(
        again.client(),
        R"({"setVariableResult":[{"attributeStatus":"Accepted",)"
        R"("component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]})");
    CHECK(response.get().status == 200);
    const json::object& data = call.payload.at("setVariableData").as_array().at(0).as_object();
    const std::string taken{data.at("attributeValue").as_string()};
    CHECK(knock(site, taken) == "101");
    CHECK(knock(site, "secret") == "401");
}

TEST_CASE("2.0.1: a station on hold hears Pending or Rejected, and may only boot") {
    Harness site{tokens};
    for (const std::string status : {"Pending", "Rejected"}) {
        Charger charger{site};
        charger.boot();
        hold(site, charger,
             (R"({"status":")" + status + R"(","by":"eve","reason":"not checked"})").c_str());
        // Until it hears of it, what it says is taken.
        CHECK(charger.ask("Heartbeat", "{}").contains("currentTime"));
        const json::object booted = charger.ask("BootNotification", boot_text);
        CHECK(status_of(booted) == status);
        CHECK(booted.at("interval").as_int64() > 0);
        CHECK(charger.ask("Heartbeat", "{}").at("error").as_string() == "SecurityError");
        CHECK(charger.ask("StatusNotification", status_text).at("error").as_string() ==
              "SecurityError");
        // Also when it comes back.
        Charger again{site};
        CHECK(again.ask("Heartbeat", "{}").at("error").as_string() == "SecurityError");
        CHECK(status_of(again.ask("BootNotification", boot_text)) == status);
        const node::HttpResponse listed = request(site, "GET", "/api/v1/chargers");
        CHECK(listed.body.find(R"("held":{"status":")" + status + R"(","by":"eve")") !=
              std::string::npos);
        CHECK(post(site, "accept").status == 200);
        CHECK(post(site, "accept").status == 404);
    }
    CHECK(post(site, "hold", R"({"status":"Accepted","by":"e","reason":"r"})").status == 400);
    CHECK(post(site, "hold", R"({"status":"Pending","by":"eve"})").status == 400);
}

TEST_CASE("2.0.1: a station on hold says what it was asked for, and is accepted when it boots") {
    Harness site{tokens};
    Charger charger{site};
    charger.boot();
    hold(site, charger, hold_body);
    CHECK(status_of(charger.ask("BootNotification", boot_text)) == "Pending");
    CHECK(charger
              .call("TriggerMessage", R"({"requestedMessage":"StatusNotification",
                     "evse":{"id":1,"connectorId":1}})",
                    R"({"status":"Accepted"})")
              .status == 200);
    CHECK_FALSE(charger.ask("StatusNotification", status_text).contains("error"));
    CHECK(charger
              .call("GetBaseReport", R"({"requestId":1,"reportBase":"FullInventory"})",
                    R"({"status":"Accepted"})")
              .status == 200);
    CHECK_FALSE(charger
                    .ask("NotifyReport", R"({"requestId":1,"seqNo":0,)"
                                         R"("generatedAt":"2026-03-01T08:00:00Z"})")
                    .contains("error"));
    CHECK(charger.ask("Heartbeat", "{}").at("error").as_string() == "SecurityError");
    // It is not told to charge, and a rejected one is told nothing at all.
    CHECK(post(site, "remote-start", R"({"connector":1,"token":"BBB-1"})").status == 409);
    CHECK(post(site, "hold", R"({"status":"Rejected","by":"eve","reason":"r"})").status == 200);
    CHECK(answer_call(charger.client(), R"({"status":"Accepted"})").action == "TriggerMessage");
    CHECK(charger
              .refused(R"({"action":"GetBaseReport",)"
                       R"("payload":{"requestId":2,"reportBase":"FullInventory"}})")
              .status == 409);
    CHECK(charger
              .call("TriggerMessage", R"({"requestedMessage":"BootNotification"})",
                    R"({"status":"Accepted"})")
              .status == 200);
    // Accepted: it is asked to boot again.
    CHECK(post(site, "accept").status == 200);
    const Call asked = answer_call(charger.client(), R"({"status":"Accepted"})");
    CHECK(asked.payload.at("requestedMessage").as_string() == "BootNotification");
    CHECK(status_of(charger.ask("BootNotification", boot_text)) == "Accepted");
    CHECK(charger.ask("Heartbeat", "{}").contains("currentTime"));
}

TEST_CASE("2.0.1: a station that a rule lets in waits where the rule says so, or is forgotten") {
    Harness site{tokens, [](BridgeConfig& config) {
                     const std::string_view password{"shared"};
                     AdmitRule rule{*IdPattern::from_text("NEW-*"), 2, 1, {}, true};
                     rule.access.secret = Bytes{password.begin(), password.end()};
                     config.admit.push_back(rule);
                 }};
    const auto come = [&](OcppClient& client, const char* id) {
        return shake(client, id, "shared");
    };
    const auto boot = [](OcppClient& client) {
        const std::string text =
            client.ask("b", std::string{R"([2,"b","BootNotification",)"} + boot_text + "]");
        return text.find("Pending") != std::string::npos    ? "Pending"
               : text.find("Accepted") != std::string::npos ? "Accepted"
                                                            : "?";
    };
    OcppClient first{site.port()};
    REQUIRE(come(first, "NEW-1") == "101");
    CHECK(boot(first) == std::string{"Pending"});
    OcppClient second{site.port()};
    CHECK(come(second, "NEW-2") == "401");  // One is enough for the rule.
    CHECK(post(site, "accept", "{}", "NEW-1").status == 200);
    CHECK(boot(first) == std::string{"Accepted"});
    CHECK(post(site, "forget", "{}", "CP1").status == 409);
    CHECK(post(site, "forget", "{}", "NEW-1").status == 200);
    CHECK(first.is_closed());
    CHECK(post(site, "forget", "{}", "NEW-1").status == 404);
    OcppClient third{site.port()};
    CHECK(come(third, "NEW-2") == "101");
}

TEST_CASE("2.0.1: a station comes by a higher profile after it was told to") {
    const Identity authority = make_authority("AAA");
    const TempFolder folder;
    write_identity(folder, "ec", issue(authority, KeyKind::ec, {"AAA", "bridge", {}}));
    Harness site{tokens, [&](BridgeConfig& config) {
                     config.tls.certificates = {{folder.file("ec.crt"), folder.file("ec.key")}};
                     config.plain_listen = node::HostPort{"127.0.0.1", 0};
                 }};
    OcppClient plain{site.bridge().plain_port()};
    REQUIRE(shake(plain, "CP1", "secret") == "101");
    CHECK(plain.ask("b", std::string{R"([2,"b","BootNotification",)"} + boot_text + "]")
              .find("Accepted") != std::string::npos);
    const auto pass = [&](const std::string& action, const std::string& payload,
                          const std::string& answer) {
        auto response = std::async(std::launch::async, [&] {
            return post(site, "call",
                        R"({"action":")" + action + R"(","payload":)" + payload + "}");
        });
        CHECK(answer_call(plain, answer).action == action);
        CHECK(response.get().status == 200);
    };
    pass("SetNetworkProfile",
         R"({"configurationSlot":2,"connectionData":{"ocppVersion":"OCPP20",)"
         R"("ocppTransport":"JSON","ocppCsmsUrl":"wss://127.0.0.1/ocpp","messageTimeout":30,)"
         R"("securityProfile":2,"ocppInterface":"Wired0"}})",
         R"({"status":"Accepted"})");
    pass("SetVariables",
         R"({"setVariableData":[{"attributeValue":"2","component":{"name":"OCPPCommCtrlr"},)"
         R"("variable":{"name":"NetworkConfigurationPriority"}}]})",
         R"({"setVariableResult":[{"attributeStatus":"RebootRequired",)"
         R"("component":{"name":"OCPPCommCtrlr"},)"
         R"("variable":{"name":"NetworkConfigurationPriority"}}]})");
    pass("Reset", R"({"type":"OnIdle"})", R"({"status":"Accepted"})");
    const ClientTls settings;
    OcppClient encrypted{site.port()};
    REQUIRE(encrypted.secure(settings.context));
    CHECK(shake(encrypted, "CP1", "secret") == "101");
    CHECK(encrypted.ask("b", std::string{R"([2,"b","BootNotification",)"} + boot_text + "]")
              .find("Accepted") != std::string::npos);
}

TEST_CASE("2.0.1: a certificate that a station asks for is the operator's to make and send") {
    constexpr const char* sign{R"({"csr":"-----BEGIN CERTIFICATE REQUEST-----",)"
                               R"("certificateType":"ChargingStationCertificate"})"};
    {
        Harness site{tokens};
        Charger charger{site};
        charger.boot();
        CHECK(status_of(charger.ask("SignCertificate", sign)) == "Rejected");
    }
    Harness site{tokens, [](BridgeConfig& config) { config.takes_certificate_requests = true; }};
    Charger charger{site};
    charger.boot();
    CHECK(charger
              .call("TriggerMessage", R"({"requestedMessage":"SignChargingStationCertificate"})",
                    R"({"status":"Accepted"})")
              .status == 200);
    CHECK(status_of(charger.ask("SignCertificate", sign)) == "Accepted");
    const auto waiting = [&] {
        const auto answer = request(site, "GET", "/api/v1/certificate-requests");
        return json::parse(answer.body).as_object().at("items").as_array();
    };
    REQUIRE(waiting().size() == 1);
    const json::object item = waiting().at(0).as_object();
    CHECK(item.at("station").as_string() == "CP1");
    CHECK(item.at("type").as_string() == "ChargingStationCertificate");
    CHECK(item.at("csr").as_string() == "-----BEGIN CERTIFICATE REQUEST-----");
    // A certificate that the station refuses leaves the request open, one that it takes does not.
    const std::string chain{R"({"certificateChain":"-----BEGIN CERTIFICATE-----",)"
                            R"("certificateType":"ChargingStationCertificate"})"};
    CHECK(charger.call("CertificateSigned", chain, R"({"status":"Rejected"})").body ==
          R"({"status":"Rejected"})");
    CHECK_FALSE(charger
                    .ask("SecurityEventNotification",
                         R"({"type":"InvalidChargingStationCertificate",)"
                         R"("timestamp":"2026-03-01T08:00:00Z"})")
                    .contains("error"));
    CHECK(waiting().size() == 1);
    CHECK(charger.call("CertificateSigned", chain, R"({"status":"Accepted"})").body ==
          R"({"status":"Accepted"})");
    CHECK(waiting().empty());
}

TEST_CASE("2.0.1: a master pass stops the charge of another card, and begins none") {
    Harness site{tokens, [](BridgeConfig& config) { config.master = {{"STAFF-1"}, "MASTERS"}; }};
    Charger charger{site};
    charger.boot();
    constexpr const char* master{R"("idToken":{"idToken":"staff-1","type":"ISO14443"})"};
    const auto event = [&](const std::string& name, const char* kind, int sequence,
                           const std::string& more) {
        return charger.ask(
            "TransactionEvent",
            R"({"eventType":")" + std::string{kind} + R"(","timestamp":")" +
                time_to_text(SystemClock{}.now()) + R"(","triggerReason":"Authorized","seqNo":)" +
                std::to_string(sequence) + R"(,"transactionInfo":{"transactionId":")" + name +
                "\"}" + more + "}");
    };
    const auto is_master_pass = [](const json::object& answer) {
        const json::object& info = answer.at("idTokenInfo").as_object();
        const json::value* const group = info.if_contains("groupIdToken");
        return info.at("status").as_string() == "Accepted" && group != nullptr &&
               group->as_object().at("idToken").as_string() == "MASTERS";
    };
    const json::object started =
        event("T-1", "Started", 0,
              R"(,"idToken":{"idToken":"BBB-1","type":"ISO14443"},"evse":{"id":1},)"
              R"("meterValue":[{"timestamp":"2026-03-01T08:00:00Z",)"
              R"("sampledValue":[{"value":1000}]}])");
    CHECK(started.at("idTokenInfo").as_object().at("status").as_string() == "Accepted");
    CHECK(is_master_pass(charger.ask("Authorize", std::string{"{"} + master + "}")));
    CHECK(site.at_node<node::AuthorizeRequest>().size() == 1);
    const std::string end{R"(,"meterValue":[{"timestamp":"2026-03-01T08:00:00Z",)"
                          R"("sampledValue":[{"value":1000}]}])"};
    CHECK(is_master_pass(event("T-1", "Ended", 1, std::string{","} + master + end)));
    CHECK(site.at_node<node::ChargeEnded>().size() == 1);
    // With a cable and no other card it begins nothing.
    CHECK(is_master_pass(event("T-2", "Started", 0, std::string{R"(,"evse":{"id":1},)"} + master)));
    CHECK(site.at_node<node::AuthorizeRequest>().size() == 1);
    CHECK(site.at_node<node::ChargeStarted>().size() == 1);
}

TEST_CASE("1.6: a master pass stops what runs at the charger, and is accepted for nothing") {
    Harness site{tokens, [](BridgeConfig& config) { config.master = {{"STAFF-1"}, "MASTERS"}; }};
    Charger charger{site, "ocpp1.6"};
    charger.boot_16();
    const auto start = [&](const char* tag, int meter) {
        return charger.ask("StartTransaction", R"({"connectorId":1,"idTag":")" + std::string{tag} +
                                                   R"(","meterStart":)" + std::to_string(meter) +
                                                   R"(,"timestamp":")" +
                                                   time_to_text(SystemClock{}.now()) + "\"}");
    };
    const auto status = [](const json::object& answer) {
        return answer.at("idTagInfo").as_object().at("status").as_string();
    };
    REQUIRE(status(charger.ask("Authorize", R"({"idTag":"BBB-1"})")) == "Accepted");
    const json::object started = start("BBB-1", 1'000);
    REQUIRE(status(started) == "Accepted");
    CHECK(status(charger.ask("Authorize", R"({"idTag":"staff-1"})")) == "Blocked");
    const Call call = answer_call(charger.client(), R"({"status":"Accepted"})");
    CHECK(call.action == "RemoteStopTransaction");
    CHECK(call.payload.at("transactionId") == started.at("transactionId"));
    CHECK(status(start("STAFF-1", 5'000)) == "Invalid");
    CHECK(site.at_node<node::AuthorizeRequest>().size() == 1);
}

}  // namespace tally::bridge::test
