// The simulated charge point against the real bridge, over a real socket; the node is played at the
// seam of the bridge's link.

#include "tools/charge/charge_point.h"

#include "charger_bridge/bridge.h"
#include "charger_bridge/ocpp/time_text.h"
#include "ledger/base/memory_store.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "node/runtime/asio.h"
#include "tests/charger_bridge/site.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <chrono>

using namespace tally;
using namespace tally::tools;

namespace json = boost::json;

namespace {

/// Approves every card and acknowledges what must be durable.
class ApprovingNode final : public bridge::NodeLine {
public:
    bool send(const node::BridgeMessage& message) override {
        if (const auto* request = std::get_if<node::AuthorizeRequest>(&message)) {
            node::AuthorizeResult result;
            result.session = request->session;
            result.accepted = true;
            result.authorization.signer = *party_from_text("BBB");
            result.authorization.id.data[0] = ++approvals;
            result.prepaid = prepaid;
            result.start_by = SystemClock{}.now() + 300'000;
            node::AuthorizeResult::Evse evse;
            evse.connector = 1;
            evse.evse_id = "CN*AAA*E1";
            evse.rated_power_w = 60'000;
            evse.meter_serial = "M1";
            evse.tariff_ref = {"t1", 1};
            evse.tariff = bridge::test::flat_tariff();
            result.evses = {evse};
            later(result);
        } else if (const auto* started = std::get_if<node::ChargeStarted>(&message)) {
            later(node::Acknowledge{started->sequence});
        } else if (const auto* ended = std::get_if<node::ChargeEnded>(&message)) {
            ends.push_back(*ended);
            later(node::Acknowledge{ended->sequence});
        }
        return true;
    }
    Money prepaid{50 * money_scale};
    std::uint8_t approvals{0};
    std::function<void(node::BridgeMessage)> later;
    std::vector<node::ChargeEnded> ends;
};

/// One bridge and one charge point in one loop. The bridge can be replaced, as by a restart.
struct Yard {
    Yard() {
        config.bridge_id = "bridge-1";
        config.ocpp_listen = {"127.0.0.1", 0};
        const std::string_view password{"secret"};
        config.chargers.push_back({{"CP1", 2}, Bytes{password.begin(), password.end()}});
        line.later = [this](node::BridgeMessage message) {
            boost::asio::post(io, [this, message = std::move(message)] {
                if (site != nullptr) {
                    site->node_said(message);
                }
            });
        };
        open_bridge();
        config.ocpp_listen.port = site->ocpp_port();
    }
    ~Yard() { close_bridge(); }
    Yard(const Yard&) = delete;
    Yard& operator=(const Yard&) = delete;

    void open_bridge() {
        site = std::make_unique<bridge::Bridge>(
            bridge::BridgeParts{io, store, clock, random, key, metrics, line, [] {}}, config);
        REQUIRE(site->load());
        site->start();
        site->node_connected();
    }
    void close_bridge() {
        if (site != nullptr) {
            site->stop();
            io.restart();
            io.poll();
            site.reset();
        }
    }
    [[nodiscard]] ChargePoint::Options options(const std::string& password = "secret") const {
        ChargePoint::Options made;
        REQUIRE(node::parse_ws_url(
            "ws://127.0.0.1:" + std::to_string(config.ocpp_listen.port) + "/ocpp/CP1",
            made.target));
        made.target.user = "CP1";
        made.target.password = password;
        made.target.protocol = "ocpp1.6";
        made.station = "CP1";
        return made;
    }
    template <typename Condition>
    bool run_until(Condition condition, std::chrono::milliseconds patience) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= deadline) {
                return false;
            }
            io.restart();
            io.run_one_for(std::chrono::milliseconds{10});
        }
        return true;
    }
    CallAnswer ask(ChargePoint& point, const std::string& action, json::object payload) {
        std::optional<CallAnswer> answer;
        point.call(action, std::move(payload),
                   [&answer](const CallAnswer& given) { answer = given; });
        REQUIRE(run_until([&answer] { return answer.has_value(); }, std::chrono::seconds{10}));
        return *answer;
    }
    std::int64_t begin(ChargePoint& point) {
        const CallAnswer swipe = ask(point, "Authorize", {{"idTag", "BBB-1"}});
        CHECK(swipe.payload.at("idTagInfo").at("status").as_string() == "Accepted");
        const CallAnswer start = ask(point, "StartTransaction",
                                     {{"connectorId", 1},
                                      {"idTag", "BBB-1"},
                                      {"meterStart", 100},
                                      {"timestamp", bridge::time_to_text(clock.now())}});
        CHECK(start.error_code.empty());
        return start.payload.at("transactionId").as_int64();
    }
    json::object stop_payload(std::int64_t transaction, std::int64_t meter) {
        return {{"transactionId", transaction},
                {"meterStop", meter},
                {"idTag", "BBB-1"},
                {"timestamp", bridge::time_to_text(clock.now())}};
    }

    boost::asio::io_context io;
    MemoryStore store;
    SystemClock clock;
    SystemRandom random;
    KeySigner key{[] {
        SecretKey secret;
        secret.data.fill(7);
        return secret;
    }()};
    node::Metrics metrics;
    ApprovingNode line;
    bridge::BridgeConfig config;
    std::unique_ptr<bridge::Bridge> site;
};

}  // namespace

SCENARIO("the simulated charge point plays a whole charge at the real bridge") {
    Yard yard;
    ChargePoint point{yard.io, yard.options()};
    point.start();
    CHECK(point.station() == "CP1");
    const std::int64_t transaction = yard.begin(point);
    const CallAnswer stop = yard.ask(point, "StopTransaction", yard.stop_payload(transaction, 200));
    CHECK(stop.error_code.empty());
    REQUIRE(yard.line.ends.size() == 1);
    CHECK(yard.line.ends[0].metered.readings.front().register_wh == 100);
    CHECK(yard.line.ends[0].metered.readings.back().register_wh == 200);
    // What the bridge does not know is an error with OCPP's code, and the next call still works.
    CHECK_FALSE(yard.ask(point, "NoSuchAction", {}).error_code.empty());
    CHECK(yard.ask(point, "Heartbeat", {}).payload.contains("currentTime"));
}

SCENARIO("the bridge ends a charge whose prepaid amount is used up") {
    Yard yard;
    yard.line.prepaid = 1 * money_scale;  // 1.2000 a kWh: less than a kilowatt-hour
    ChargePoint point{yard.io, yard.options()};
    point.start();
    const std::int64_t transaction = yard.begin(point);
    std::optional<std::int64_t> asked_to_stop;
    point.on_remote_stop(transaction, [&](std::int64_t number) { asked_to_stop = number; });
    const json::object sample{{"timestamp", bridge::time_to_text(yard.clock.now() + 60'000)},
                              {"sampledValue", json::array{json::object{{"value", "900"}}}}};
    static_cast<void>(yard.ask(
        point, "MeterValues",
        {{"connectorId", 1}, {"transactionId", transaction}, {"meterValue", json::array{sample}}}));
    CHECK(yard.run_until([&] { return asked_to_stop.has_value(); }, std::chrono::seconds{10}));
    CHECK(asked_to_stop == transaction);
    point.forget_remote_stop(transaction);
}

SCENARIO("a call that a restart of the bridge cut off is answered by the next bridge") {
    Yard yard;
    ChargePoint point{yard.io, yard.options()};
    point.start();
    const std::int64_t transaction = yard.begin(point);
    yard.close_bridge();
    std::vector<CallAnswer> answers;
    point.call("StopTransaction", yard.stop_payload(transaction, 300),
               [&answers](const CallAnswer& given) { answers.push_back(given); });
    CHECK_FALSE(yard.run_until([&] { return !answers.empty(); }, std::chrono::milliseconds{50}));
    yard.open_bridge();
    REQUIRE(yard.run_until([&] { return !answers.empty() && !yard.line.ends.empty(); },
                           std::chrono::seconds{10}));
    CHECK(answers.size() == 1);
    CHECK(answers[0].error_code.empty());
    CHECK(yard.line.ends[0].metered.readings.back().register_wh == 300);
}

SCENARIO("a wrong password gets no answer to anything") {
    Yard yard;
    ChargePoint point{yard.io, yard.options("wrong")};
    point.start();
    bool answered{false};
    point.call("Heartbeat", {}, [&answered](const CallAnswer& /*answer*/) { answered = true; });
    CHECK_FALSE(yard.run_until([&] { return answered; }, std::chrono::milliseconds{300}));
    CHECK(yard.line.ends.empty());
}
