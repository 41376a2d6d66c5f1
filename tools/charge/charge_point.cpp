#include "tools/charge/charge_point.h"

#include "node/runtime/asio.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tally::tools {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds reconnect_min{100};
constexpr std::chrono::milliseconds reconnect_max{3000};
constexpr std::chrono::seconds answer_deadline{30};
constexpr int message_call{2};
constexpr int message_result{3};
constexpr int message_error{4};

std::int64_t integer_or(const json::object& object, const char* key, std::int64_t fallback) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? value->get_int64() : fallback;
}

}  // namespace

class ChargePoint::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& io, Options options)
        : m_io{io}, m_options{std::move(options)}, m_reconnect{io}, m_answer{io} {}

    void connect() {
        if (m_closed) {
            return;
        }
        const std::weak_ptr<Impl> weak = weak_from_this();
        WebSocketHandlers handlers;
        handlers.opened = [weak] {
            if (const auto self = weak.lock()) {
                self->opened();
            }
        };
        handlers.received = [weak](const std::string& text) {
            if (const auto self = weak.lock()) {
                self->received(text);
            }
        };
        handlers.closed = [weak](const std::string&) {
            if (const auto self = weak.lock()) {
                self->disconnected();
            }
        };
        m_socket = std::make_unique<WebSocketClient>(m_io, m_options.target, std::move(handlers));
        m_socket->connect();
    }

    void close() {
        m_closed = true;
        m_reconnect.cancel();
        m_answer.cancel();
        m_calls.clear();
        m_stops.clear();
        m_socket.reset();
    }

    void call(std::string action, json::object payload, CallHandler handler) {
        m_calls.push_back({std::move(action), std::move(payload), std::move(handler)});
        send_next();
    }

    void announce() {
        call("BootNotification",
             {{"chargePointVendor", "Tallystick"}, {"chargePointModel", "Simulated"}}, {});
        for (std::uint32_t connector = 0; connector <= m_options.connectors; ++connector) {
            call("StatusNotification",
                 {{"connectorId", connector}, {"errorCode", "NoError"}, {"status", "Available"}},
                 {});
        }
    }

    std::map<std::int64_t, StopHandler>& stops() { return m_stops; }
    [[nodiscard]] const std::string& station() const { return m_options.station; }

private:
    struct Call {
        std::string action;
        json::object payload;
        CallHandler handler;
    };

    void opened() {
        m_open = true;
        m_backoff = reconnect_min;
        m_outstanding.clear();
        send_next();
    }

    void disconnected() {
        m_open = false;
        m_outstanding.clear();
        m_answer.cancel();
        if (m_closed) {
            return;
        }
        m_reconnect.expires_after(m_backoff);
        m_backoff = std::min(m_backoff * 2, reconnect_max);
        auto again = [self = shared_from_this()](boost::system::error_code error) {
            if (!error) {
                self->connect();
            }
        };
        m_reconnect.async_wait(std::move(again));
    }

    /// One CALL at a time; the one in front stays in the queue until it is answered.
    void send_next() {
        if (!m_open || !m_outstanding.empty() || m_calls.empty()) {
            return;
        }
        m_outstanding = m_options.station + "-" + std::to_string(++m_message);
        const Call& next = m_calls.front();
        send(json::array{message_call, m_outstanding, next.action, next.payload});
        m_answer.expires_after(answer_deadline);
        auto late = [self = shared_from_this()](boost::system::error_code error) {
            if (!error && self->m_socket != nullptr) {
                // No answer: a new connection, and the same content again.
                self->m_socket.reset();
                self->disconnected();
            }
        };
        m_answer.async_wait(std::move(late));
    }

    void send(const json::array& message) { m_socket->send(json::serialize(message)); }

    void received(const std::string& text) {
        json::error_code error;
        const json::value message = json::parse(text, error);
        const json::array* parts = error ? nullptr : message.if_array();
        if (parts == nullptr || parts->size() < 3 || !(*parts)[0].is_int64() ||
            !(*parts)[1].is_string()) {
            return;
        }
        const std::int64_t kind = (*parts)[0].get_int64();
        const std::string id{(*parts)[1].get_string()};
        if (kind == message_call && parts->size() == 4 && (*parts)[2].is_string() &&
            (*parts)[3].is_object()) {
            answer(id, std::string{(*parts)[2].get_string()}, (*parts)[3].get_object());
        } else if (id == m_outstanding && (kind == message_result || kind == message_error)) {
            finish(kind == message_result, (*parts)[2]);
        }
    }

    void finish(bool is_result, const json::value& part) {
        m_answer.cancel();
        m_outstanding.clear();
        const CallHandler handler = std::move(m_calls.front().handler);
        m_calls.pop_front();
        CallAnswer answer;
        if (is_result) {
            answer.payload = part.is_object() ? part.get_object() : json::object{};
        } else {
            answer.error_code = part.is_string() ? std::string{part.get_string()} : "GenericError";
        }
        if (handler) {
            handler(answer);
        }
        send_next();
    }

    void answer(const std::string& id, const std::string& action, const json::object& payload) {
        json::object result;
        if (action == "RemoteStopTransaction") {
            const auto found = m_stops.find(integer_or(payload, "transactionId", -1));
            result["status"] = found == m_stops.end() ? "Rejected" : "Accepted";
            if (found != m_stops.end()) {
                asio::post(m_io, [stop = found->second, number = found->first] { stop(number); });
            }
        } else if (action == "GetConfiguration") {
            result["configurationKey"] =
                json::array{json::object{{"key", "HeartbeatInterval"},
                                         {"readonly", true},
                                         {"value", std::to_string(m_options.heartbeat_s)}}};
        } else if (action == "TriggerMessage" || action == "ChangeConfiguration" ||
                   action == "RemoteStartTransaction") {
            result["status"] = action == "TriggerMessage" ? "NotImplemented" : "Rejected";
        } else {
            send(json::array{message_error, id, "NotImplemented", "", json::object{}});
            return;
        }
        send(json::array{message_result, id, std::move(result)});
    }

    asio::io_context& m_io;
    Options m_options;
    asio::steady_timer m_reconnect;
    asio::steady_timer m_answer;
    std::unique_ptr<WebSocketClient> m_socket;
    std::deque<Call> m_calls;
    std::string m_outstanding;
    std::map<std::int64_t, StopHandler> m_stops;
    std::chrono::milliseconds m_backoff{reconnect_min};
    std::uint64_t m_message{0};
    bool m_open{false};
    bool m_closed{false};
};

ChargePoint::ChargePoint(asio::io_context& io, Options options)
    : m_impl{std::make_shared<Impl>(io, std::move(options))} {}

ChargePoint::~ChargePoint() { m_impl->close(); }

void ChargePoint::start() {
    m_impl->announce();
    m_impl->connect();
}

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
