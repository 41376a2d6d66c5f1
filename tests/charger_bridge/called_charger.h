#pragma once

// A charger on a socket of a whole bridge, with the operator's requests beside it.

#include "charger_bridge/ocpp/frame.h"
#include "tests/charger_bridge/bridge_harness.h"
#include "tests/charger_bridge/ocpp_client.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

namespace tally::bridge::test {

namespace json = boost::json;

/// A charger on a socket with the operator's requests beside it.
class Charger {
public:
    explicit Charger(Harness& site, const char* protocol = "ocpp2.0.1")
        : m_site{site}, m_client{site.port()} {
        OcppClient::Handshake handshake;
        handshake.protocols = protocol;
        REQUIRE(m_client.shake(handshake).starts_with("HTTP/1.1 101"));
    }

    json::object ask(const std::string& action, const std::string& payload) {
        const std::string id = "m" + std::to_string(++m_calls);
        const std::string text =
            m_client.ask(id, R"([2,")" + id + R"(",")" + action + R"(",)" + payload + "]");
        const auto frame = parse_frame(text);
        REQUIRE(frame);
        if (const auto* const error = std::get_if<CallError>(&*frame)) {
            return {{"error", to_text(error->code)}};
        }
        return std::get<CallResult>(*frame).payload;
    }
    void boot() {
        const json::object answer = ask("BootNotification", R"({"reason":"PowerUp",
            "chargingStation":{"model":"m","vendorName":"v"}})");
        REQUIRE(answer.at("status").as_string() == "Accepted");
    }
    void boot_16() {
        const json::object answer =
            ask("BootNotification", R"({"chargePointVendor":"v","chargePointModel":"m"})");
        REQUIRE(answer.at("status").as_string() == "Accepted");
    }
    /// The operator calls, the charger answers with `answer`; gives what the operator got.
    node::HttpResponse call(const std::string& action, const std::string& payload,
                            const std::string& answer) {
        node::HttpRequest request;
        request.method = "POST";
        request.path = "/api/v1/chargers/CP1/call";
        request.bearer_token = "api-token";
        request.body = R"({"action":")" + action + R"(","payload":)" + payload + "}";
        std::future<node::HttpResponse> response =
            std::async(std::launch::async, [this, request] { return m_site.api(request); });
        const auto frame = parse_frame(m_client.next_call());
        REQUIRE(frame);
        const auto& call = std::get<Call>(*frame);
        CHECK(call.action == action);
        CHECK(call.payload == json::parse(payload));
        m_client.send(R"([3,")" + call.id + R"(",)" + answer + "]");
        return response.get();
    }
    /// An operator's call that must not reach the charger.
    node::HttpResponse refused(const std::string& body) {
        node::HttpRequest request;
        request.method = "POST";
        request.path = "/api/v1/chargers/CP1/call";
        request.bearer_token = "api-token";
        request.body = body;
        return m_site.api(request);
    }
    OcppClient& client() { return m_client; }

private:
    Harness& m_site;
    OcppClient m_client;
    int m_calls{0};
};

}  // namespace tally::bridge::test
