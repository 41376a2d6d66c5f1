#include "tools/charge/charge_point.h"

#include "node/runtime/asio.h"

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>

#include <map>
#include <utility>

namespace tally::tools {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::int64_t integer_or(const json::object& object, const char* key, std::int64_t fallback) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? value->get_int64() : fallback;
}

LineOptions line_options(const ChargePoint::Options& options) {
    LineOptions line;
    line.target = options.target;
    line.station = options.station;
    return line;
}

}  // namespace

class ChargePoint::Impl {
public:
    Impl(asio::io_context& io, Options options)
        : m_io{io},
          m_options{std::move(options)},
          m_line{io,
                 line_options(m_options),
                 {{}, {}, [this](const IncomingCall& call) { answer(call); }, {}}} {}

    void call(std::string action, json::object payload, CallHandler handler) {
        OutgoingCall call;
        call.action = std::move(action);
        call.payload = std::move(payload);
        call.handler = std::move(handler);
        m_line.call(std::move(call));
    }

    void start() {
        call("BootNotification",
             {{"chargePointVendor", "Tallystick"}, {"chargePointModel", "Simulated"}}, {});
        for (std::uint32_t connector = 0; connector <= m_options.connectors; ++connector) {
            call("StatusNotification",
                 {{"connectorId", connector}, {"errorCode", "NoError"}, {"status", "Available"}},
                 {});
        }
        m_line.go_online();
    }

    std::map<std::int64_t, StopHandler>& stops() { return m_stops; }
    [[nodiscard]] const std::string& station() const { return m_options.station; }

private:
    void answer(const IncomingCall& call) {
        json::object result;
        if (call.action == "RemoteStopTransaction") {
            const auto found = m_stops.find(integer_or(call.payload, "transactionId", -1));
            result["status"] = found == m_stops.end() ? "Rejected" : "Accepted";
            if (found != m_stops.end()) {
                asio::post(m_io, [stop = found->second, number = found->first] { stop(number); });
            }
        } else if (call.action == "GetConfiguration") {
            result["configurationKey"] =
                json::array{json::object{{"key", "HeartbeatInterval"},
                                         {"readonly", true},
                                         {"value", std::to_string(m_options.heartbeat_s)}}};
        } else if (call.action == "TriggerMessage" || call.action == "ChangeConfiguration" ||
                   call.action == "RemoteStartTransaction") {
            result["status"] = call.action == "TriggerMessage" ? "NotImplemented" : "Rejected";
        } else {
            m_line.refuse(call.id, "NotImplemented");
            return;
        }
        m_line.answer(call.id, result);
    }

    asio::io_context& m_io;
    Options m_options;
    std::map<std::int64_t, StopHandler> m_stops;
    OcppLine m_line;
};

ChargePoint::ChargePoint(asio::io_context& io, Options options)
    : m_impl{std::make_unique<Impl>(io, std::move(options))} {}

ChargePoint::~ChargePoint() = default;

void ChargePoint::start() { m_impl->start(); }

void ChargePoint::call(std::string action, json::object payload, CallHandler handler) {
    m_impl->call(std::move(action), std::move(payload), std::move(handler));
}

void ChargePoint::on_remote_stop(std::int64_t transaction_id, StopHandler handler) {
    m_impl->stops()[transaction_id] = std::move(handler);
}

void ChargePoint::forget_remote_stop(std::int64_t transaction_id) {
    m_impl->stops().erase(transaction_id);
}

const std::string& ChargePoint::station() const { return m_impl->station(); }

}  // namespace tally::tools
