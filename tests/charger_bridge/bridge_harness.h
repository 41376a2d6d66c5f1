#pragma once

// The whole bridge in one process: real sockets and HTTP, a store in memory, and the node played at
// the seam of its link.

#include "charger_bridge/api.h"
#include "charger_bridge/bridge.h"
#include "charger_bridge/ocpp/time_text.h"
#include "ledger/base/memory_store.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "node/runtime/logging.h"
#include "tests/charger_bridge/certificates.h"
#include "tests/charger_bridge/site.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tally::bridge::test {

/// Answers at the seam as a node would: approves every token but those that `why_not` names,
/// acknowledges what is durable. Lives on the loop's thread.
class PlayedNode final : public NodeLine {
public:
    bool send(const node::BridgeMessage& message) override {
        got.push_back(message);
        if (const auto* const request = std::get_if<node::AuthorizeRequest>(&message)) {
            node::AuthorizeResult result;
            result.session = request->session;
            result.reason = why_not(request->token);
            result.accepted = result.reason.empty();
            result.authorization.signer = *party_from_text("BBB");
            // An approval of its own for each swipe, the same one when asked again.
            result.authorization.id.data = request->session.data;
            result.prepaid = request->prepaid.value_or(50 * money_scale);
            result.start_by = SystemClock{}.now() + 300'000;
            node::AuthorizeResult::Evse evse;
            evse.connector = 1;
            evse.evse_id = "CN*AAA*E1";
            evse.rated_power_w = 60'000;
            evse.meter_serial = "M1";
            evse.tariff_ref = {"t1", 1};
            evse.tariff = flat_tariff();
            result.evses = {evse, evse};
            result.evses[1].connector = 2;
            result.evses[1].evse_id = "CN*AAA*E2";
            result.evses[1].meter_serial = "M2";
            later(result);
        } else if (const auto* const started = std::get_if<node::ChargeStarted>(&message)) {
            later(node::Acknowledge{started->sequence});
        } else if (const auto* const ended = std::get_if<node::ChargeEnded>(&message)) {
            later(node::Acknowledge{ended->sequence});
        }
        return true;
    }
    std::function<void(node::BridgeMessage)> later;
    std::vector<node::BridgeMessage> got;

private:
    static std::string why_not(const std::string& token) {
        if (token.starts_with("04")) {
            return "unknown_token";
        }
        static const std::map<std::string, std::string> reasons{
            {"BBB-POOR", "insufficient_balance"},
            {"BBB-BLOCKED", "token_blocked"},
            {"BBB-EXPIRED", "token_expired"},
            {"BBB-OTHER", "member_suspended"}};
        const auto found = reasons.find(token);
        return found != reasons.end() ? found->second : std::string{};
    }
};

class Harness {
public:
    using Change = std::function<void(BridgeConfig&)>;

    /// `change` sees the configuration before the bridge does.
    explicit Harness(
        const ApiTokens& tokens = {"api-token", "auditors-token"},
        const Change& change = [](BridgeConfig&) {})
        : m_work{boost::asio::make_work_guard(m_io)} {
        BridgeConfig config;
        config.bridge_id = "bridge-1";
        config.ocpp_listen = {"127.0.0.1", 0};
        for (const char* const id : {"CP1", "CP2"}) {
            const std::string_view password{"secret"};
            config.chargers.push_back({{id, 2}, Bytes{password.begin(), password.end()}});
        }
        change(config);
        m_bridge = std::make_unique<Bridge>(
            BridgeParts{m_io, m_store, m_clock, m_random, m_key, metrics, node, [] {}}, config);
        node.later = [this](node::BridgeMessage message) {
            boost::asio::post(m_io, [this, message] { m_bridge->node_said(message); });
        };
        REQUIRE(m_bridge->load());
        m_bridge->start();
        m_bridge->node_connected();
        m_api = std::make_unique<Api>(*m_bridge, metrics, tokens);
        m_thread = std::thread{[this] { m_io.run(); }};
    }
    ~Harness() {
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
    /// Asks the site API; gives the response when it comes.
    node::HttpResponse api(const node::HttpRequest& request) {
        auto answer = std::make_shared<std::promise<node::HttpResponse>>();
        boost::asio::post(m_io, [this, request, answer] {
            m_api->handle(request, [answer](node::HttpResponse response) {
                answer->set_value(std::move(response));
            });
        });
        return answer->get_future().get();
    }
    template <typename Message>
    std::vector<Message> at_node() {
        std::vector<Message> result;
        on_loop([&] {
            for (const node::BridgeMessage& message : node.got) {
                if (const auto* const found = std::get_if<Message>(&message)) {
                    result.push_back(*found);
                }
            }
        });
        return result;
    }
    [[nodiscard]] std::uint16_t port() const { return m_bridge->ocpp_port(); }
    [[nodiscard]] Bridge& bridge() { return *m_bridge; }

    node::Metrics metrics;
    PlayedNode node;

private:
    boost::asio::io_context m_io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> m_work;
    MemoryStore m_store;
    SystemClock m_clock;
    SystemRandom m_random;
    KeySigner m_key{[] {
        SecretKey key;
        key.data.fill(7);
        return key;
    }()};
    std::unique_ptr<Bridge> m_bridge;
    std::unique_ptr<Api> m_api;
    std::thread m_thread;
};

}  // namespace tally::bridge::test
