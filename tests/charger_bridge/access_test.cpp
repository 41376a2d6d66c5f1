// Coming in, with a whole bridge: profiles over both listeners, a key changed over the wire and
// through restarts, chargers admitted by a rule, certificates renewed.

#include "charger_bridge/api.h"
#include "charger_bridge/bridge.h"
#include "charger_bridge/key_change.h"
#include "ledger/base/memory_store.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "tests/charger_bridge/certificates.h"
#include "tests/charger_bridge/ocpp_client.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <future>
#include <thread>

namespace tally::bridge::test {

namespace {

class SilentNode final : public NodeLine {
public:
    bool send(const node::BridgeMessage& /*message*/) override { return true; }
};

Secret secret(std::string_view text) { return Bytes{text.begin(), text.end()}; }

/// One life of the bridge over a store that outlives it.
class Life {
public:
    Life(MemoryStore& store, BridgeConfig config) : m_work{boost::asio::make_work_guard(m_io)} {
        config.bridge_id = "bridge-1";
        config.ocpp_listen = {"127.0.0.1", 0};
        m_bridge = std::make_unique<Bridge>(
            BridgeParts{m_io, store, m_clock, m_random, m_key, m_metrics, m_node, [] {}}, config);
        const auto loaded = m_bridge->load();
        INFO((loaded ? std::string{} : loaded.error()));
        REQUIRE(loaded);
        m_bridge->start();
        m_api = std::make_unique<Api>(*m_bridge, m_metrics, ApiTokens{"api-token", ""});
        m_thread = std::thread{[this] { m_io.run(); }};
    }
    ~Life() {
        on_loop([this] { m_bridge->stop(); });
        m_work.reset();
        m_io.stop();
        m_thread.join();
    }
    void on_loop(const std::function<void()>& action) {
        std::promise<void> done;
        boost::asio::post(m_io, [&] {
            action();
            done.set_value();
        });
        done.get_future().wait();
    }
    node::HttpResponse post(const std::string& path, const std::string& body = "{}") {
        node::HttpRequest request;
        request.method = "POST";
        request.path = path;
        request.body = body;
        request.bearer_token = "api-token";
        auto answer = std::make_shared<std::promise<node::HttpResponse>>();
        boost::asio::post(m_io, [this, request, answer] {
            m_api->handle(request, [answer](node::HttpResponse response) {
                answer->set_value(std::move(response));
            });
        });
        return answer->get_future().get();
    }
    [[nodiscard]] Bridge& bridge() { return *m_bridge; }
    [[nodiscard]] std::string metrics_text() { return m_metrics.metrics_text(); }

private:
    boost::asio::io_context m_io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> m_work;
    SystemClock m_clock;
    SystemRandom m_random;
    KeySigner m_key{[] {
        SecretKey key;
        key.data.fill(7);
        return key;
    }()};
    node::Metrics m_metrics;
    SilentNode m_node;
    std::unique_ptr<Bridge> m_bridge;
    std::unique_ptr<Api> m_api;
    std::thread m_thread;
};

std::string basic(const std::string& user, const std::string& password) {
    const std::string plain = user + ":" + password;
    std::string text(4 * ((plain.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(plain.data()),
                                     static_cast<int>(plain.size()));
    return "Basic " + text.substr(0, static_cast<std::size_t>(size));
}

/// The status line's code when this station comes with this password; empty: no password.
std::string knock(OcppClient& client, const std::string& id, const std::string& password) {
    OcppClient::Handshake handshake;
    handshake.path = "/ocpp/" + id;
    handshake.authorization = password.empty() ? std::string{} : basic(id, password);
    const std::string head = client.shake(handshake);
    return head.size() > 12 ? head.substr(9, 3) : std::string{};
}

std::string knock(Life& life, const std::string& id, const std::string& password) {
    OcppClient client{life.bridge().ocpp_port()};
    return knock(client, id, password);
}

constexpr const char* boot{
    R"([2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}])"};

BridgeConfig one_charger(Secret password) {
    BridgeConfig config;
    config.chargers.push_back({{"CP1", 2}, std::move(password)});
    return config;
}

}  // namespace

TEST_CASE("profiles: each charger comes in at its own or a higher one, over either listener") {
    const Identity authority = make_authority("AAA");
    const TempFolder folder;
    write_identity(folder, "ec", issue(authority, KeyKind::ec, {"AAA", "bridge", {}}));
    write_file(folder.file("ca.crt"), certificate_pem(authority));
    BridgeConfig config;
    config.tls.certificates = {{folder.file("ec.crt"), folder.file("ec.key")}};
    config.tls.client_ca_file = folder.file("ca.crt");
    config.organization = "AAA";
    config.plain_listen = node::HostPort{"127.0.0.1", 0};
    config.chargers.push_back({{"CP1", 1}, secret("one"), {}, profile_basic});
    config.chargers.push_back({{"CP2", 1}, secret("two"), {}, profile_tls});
    config.chargers.push_back({{"CP3", 1}, {}, {}, profile_mutual, "SN-3"});
    MemoryStore store;
    Life life{store, config};
    const auto plain = [&](const std::string& id, const std::string& password) {
        OcppClient client{life.bridge().plain_port()};
        return knock(client, id, password);
    };
    const auto encrypted = [&](const std::string& id, const std::string& password,
                               const Identity* identity) {
        const ClientTls settings{identity};
        OcppClient client{life.bridge().ocpp_port()};
        REQUIRE(client.secure(settings.context));
        return knock(client, id, password);
    };
    const Identity third = issue(authority, KeyKind::rsa, {"AAA", "SN-3", {}});
    const Identity foreign = issue(authority, KeyKind::ec, {"BBB", "CP3", {}});
    CHECK(plain("CP1", "one") == "101");
    CHECK(plain("CP2", "two") == "401");
    CHECK(plain("CP3", "") == "401");
    CHECK(encrypted("CP1", "one", nullptr) == "101");
    CHECK(encrypted("CP2", "two", nullptr) == "101");
    CHECK(encrypted("CP2", "one", nullptr) == "401");
    CHECK(encrypted("CP3", "", nullptr) == "401");
    CHECK(encrypted("CP3", "", &third) == "101");
    CHECK(encrypted("CP3", "", &foreign) == "401");
    CHECK(encrypted("CP2", "two", &third) == "401");
}

TEST_CASE("a key is changed over the wire and through restarts, the charger never locked out") {
    MemoryStore store;
    std::string key;
    {
        Life life{store, one_charger(secret("first"))};
        OcppClient client{life.bridge().ocpp_port()};
        REQUIRE(knock(client, "CP1", "first") == "101");
        REQUIRE(client.ask("b", boot).find("Accepted") != std::string::npos);
        auto answer = std::async(std::launch::async,
                                 [&] { return life.post("/api/v1/chargers/CP1/change-key"); });
        const std::string call = client.receive();
        const std::string setting{R"("ChangeConfiguration",{"key":"AuthorizationKey","value":")"};
        const std::size_t place = call.find(setting);
        REQUIRE(place != std::string::npos);
        key = call.substr(place + setting.size(), 40);
        REQUIRE(from_hex(key));
        const std::string id = call.substr(4, call.find('"', 4) - 4);
        // The power goes before the answer is sent: the next bridge takes the old and the new.
        client.send(R"([3,")" + id + R"(",{"status":"Accepted"}])");
        CHECK(answer.get().body == R"({"status":"Accepted"})");
        CHECK(life.post("/api/v1/chargers/CP1/change-configuration",
                        R"({"key":"authorizationKEY","value":"x"})")
                  .status == 400);
        CHECK(life.post("/api/v1/chargers/CP9/change-key").status == 404);
    }
    const Bytes raw = *from_hex(key);
    {
        Life life{store, one_charger(secret("first"))};
        CHECK(knock(life, "CP1", "first") == "101");
        CHECK(knock(life, "CP1", std::string{raw.begin(), raw.end()}) == "101");
        CHECK(knock(life, "CP1", "first") == "401");
        CHECK(life.post("/api/v1/chargers/CP1/change-key").status == 502);  // away
    }
    Life life{store, one_charger(secret("first"))};
    CHECK(knock(life, "CP1", "first") == "401");
    CHECK(knock(life, "CP1", key) == "101");
    CHECK(life.post("/api/v1/chargers/CP1/reset-key").body == R"({"had_keys":true})");
    CHECK(knock(life, "CP1", "first") == "101");
}

TEST_CASE("a key that the charger refuses is taken back") {
    MemoryStore store;
    Life life{store, one_charger(secret("first"))};
    OcppClient client{life.bridge().ocpp_port()};
    REQUIRE(knock(client, "CP1", "first") == "101");
    REQUIRE(client.ask("b", boot).find("Accepted") != std::string::npos);
    for (std::size_t i = 0; i < keys_made_max + 2; ++i) {
        auto answer = std::async(std::launch::async,
                                 [&] { return life.post("/api/v1/chargers/CP1/change-key"); });
        const std::string call = client.receive();
        const std::string id = call.substr(4, call.find('"', 4) - 4);
        client.send(R"([3,")" + id + R"(",{"status":"Rejected"}])");
        CHECK(answer.get().status == 200);
    }
}

TEST_CASE("the order to change a key, and its refusal, in both versions") {
    const Command old = key_command("ocpp1.6", "00ff");
    CHECK(old.action == "ChangeConfiguration");
    const Command command = key_command("ocpp2.0.1", "00ff");
    CHECK(command.action == "SetVariables");
    CHECK(command.payload ==
          boost::json::parse(
              R"({"setVariableData":[{"component":{"name":"SecurityCtrlr"},)"
              R"("variable":{"name":"BasicAuthPassword"},"attributeValue":"00ff"}]})"));
    const auto refused = [](const char* text) {
        return has_refused_key(boost::json::parse(text).as_object());
    };
    CHECK(refused(R"({"status":"Rejected"})"));
    CHECK(refused(R"({"setVariableResult":[{"attributeStatus":"Rejected"}]})"));
    CHECK_FALSE(refused(R"({"status":"Accepted"})"));
    CHECK_FALSE(refused(R"({"status":"RebootRequired"})"));
    CHECK_FALSE(refused(R"({"setVariableResult":[{"attributeStatus":"RebootRequired"}]})"));
    CHECK_FALSE(refused(R"({"setVariableResult":[]})"));
    CHECK_FALSE(refused(R"({"setVariableResult":7})"));
}

TEST_CASE("a charger admitted by a rule is a charger of the site, also after a restart") {
    MemoryStore store;
    BridgeConfig config;
    config.admit.push_back(
        {*IdPattern::from_text("AAA-*"), 3, 1, {profile_basic, secret("shared"), {}}});
    {
        Life life{store, config};
        CHECK(life.post("/api/v1/chargers/AAA-1/trigger").status == 404);
        OcppClient client{life.bridge().ocpp_port()};
        REQUIRE(knock(client, "AAA-1", "shared") == "101");
        CHECK(client.ask("b", boot).find("Accepted") != std::string::npos);
        CHECK(client.ask("s",
                         R"([2,"s","StatusNotification",{"connectorId":3,)"
                         R"("errorCode":"NoError","status":"Available"}])") == R"([3,"s",{}])");
        CHECK(knock(life, "AAA-2", "shared") == "401");
        CHECK(life.metrics_text().find(
                  R"(tally_bridge_authentications_total{verdict="rule_is_full"} 1)") !=
              std::string::npos);
    }
    Life life{store, config};
    life.on_loop([&] {
        CHECK(life.bridge().knows("AAA-1"));
        CHECK(life.bridge().core().health().connectors("AAA-1") == 3);
        CHECK(life.bridge().core().health().was_booted("AAA-1"));
    });
    CHECK(knock(life, "AAA-1", "shared") == "101");
}

TEST_CASE("a hold is kept through a restart, and so is that the charger heard of it") {
    MemoryStore store;
    const auto ask = [](OcppClient& client, const std::string& id, const std::string& text) {
        return client.ask(id, R"([2,")" + id + R"(",)" + text + "]");
    };
    const std::string boots{
        R"("BootNotification",{"chargePointVendor":"v","chargePointModel":"m"})"};
    const std::string beats{R"("Heartbeat",{})"};
    {
        Life life{store, one_charger(secret("first"))};
        OcppClient client{life.bridge().ocpp_port()};
        REQUIRE(knock(client, "CP1", "first") == "101");
        REQUIRE(ask(client, "b", boots).find("Accepted") != std::string::npos);
        REQUIRE(life.post("/api/v1/chargers/CP1/hold",
                          R"({"status":"Rejected","by":"eve","reason":"stolen"})")
                    .status == 200);
    }
    {
        Life life{store, one_charger(secret("first"))};
        OcppClient client{life.bridge().ocpp_port()};
        REQUIRE(knock(client, "CP1", "first") == "101");
        CHECK(ask(client, "h", beats).find("currentTime") != std::string::npos);
        CHECK(ask(client, "b", boots).find("Rejected") != std::string::npos);
    }
    Life life{store, one_charger(secret("first"))};
    OcppClient client{life.bridge().ocpp_port()};
    REQUIRE(knock(client, "CP1", "first") == "101");
    CHECK(ask(client, "h", beats).find("SecurityError") != std::string::npos);
    CHECK(life.post("/api/v1/chargers/CP1/accept").status == 200);
    CHECK(ask(client, "b", boots).find("Accepted") != std::string::npos);
}

TEST_CASE("a second connection proves itself before it replaces the first") {
    MemoryStore store;
    Life life{store, one_charger(secret("first"))};
    OcppClient client{life.bridge().ocpp_port()};
    REQUIRE(knock(client, "CP1", "first") == "101");
    REQUIRE(client.ask("b", boot).find("Accepted") != std::string::npos);
    CHECK(knock(life, "CP1", "guess") == "401");
    CHECK(knock(life, "CP1", "") == "401");
    CHECK(client.ask("h", R"([2,"h","Heartbeat",{}])").find("currentTime") != std::string::npos);
}

TEST_CASE("a password that is configured as a slow hash opens, on a thread of its own") {
    MemoryStore store;
    SystemRandom random;
    Life life{store, one_charger(make_password_hash(as_bytes("first"), random))};
    CHECK(knock(life, "CP1", "first") == "101");
    CHECK(knock(life, "CP1", "other") == "401");
    CHECK(knock(life, "CP9", "first") == "401");
    CHECK(knock(life, "CP1", "first") == "101");
}

TEST_CASE("certificates are read again on demand; wrong ones change nothing") {
    const Identity authority = make_authority("AAA");
    const TempFolder folder;
    write_identity(folder, "ec", issue(authority, KeyKind::ec, {"AAA", "old", {}}));
    BridgeConfig config = one_charger(secret("first"));
    config.tls.certificates = {{folder.file("ec.crt"), folder.file("ec.key")}};
    MemoryStore store;
    Life life{store, config};
    const auto served = [&] {
        const ClientTls settings;
        OcppClient client{life.bridge().ocpp_port()};
        REQUIRE(client.secure(settings.context));
        char text[65]{};
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(client.tls())),
                                  NID_commonName, text, sizeof text);
        return std::string{text};
    };
    CHECK(served() == "old");
    write_identity(folder, "ec", issue(authority, KeyKind::ec, {"AAA", "new", {}}));
    CHECK(served() == "old");
    life.on_loop([&] { life.bridge().reload_certificates(); });
    CHECK(served() == "new");
    write_file(folder.file("ec.key"), "nonsense");
    life.on_loop([&] { life.bridge().reload_certificates(); });
    CHECK(served() == "new");
    CHECK(life.metrics_text().find(
              R"(tally_bridge_certificate_reloads_total{outcome="refused"} 1)") !=
          std::string::npos);
}

}  // namespace tally::bridge::test
