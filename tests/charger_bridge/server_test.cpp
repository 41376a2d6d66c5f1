// The whole bridge in one process: real sockets and HTTP, a store in memory, and the node played at
// the seam of its link.

#include "tests/charger_bridge/bridge_harness.h"
#include "tests/charger_bridge/ocpp_client.h"

#include <fstream>

namespace tally::bridge::test {

namespace {

constexpr const char* boot{
    R"([2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}])"};

void connect_and_boot(OcppClient& client, const std::string& path = "/ocpp/CP1",
                      const std::string& authorization = "Basic Q1AxOnNlY3JldA==") {
    OcppClient::Handshake handshake;
    handshake.path = path;
    handshake.authorization = authorization;
    REQUIRE(client.shake(handshake).starts_with("HTTP/1.1 101"));
    const std::string answer = client.ask("b", boot);
    REQUIRE(answer.find(R"("status":"Accepted")") != std::string::npos);
    REQUIRE(answer.find(R"("interval":60)") != std::string::npos);
}

std::string now_text() { return time_to_text(SystemClock{}.now()); }

}  // namespace

TEST_CASE("handshake: ocpp1.6 is chosen, compression is not") {
    Harness site;
    OcppClient client{site.port()};
    OcppClient::Handshake handshake;
    handshake.protocols = "ocpp2.1, ocpp1.6";
    const std::string head = client.shake(handshake);
    CHECK(head.starts_with("HTTP/1.1 101"));
    CHECK(head.find("Sec-WebSocket-Protocol: ocpp1.6\r\n") != std::string::npos);
    CHECK(head.find("deflate") == std::string::npos);
}

TEST_CASE("handshake: no common sub-protocol finishes without one and closes") {
    Harness site;
    for (const char* const offered : {"ocpp2.1", "", "OCPP1.6", "ocpp1.6x"}) {
        OcppClient client{site.port()};
        OcppClient::Handshake handshake;
        handshake.protocols = offered;
        const std::string head = client.shake(handshake);
        CHECK(head.starts_with("HTTP/1.1 101"));
        CHECK(head.find("Sec-WebSocket-Protocol") == std::string::npos);
        CHECK(client.is_closed());
    }
    CHECK(site.at_node<node::StationState>().size() == 2);  // of the start, nothing since
}

TEST_CASE("handshake: the same 401 for unknown stations and wrong passwords, 404 elsewhere") {
    Harness site;
    const auto head_of = [&](const char* path, const char* authorization) {
        OcppClient client{site.port()};
        OcppClient::Handshake handshake;
        handshake.path = path;
        handshake.authorization = authorization;
        return client.shake(handshake);
    };
    const std::string wrong = head_of("/ocpp/CP1", "Basic Q1AxOndyb25n");
    CHECK(wrong.starts_with("HTTP/1.1 401"));
    CHECK(head_of("/ocpp/NOBODY", "Basic Tk9CT0RZOnNlY3JldA==") == wrong);
    CHECK(head_of("/ocpp/CP1", "") == wrong);
    CHECK(head_of("/ocpp/CP2", "Basic Q1AxOnNlY3JldA==") == wrong);  // CP1's name at CP2's door
    CHECK(head_of("/ocpp/%zz", "Basic Q1AxOnNlY3JldA==") == wrong);
    CHECK(head_of("/ocpp/", "") == wrong);
    CHECK(head_of("/other/CP1", "Basic Q1AxOnNlY3JldA==").starts_with("HTTP/1.1 404"));
    CHECK(head_of("/ocpp/%43P1", "Basic Q1AxOnNlY3JldA==").starts_with("HTTP/1.1 101"));
}

TEST_CASE("handshake: plain HTTP and nonsense are turned away") {
    Harness site;
    OcppClient plain{site.port()};
    plain.write(
        "GET /ocpp/CP1 HTTP/1.1\r\nHost: a\r\nAuthorization: Basic Q1AxOnNlY3JldA==\r\n\r\n");
    CHECK(plain.is_closed());
    OcppClient nonsense{site.port()};
    nonsense.write(std::string(20'000, 'x'));
    CHECK(nonsense.is_closed());
}

TEST_CASE("a whole charge over the wire") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    CHECK(client.ask("s", R"([2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError",)"
                          R"("status":"Available"}])") == R"([3,"s",{}])");
    CHECK(client.ask("d",
                     R"([2,"d","DataTransfer",{"vendorId":"tally","messageId":"Prepaid",)"
                     R"("data":"{\"amount\":\"20.00\"}"}])") == R"([3,"d",{"status":"Accepted"}])");
    CHECK(client.ask("a", R"([2,"a","Authorize",{"idTag":"BBB-1"}])") ==
          R"([3,"a",{"idTagInfo":{"status":"Accepted"}}])");
    CHECK(site.at_node<node::AuthorizeRequest>().at(0).prepaid == 20 * money_scale);
    const std::string start = client.ask(
        "t", R"([2,"t","StartTransaction",{"connectorId":1,"idTag":"bbb-1","meterStart":100,)"
             R"("timestamp":")" +
                 now_text() + R"("}])");
    CHECK(start == R"([3,"t",{"idTagInfo":{"status":"Accepted"},"transactionId":1}])");
    CHECK(client.ask("m", R"([2,"m","MeterValues",{"connectorId":1,"transactionId":1,)"
                          R"("meterValue":[{"timestamp":")" +
                              now_text() + R"(","sampledValue":[{"value":"150"}]}]}])") ==
          R"([3,"m",{}])");
    const std::string figures =
        client.ask("f", R"([2,"f","DataTransfer",{"vendorId":"tally","messageId":"Figures",)"
                        R"("data":"{\"transactionId\":1}"}])");
    CHECK(figures.find(R"(\"energy_wh\":50)") != std::string::npos);
    CHECK(client.ask("e", R"([2,"e","StopTransaction",{"transactionId":1,"meterStop":200,)"
                          R"("idTag":"BBB-1","timestamp":")" +
                              now_text() + R"("}])") ==
          R"([3,"e",{"idTagInfo":{"status":"Accepted"}}])");
    const auto ended = site.at_node<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 200);
}

TEST_CASE("no card's id is in the log, the metrics or the page's data of a whole charge") {
    const TempFolder folder;
    const std::string log = folder.file("log");
    REQUIRE(node::configure_logging({node::LogLevel::trace, log}));
    std::string metrics;
    {
        Harness site;
        OcppClient client{site.port()};
        connect_and_boot(client);
        const auto say = [&](const std::string& text) {
            return client.ask("x", R"([2,"x",)" + text);
        };
        CHECK(say(R"("Authorize",{"idTag":"BBB-SECRET7"}])").find("Accepted") != std::string::npos);
        CHECK(say(R"("StartTransaction",{"connectorId":1,"idTag":"bbb-secret7","meterStart":100,)"
                  R"("timestamp":")" +
                  now_text() + R"("}])")
                  .find("Accepted") != std::string::npos);
        CHECK_FALSE(say(R"("StartTransaction",{"connectorId":9,"idTag":"BBB-SECRET7",)"
                        R"("meterStart":100,"timestamp":")" +
                        now_text() + R"("}])")
                        .empty());
        // Wrong in every way a message can be, with a card's id where a rule may quote it.
        CHECK_FALSE(say(R"("Authorize",{"idTag":"BBB-SECRET7","BBB-SECRET7":1}])").empty());
        CHECK_FALSE(say(R"("Authorize",{"idTag":"BBB-SECRET7-and-far-too-long"}])").empty());
        CHECK_FALSE(say(R"("BBB-SECRET7",{}])").empty());
        CHECK_FALSE(say(R"("StopTransaction",{"transactionId":1,"meterStop":200,)"
                        R"("idTag":"BBB-SECRET7","timestamp":")" +
                        now_text() + R"("}])")
                        .empty());
        CHECK_FALSE(say(R"("StopTransaction",{"transactionId":77,"meterStop":200,)"
                        R"("idTag":"BBB-SECRET7","reason":"BBB-SECRET7","timestamp":")" +
                        now_text() + R"("}])")
                        .empty());
        client.send(R"([2,"BBB-SECRET7)");
        node::HttpRequest request;
        request.method = "GET";
        request.path = "/api/v1/chargers";
        request.bearer_token = "api-token";
        metrics = site.api(request).body;
        CHECK(metrics.find("sessions") != std::string::npos);
        request.path = "/";
        request.bearer_token.clear();
        CHECK(site.api(request).body.starts_with("<!doctype html>"));
        metrics += site.metrics.metrics_text();
    }
    REQUIRE(node::configure_logging({node::LogLevel::info, {}}));
    std::ifstream file{log};
    std::string lines{std::istreambuf_iterator<char>{file}, {}};
    CHECK(lines.find("charge_ended") != std::string::npos);
    for (const char* const id : {"SECRET7", "secret7"}) {
        CHECK(lines.find(id) == std::string::npos);
        CHECK(metrics.find(id) == std::string::npos);
    }
    CHECK(metrics.find(R"(tally_bridge_ocpp_call_seconds_count{action="Authorize"} 1)") !=
          std::string::npos);
    CHECK(metrics.find("tally_bridge_outbox_oldest_seconds 0") != std::string::npos);
}

TEST_CASE("a refusal and its reason over the wire") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    CHECK(client.ask("a", R"([2,"a","Authorize",{"idTag":"BBB-POOR"}])") ==
          R"([3,"a",{"idTagInfo":{"status":"Blocked"}}])");
    const std::string reason =
        client.ask("r", R"([2,"r","DataTransfer",{"vendorId":"tally","messageId":"Reason",)"
                        R"("data":"{\"idTag\":\"BBB-POOR\"}"}])");
    CHECK(reason.find(R"(insufficient_balance)") != std::string::npos);
    CHECK(client.ask("x", R"([2,"x","DataTransfer",{"vendorId":"tally","messageId":"Nap"}])")
              .find("UnknownMessageId") != std::string::npos);
    CHECK(
        client.ask("y", R"([2,"y","DataTransfer",{"vendorId":"other"}])").find("UnknownVendorId") !=
        std::string::npos);
    CHECK(client
              .ask("z", R"([2,"z","DataTransfer",{"vendorId":"tally","messageId":"Prepaid",)"
                        R"("data":"{\"amount\":\"-1\"}"}])")
              .find("Rejected") != std::string::npos);
}

TEST_CASE("the boot rule: first ever needs it, a reconnect does not and is asked for its status") {
    Harness site;
    OcppClient early{site.port()};
    REQUIRE(early.shake({}).starts_with("HTTP/1.1 101"));
    CHECK(early.ask("h", R"([2,"h","Heartbeat",{}])").find("SecurityError") != std::string::npos);
    CHECK(early.ask("b", boot).find("Accepted") != std::string::npos);
    OcppClient later{site.port()};
    REQUIRE(later.shake({}).starts_with("HTTP/1.1 101"));
    CHECK(later.ask("h", R"([2,"h","Heartbeat",{}])").find("currentTime") != std::string::npos);
    CHECK(later.next_call().find(R"("TriggerMessage",{"requestedMessage":"StatusNotification"})") !=
          std::string::npos);
}

TEST_CASE("a second connection replaces the first, and only so often") {
    Harness site;
    auto first = std::make_unique<OcppClient>(site.port());
    connect_and_boot(*first);
    OcppClient second{site.port()};
    connect_and_boot(second);
    CHECK(first->is_closed());
    CHECK(second.ask("h", R"([2,"h","Heartbeat",{}])").find("currentTime") != std::string::npos);
    std::vector<std::unique_ptr<OcppClient>> more;
    for (std::size_t i = 1; i < swaps_max; ++i) {
        more.push_back(std::make_unique<OcppClient>(site.port()));
        connect_and_boot(*more.back());
    }
    OcppClient refused{site.port()};
    REQUIRE(refused.shake({}).starts_with("HTTP/1.1 101"));
    CHECK(refused.is_closed());
    CHECK(more.back()->ask("h", R"([2,"h","Heartbeat",{}])").find("currentTime") !=
          std::string::npos);
    CHECK(site.metrics.metrics_text().find(
              R"(tally_bridge_station_swaps_total{outcome="refused"} 1)") != std::string::npos);
}

TEST_CASE("messages that are too big, binary or not UTF-8 end the connection") {
    Harness site;
    const auto check = [&](const std::function<void(OcppClient&)>& misbehave) {
        OcppClient client{site.port()};
        REQUIRE(client.shake({}).starts_with("HTTP/1.1 101"));
        misbehave(client);
        CHECK(client.is_closed());
    };
    using Opcode = OcppClient::Opcode;
    check([](OcppClient& c) { c.send(std::string(ocpp_text_bytes_max + 1, ' ')); });
    check([](OcppClient& c) {
        c.send(std::string(40'000, ' '), Opcode::text, false);
        c.send(std::string(40'000, ' '), Opcode::more, true);
    });
    check([](OcppClient& c) { c.send("\x01\x02", Opcode::binary); });
    check([](OcppClient& c) { c.send("\xff\xfe"); });
    check([](OcppClient& c) { c.write(std::string(100, '\x7f')); });
    check([](OcppClient& c) {
        for (std::uint32_t i = 0; i < peer_malformed_max; ++i) {
            c.send("[[[[");
        }
    });
}

TEST_CASE("a message in fragments is one message") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    client.send(R"([2,"h","Heart)", OcppClient::Opcode::text, false);
    client.send(R"(beat",{}])", OcppClient::Opcode::more, true);
    CHECK(client.receive().find("currentTime") != std::string::npos);
}

TEST_CASE("a charger that does not read is cut off, its memory bounded") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    const std::string request = R"([2,"d","DataTransfer",{"vendorId":"x"}])";
    std::string many;
    for (int i = 0; i < 1'000; ++i) {
        many += static_cast<char>(0x81);
        many += static_cast<char>(0x80 | request.size());
        many += std::string(4, '\0') + request;
    }
    bool cut = false;
    for (int i = 0; i < 2'000 && !cut; ++i) {
        client.write(many);
        site.on_loop([&] { cut = !site.bridge().core().health().is_connected("CP1"); });
    }
    CHECK(cut);
}

TEST_CASE("guessing a password is slowed down") {
    Harness site;
    for (unsigned i = 0; i <= Lockout::guesses_free; ++i) {
        OcppClient client{site.port()};
        OcppClient::Handshake handshake;
        handshake.authorization = "Basic Q1AxOndyb25n";
        CHECK(client.shake(handshake).starts_with("HTTP/1.1 401"));
    }
    OcppClient right{site.port()};
    CHECK(right.shake({}).starts_with("HTTP/1.1 401"));
}

TEST_CASE("site API: token, chargers, commands, orphans") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    node::HttpRequest request;
    request.method = "GET";
    request.path = "/livez";
    CHECK(site.api(request).status == 200);
    request.path = "/readyz";
    CHECK(site.api(request).status == 200);
    site.on_loop([&] { site.bridge().node_disconnected(); });
    const node::HttpResponse unready = site.api(request);
    CHECK(unready.status == 503);
    CHECK(unready.body == R"({"ready":false,"reasons":["node_unreachable"]})");
    site.on_loop(
        [&] { site.bridge().node_not_reached(trouble_of(node::LinkRefusal::connection_refused)); });
    const std::string told = site.api(request).body;
    CHECK(told.starts_with(R"({"ready":false,"reasons":["node_unreachable"],)"
                           R"("node":{"why":"connection_refused","do":")"));
    CHECK(told.find("start the node") != std::string::npos);
    site.on_loop([&] { site.bridge().node_connected(); });
    CHECK(site.api(request).body == R"({"ready":true,"reasons":[]})");
    request.path = "/metrics";
    CHECK(site.api(request).body.find("tally_bridge_stations_connected 1") != std::string::npos);
    request.path = "/api/v1/chargers";
    CHECK(site.api(request).status == 401);
    request.bearer_token = "wrong";
    CHECK(site.api(request).status == 401);
    request.bearer_token = "api-token";
    const node::HttpResponse chargers = site.api(request);
    CHECK(chargers.status == 200);
    CHECK(chargers.body.find(R"("id":"CP1","connected":true)") != std::string::npos);

    REQUIRE(client.ask("e", R"([2,"e","StopTransaction",{"transactionId":99,"meterStop":1,)"
                            R"("timestamp":"2026-03-01T08:00:00Z"}])") == R"([3,"e",{}])");
    request.path = "/api/v1/orphans";
    CHECK(site.api(request).body.find("unknown_stop") != std::string::npos);

    request.method = "POST";
    request.path = "/api/v1/chargers/CP1/remote-start";
    request.body = R"({"connector":0,"token":"BBB-1"})";
    CHECK(site.api(request).status == 400);
    request.path = "/api/v1/chargers/CP9/remote-start";
    CHECK(site.api(request).status == 404);
    request.path = "/api/v1/chargers/CP2/trigger";
    request.body = "{}";
    CHECK(site.api(request).status == 502);
    request.path = "/api/v1/chargers/CP1/remote-stop";
    request.body = R"({"transaction":5})";
    CHECK(site.api(request).status == 404);
}

TEST_CASE("site API: an auditor gets the texts of a charge by the hash of its record") {
    Harness site;
    node::HttpRequest request;
    request.method = "GET";
    request.path = "/api/v1/evidence";
    CHECK(site.api(request).status == 401);
    request.bearer_token = "api-token";
    CHECK(site.api(request).body == R"({"items":[]})");
    request.query["after"] = "12";
    CHECK(site.api(request).status == 400);
    request.query.clear();
    for (const auto& [name, status] : std::map<std::string, unsigned>{
             {"/12", 400}, {"/" + std::string(64, 'a'), 404}, {"s", 404}, {"/", 400}}) {
        request.path = "/api/v1/evidence" + name;
        INFO(request.path);
        CHECK(site.api(request).status == status);
    }
}

TEST_CASE("site API: an auditor's token reads what was metered, and nothing else") {
    Harness site;
    node::HttpRequest request;
    request.bearer_token = "auditors-token";
    const auto status_of = [&](const std::string& method, const std::string& path) {
        request.method = method;
        request.path = path;
        return site.api(request).status;
    };
    CHECK(status_of("GET", "/api/v1/evidence") == 200);
    CHECK(status_of("GET", "/api/v1/evidence/" + std::string(64, 'a')) == 404);
    for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
             {"GET", "/api/v1/chargers"},
             {"GET", "/api/v1/orphans"},
             {"GET", "/api/v1/evidences"},
             {"GET", "/api/v1/unknown"},
             {"POST", "/api/v1/evidence"},
             {"POST", "/api/v1/chargers/CP1/remote-start"},
             {"POST", "/api/v1/chargers/CP1/remote-stop"},
             {"POST", "/api/v1/chargers/CP1/change-configuration"}}) {
        INFO(method << " " << path);
        CHECK(status_of(method, path) == 403);
    }
}

TEST_CASE("site API: without an auditor's token nobody reads with none") {
    Harness site{ApiTokens{"api-token", ""}};
    node::HttpRequest request;
    request.method = "GET";
    request.path = "/api/v1/evidence";
    CHECK(site.api(request).status == 401);
    request.bearer_token = "auditors-token";
    CHECK(site.api(request).status == 401);
}

TEST_CASE("site API: a command waits for the charger's answer") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    node::HttpRequest request;
    request.method = "POST";
    request.bearer_token = "api-token";
    request.path = "/api/v1/chargers/CP1/remote-start";
    request.body = R"({"connector":1,"token":"BBB-1"})";
    auto answer = std::async(std::launch::async, [&] { return site.api(request); });
    const std::string call = client.receive();
    CHECK(call.find(R"("RemoteStartTransaction",{"idTag":"BBB-1","connectorId":1})") !=
          std::string::npos);
    const std::string id = call.substr(4, call.find('"', 4) - 4);
    client.send(R"([3,")" + id + R"(",{"status":"Accepted"}])");
    const node::HttpResponse response = answer.get();
    CHECK(response.status == 200);
    CHECK(response.body == R"({"status":"Accepted"})");
}

TEST_CASE("a reset that found no room among the calls of a charger goes out when it is back") {
    Harness site{{"api-token", "auditors-token"}, [](BridgeConfig& config) {
                     config.ignored_stop = IgnoredStop::reset;
                     config.ignored_stop_after = std::chrono::seconds{0};
                 }};
    OcppClient client{site.port()};
    connect_and_boot(client);
    CHECK(client
              .ask("t", R"([2,"t","StartTransaction",{"connectorId":1,"idTag":"BBB-1",)"
                        R"("meterStart":100,"timestamp":")" +
                            now_text() + R"("}])")
              .ends_with(R"("transactionId":1}])"));
    site.on_loop([&] {
        for (std::size_t i = 0; i < peer_commands_max; ++i) {
            site.bridge().command("CP1", Command{"ClearCache", {}, 0}, [](const CommandReply&) {});
        }
        site.bridge().want_stop("CP1", 1);
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    bool is_ignored = false;
    while (!is_ignored && std::chrono::steady_clock::now() < deadline) {
        site.on_loop([&] { is_ignored = site.bridge().core().marks().find("CP1") != nullptr; });
    }
    REQUIRE(is_ignored);
    OcppClient again{site.port()};
    REQUIRE(again.shake({}).starts_with("HTTP/1.1 101"));
    CHECK(again.next_call().find(R"("Reset",{"type":"Soft"})") != std::string::npos);
}

TEST_CASE("a stop that breaks its schema is answered, handled and kept for the operator") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    CHECK(client.ask("e", R"([2,"e","StopTransaction",{"transactionId":99,"meterStop":5,)"
                          R"("timestamp":"2026-03-01T08:00:00Z","reason":"EVUnplugged"}])") ==
          R"([3,"e",{}])");
    site.on_loop([&] {
        const auto& orphans = site.bridge().core().orphans().all();
        REQUIRE(orphans.size() == 2);
        CHECK(orphans[0].kind == "irregular_message");
        CHECK(orphans[0].text.find("EVUnplugged") != std::string::npos);
        CHECK(orphans[1].kind == "unknown_stop");
    });
}

TEST_CASE("transaction messages that are no message of OCPP are kept for the operator") {
    Harness site;
    OcppClient client{site.port()};
    connect_and_boot(client);
    CHECK(client.ask("e", R"([2,"e","StopTransaction",null])").find("FormationViolation") !=
          std::string::npos);
    site.on_loop([&] {
        REQUIRE(site.bridge().core().orphans().all().size() == 1);
        CHECK(site.bridge().core().orphans().all()[0].kind == "refused_message");
    });
}

}  // namespace tally::bridge::test
