#include "tools/charger/ocpp_line.h"

#include "node/runtime/asio.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace tally::tools {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int message_call{2};
constexpr int message_result{3};
constexpr int message_error{4};

}  // namespace

class OcppLine::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& io, LineOptions options, LineHandlers handlers)
        : m_io{io},
          m_options{std::move(options)},
          m_handlers{std::move(handlers)},
          m_reconnect{io},
          m_answer{io},
          m_random{m_options.jitter_seed} {}

    void go_online() {
        m_wanted = true;
        m_backoff = m_options.reconnect_min;
        connect();
    }

    void go_offline() {
        m_wanted = false;
        m_reconnect.cancel();
        drop();
    }

    void close() {
        m_handlers = {};
        go_offline();
        m_calls.clear();
    }

    void call(OutgoingCall call) {
        m_calls.push_back(std::move(call));
        send_next();
    }

    void call_first(OutgoingCall call) {
        // The one in front may be on its way; its answer must still find it there.
        const auto place = m_outstanding.empty() ? m_calls.begin() : m_calls.begin() + 1;
        m_calls.insert(place, std::move(call));
        send_next();
    }

    void send(const json::array& message) { say(json::serialize(message), false); }

    void say(std::string text, bool binary) {
        if (m_open && m_socket != nullptr) {
            binary ? m_socket->send_binary(std::move(text)) : m_socket->send(std::move(text));
        }
    }

    [[nodiscard]] bool is_open() const { return m_open; }
    std::deque<OutgoingCall>& waiting() { return m_calls; }

private:
    void connect() {
        if (!m_wanted || m_socket != nullptr) {
            return;
        }
        const std::weak_ptr<Impl> weak = weak_from_this();
        node::WebSocketHandlers handlers;
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
        handlers.closed = [weak](const std::string& why) {
            if (const auto self = weak.lock()) {
                self->disconnected(why);
            }
        };
        m_socket =
            std::make_unique<node::WebSocketClient>(m_io, m_options.target, std::move(handlers));
        m_socket->connect();
    }

    void opened() {
        m_open = true;
        m_backoff = m_options.reconnect_min;
        m_outstanding.clear();
        if (m_handlers.connected) {
            m_handlers.connected();
        }
        send_next();
    }

    void drop() {
        m_open = false;
        m_outstanding.clear();
        m_answer.cancel();
        m_socket.reset();
    }

    void disconnected(const std::string& why) {
        drop();
        if (m_handlers.disconnected) {
            m_handlers.disconnected(why);
        }
        if (!m_wanted) {
            return;
        }
        // Half to whole of the wait, so that a thousand chargers do not come back in step.
        const auto jitter =
            m_options.jitter_seed == 0
                ? 0
                : static_cast<std::int64_t>(m_random() %
                                            static_cast<std::uint64_t>(m_backoff.count() / 2 + 1));
        m_reconnect.expires_after(m_backoff - std::chrono::milliseconds{jitter});
        m_backoff = std::min(m_backoff * 2, m_options.reconnect_max);
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
        OutgoingCall& next = m_calls.front();
        m_outstanding = m_options.station.substr(0, 20) + "-" + std::to_string(++m_message);
        if (next.complete) {
            next.complete(next.payload);
        }
        m_sent_at = Clock::now();
        if (m_handlers.sent) {
            m_handlers.sent(next);
        }
        send(json::array{message_call, m_outstanding, next.action, next.payload});
        m_answer.expires_after(m_options.answer_deadline);
        auto late = [self = shared_from_this()](boost::system::error_code error) {
            if (!error && self->m_socket != nullptr && !self->m_outstanding.empty()) {
                // No answer: a new connection, and the same content again.
                self->disconnected("no answer");
            }
        };
        m_answer.async_wait(std::move(late));
    }

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
            if (m_handlers.called) {
                m_handlers.called(
                    {id, std::string{(*parts)[2].get_string()}, (*parts)[3].get_object()});
            }
        } else if (id == m_outstanding && (kind == message_result || kind == message_error)) {
            finish(kind == message_result, (*parts)[2]);
        }
    }

    void finish(bool is_result, const json::value& part) {
        m_answer.cancel();
        m_outstanding.clear();
        OutgoingCall& front = m_calls.front();
        CallAnswer answer;
        answer.took =
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - m_sent_at);
        if (is_result) {
            answer.payload = part.is_object() ? part.get_object() : json::object{};
        } else {
            answer.error_code = part.is_string() ? std::string{part.get_string()} : "GenericError";
        }
        if (!is_result && front.of_transaction && ++front.attempts < call_attempts_max) {
            retry_later(front.attempts);
            return;
        }
        const CallHandler handler = std::move(front.handler);
        m_calls.pop_front();
        if (handler) {
            handler(answer);
        }
        send_next();
    }

    /// The call in front goes again after a while; the others wait behind it, as they must.
    void retry_later(unsigned attempt) {
        m_outstanding = "-";  // Nobody answers this id.
        m_answer.expires_after(m_options.retry_interval * attempt);
        auto again = [self = shared_from_this()](boost::system::error_code error) {
            if (!error) {
                self->m_outstanding.clear();
                self->send_next();
            }
        };
        m_answer.async_wait(std::move(again));
    }

    asio::io_context& m_io;
    LineOptions m_options;
    LineHandlers m_handlers;
    asio::steady_timer m_reconnect;
    asio::steady_timer m_answer;
    std::mt19937_64 m_random;
    std::unique_ptr<node::WebSocketClient> m_socket;
    std::deque<OutgoingCall> m_calls;
    std::string m_outstanding;
    Clock::time_point m_sent_at;
    std::chrono::milliseconds m_backoff{0};
    std::uint64_t m_message{0};
    bool m_wanted{false};
    bool m_open{false};
};

OcppLine::OcppLine(asio::io_context& io, LineOptions options, LineHandlers handlers)
    : m_impl{std::make_shared<Impl>(io, std::move(options), std::move(handlers))} {}

OcppLine::~OcppLine() { m_impl->close(); }

void OcppLine::go_online() { m_impl->go_online(); }

void OcppLine::go_offline() { m_impl->go_offline(); }

void OcppLine::reconnect() {
    m_impl->go_offline();
    m_impl->go_online();
}

bool OcppLine::is_open() const { return m_impl->is_open(); }

void OcppLine::call(OutgoingCall call) { m_impl->call(std::move(call)); }

void OcppLine::call_first(OutgoingCall call) { m_impl->call_first(std::move(call)); }

std::deque<OutgoingCall>& OcppLine::waiting() { return m_impl->waiting(); }

void OcppLine::answer(const std::string& id, const json::object& payload) {
    m_impl->send(json::array{message_result, id, payload});
}

void OcppLine::refuse(const std::string& id, const std::string& code) {
    m_impl->send(json::array{message_error, id, code, "", json::object{}});
}

void OcppLine::say(std::string text, bool binary) { m_impl->say(std::move(text), binary); }

}  // namespace tally::tools
