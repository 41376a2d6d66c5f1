#include "charger_bridge/server/websocket_server.h"

#include "charger_bridge/server/charger_stream.h"
#include "ledger/base/check.h"
#include "node/runtime/asio.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

namespace tally::bridge {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using SystemError = boost::system::error_code;

namespace {

constexpr std::size_t header_bytes_max{8UL * 1024};
constexpr std::chrono::seconds close_deadline{1};
constexpr std::chrono::milliseconds accept_retry_delay{100};

using HandshakeRequest = http::request<http::empty_body>;

/// The first sub-protocol that the client offers and we speak; empty when there is none. Names
/// compare case-sensitively.
std::string_view negotiated(const HandshakeRequest& request) {
    for (const auto& field : request) {
        if (field.name() != http::field::sec_websocket_protocol) {
            continue;
        }
        for (const auto offered : http::token_list{field.value()}) {
            const std::string_view name{offered.data(), offered.size()};
            const auto known = std::find(sub_protocols.begin(), sub_protocols.end(), name);
            if (known != sub_protocols.end()) {
                return *known;
            }
        }
    }
    return {};
}

std::string_view as_view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Beast finds these two by the type of the stream, when a websocket is closed in order.
inline void teardown(beast::role_type role, ChargerStream& stream, SystemError& error) {
    stream.close_notify();
    websocket::teardown(role, stream.next_layer(), error);
}
template <typename Handler>
void async_teardown(beast::role_type role, ChargerStream& stream, Handler&& handler) {
    stream.close_notify();
    websocket::async_teardown(role, stream.next_layer(), std::forward<Handler>(handler));
}

class WebSocketServer::Impl : public std::enable_shared_from_this<WebSocketServer::Impl> {
public:
    Impl(asio::io_context& io, std::shared_ptr<const ServerTls> tls, SocketHandlers handlers,
         const ServerLimits& limits)
        : m_io{io},
          m_room{io, asio::steady_timer::time_point::max()},
          m_tls{std::move(tls)},
          m_handlers{std::move(handlers)},
          m_limits{limits} {}

    void listen(const ListenAt& where);
    void start();
    void stop();
    [[nodiscard]] std::uint16_t port(std::size_t listener) const;
    void use_tls(std::shared_ptr<const ServerTls> tls) { m_tls = std::move(tls); }
    void send(SocketId id, std::string text);
    void close(SocketId id, const std::string& why);
    [[nodiscard]] std::size_t size() const { return m_open.size(); }
    [[nodiscard]] std::size_t handshaking() const { return m_handshaking.size(); }

private:
    using Stream = websocket::stream<ChargerStream>;
    struct Listener {
        tcp::acceptor acceptor;
        bool is_encrypted;
    };

    /// One connection from accept to close. Shared by its reader, writer and timers.
    struct Connection {
        Connection(tcp::socket socket, const std::shared_ptr<const ServerTls>& tls,
                   std::string from)
            : stream{std::move(socket), tls},
              close_timer{stream.get_executor()},
              decided{stream.get_executor()},
              address{std::move(from)} {}
        void hang_up() {
            SystemError ignored;
            beast::get_lowest_layer(stream).close(ignored);
            decided.cancel();
        }
        Stream stream;
        asio::steady_timer close_timer;   ///< ends the handshake, later the closing
        asio::steady_timer decided;       ///< cancelled when there is a verdict
        std::optional<bool> is_admitted;  ///< the verdict
        std::string address;
        std::string_view sub_protocol;  ///< negotiated; of static storage
        beast::flat_buffer buffer;
        SocketId id;
        std::deque<std::string> queue;  ///< the first one is being written
        std::size_t queued_bytes{0};
        bool writing{false};
        std::string closing;  ///< why, once we close
    };
    using Shared = std::shared_ptr<Connection>;
    using Self = std::shared_ptr<Impl>;

    static asio::awaitable<void> accept_loop(Self self, Listener* listener);
    static asio::awaitable<tcp::socket> accept_one(Self self, Listener* listener);
    [[nodiscard]] bool is_crowded(const std::string& address) const;
    static asio::awaitable<void> serve(Self self, Shared connection);
    /// The station and true when the handshake is complete and may be used.
    static asio::awaitable<bool> handshake(Self self, Shared connection, std::string* station);
    static asio::awaitable<bool> authenticate(Self self, Shared connection, Knock knock);
    static asio::awaitable<bool> upgrade(Self self, Shared connection, HandshakeRequest request);
    static asio::awaitable<void> reject(Self self, Shared connection, http::status status);
    static asio::awaitable<std::string> read_all(Self self, Shared connection);

    static void hang_up_after(const Shared& connection, std::chrono::milliseconds deadline);
    void write_next(const Shared& connection);
    void cut(const Shared& connection, const std::string& why);
    void count_in(const std::string& address) { ++m_by_address[address]; }
    void count_out(const std::string& address);
    void report_rejected(const std::string& why) const {
        if (!m_stopped) {
            m_handlers.rejected(why);
        }
    }

    asio::io_context& m_io;
    std::list<Listener> m_listeners;
    asio::steady_timer m_room;  ///< cancelled whenever a handshake ends
    std::shared_ptr<const ServerTls> m_tls;
    SocketHandlers m_handlers;
    ServerLimits m_limits;
    std::map<std::uint64_t, Shared> m_open;
    std::map<Connection*, Shared> m_handshaking;
    std::map<std::string, std::size_t> m_by_address;
    std::uint64_t m_next{1};
    bool m_stopped{false};
};

void WebSocketServer::Impl::listen(const ListenAt& where) {
    ENSURE(!where.is_encrypted || m_tls != nullptr);
    Listener& listener =
        m_listeners.emplace_back(Listener{tcp::acceptor{m_io}, where.is_encrypted});
    try {
        const asio::ip::address address =
            asio::ip::make_address(where.host == "localhost" ? "127.0.0.1" : where.host);
        const tcp::endpoint endpoint{address, where.port};
        listener.acceptor.open(endpoint.protocol());
        listener.acceptor.set_option(asio::socket_base::reuse_address{true});
        listener.acceptor.bind(endpoint);
        listener.acceptor.listen();
    } catch (const boost::system::system_error& failure) {
        throw std::system_error{
            failure.code(), "cannot listen on " + where.host + ':' + std::to_string(where.port)};
    }
}

void WebSocketServer::Impl::start() {
    for (Listener& listener : m_listeners) {
        asio::co_spawn(m_io, accept_loop(shared_from_this(), &listener), asio::detached);
    }
}

std::uint16_t WebSocketServer::Impl::port(std::size_t listener) const {
    ENSURE(listener < m_listeners.size());
    return std::next(m_listeners.begin(), static_cast<std::ptrdiff_t>(listener))
        ->acceptor.local_endpoint()
        .port();
}

void WebSocketServer::Impl::stop() {
    if (m_stopped) {
        return;
    }
    m_stopped = true;
    SystemError ignored;
    for (Listener& listener : m_listeners) {
        listener.acceptor.close(ignored);
    }
    m_room.cancel();
    for (const auto& [number, connection] : m_open) {
        connection->hang_up();
        connection->close_timer.cancel();
    }
    for (const auto& [key, connection] : m_handshaking) {
        connection->hang_up();
    }
}

void WebSocketServer::Impl::count_out(const std::string& address) {
    const auto found = m_by_address.find(address);
    if (found != m_by_address.end() && --found->second == 0) {
        m_by_address.erase(found);
    }
}

bool WebSocketServer::Impl::is_crowded(const std::string& address) const {
    const auto found = m_by_address.find(address);
    return m_open.size() + m_handshaking.size() >= sockets_max ||
           (found != m_by_address.end() && found->second >= sockets_per_address_max);
}

/// The next connection, once there is room for its handshake; a closed socket when stopped.
asio::awaitable<tcp::socket> WebSocketServer::Impl::accept_one(Self self, Listener* listener) {
    asio::steady_timer retry{self->m_io};
    SystemError error;
    tcp::socket socket = co_await listener->acceptor.async_accept(node::await_into(error));
    while (error && !self->m_stopped) {  // Out of descriptors, or the client left already.
        retry.expires_after(accept_retry_delay);
        co_await retry.async_wait(node::await_into(error));
        socket = co_await listener->acceptor.async_accept(node::await_into(error));
    }
    while (!self->m_stopped && self->m_handshaking.size() >= self->m_limits.handshakes) {
        co_await self->m_room.async_wait(node::await_into(error));
    }
    co_return socket;
}

asio::awaitable<void> WebSocketServer::Impl::accept_loop(Self self, Listener* listener) {
    while (!self->m_stopped) {
        tcp::socket socket = co_await accept_one(self, listener);
        if (self->m_stopped) {
            co_return;
        }
        SystemError error;
        const tcp::endpoint remote = socket.remote_endpoint(error);
        const std::string address = error ? std::string{} : remote.address().to_string();
        if (self->is_crowded(address)) {
            self->report_rejected("too_many_connections");
            continue;
        }
        socket.set_option(tcp::no_delay{true}, error);
        auto connection = std::make_shared<Connection>(
            std::move(socket), listener->is_encrypted ? self->m_tls : nullptr, address);
        self->count_in(address);
        self->m_handshaking[connection.get()] = connection;
        asio::co_spawn(self->m_io, serve(self, connection), asio::detached);
    }
}

void WebSocketServer::Impl::hang_up_after(const Shared& connection,
                                          std::chrono::milliseconds deadline) {
    connection->close_timer.expires_after(deadline);
    connection->close_timer.async_wait([connection](SystemError error) {
        if (!error) {
            connection->hang_up();
        }
    });
}

asio::awaitable<void> WebSocketServer::Impl::serve(Self self, Shared connection) {
    std::string station;
    hang_up_after(connection, self->m_limits.handshake_deadline);
    const bool complete = co_await handshake(self, connection, &station);
    connection->close_timer.cancel();
    self->m_handshaking.erase(connection.get());
    self->m_room.cancel();
    if (!complete || self->m_stopped) {
        connection->hang_up();
        self->count_out(connection->address);
        co_return;
    }
    connection->id = SocketId{self->m_next++};
    self->m_open[connection->id.number] = connection;
    std::string why;
    const bool wanted = self->m_handlers.opened(station, connection->id, connection->sub_protocol);
    if (wanted) {
        why = co_await read_all(self, connection);
    } else {
        SystemError error;
        const websocket::close_reason reason{websocket::close_code::try_again_later};
        co_await connection->stream.async_close(reason, node::await_into(error));
    }
    self->m_open.erase(connection->id.number);
    self->count_out(connection->address);
    connection->close_timer.cancel();
    connection->hang_up();
    if (wanted && !self->m_stopped) {
        self->m_handlers.closed(connection->id, why);
    }
}

asio::awaitable<bool> WebSocketServer::Impl::handshake(Self self, Shared connection,
                                                       std::string* station) {
    ChargerStream& lower = connection->stream.next_layer();
    SystemError error;
    if (lower.is_encrypted()) {
        co_await lower.async_handshake(node::await_into(error));
        if (error || self->m_stopped) {
            self->report_rejected("bad_tls_handshake");
            co_return false;
        }
    }
    http::request_parser<http::empty_body> parser;
    parser.header_limit(header_bytes_max);
    co_await http::async_read_header(lower, connection->buffer, parser, node::await_into(error));
    // A client that talks on before it was answered does not speak websocket.
    if (error || self->m_stopped || connection->buffer.size() != 0) {
        self->report_rejected("bad_handshake");
        co_return false;
    }
    HandshakeRequest request = parser.release();
    const std::string_view target = as_view(request.target());
    if (!target.starts_with("/ocpp/")) {
        self->report_rejected("not_found");
        co_await reject(self, connection, http::status::not_found);
        co_return false;
    }
    // What cannot be an id is an unknown one: the same answer, after the same work.
    *station = station_from_path(target).value_or("");
    Knock knock{*station, {}, connection->address, lower.is_encrypted(), lower.client()};
    if (request.count(http::field::authorization) == 1) {
        knock.authorization = as_view(request[http::field::authorization]);
    }
    if (!co_await authenticate(self, connection, std::move(knock))) {
        self->report_rejected("unauthorized");
        co_await reject(self, connection, http::status::unauthorized);
        co_return false;
    }
    if (!websocket::is_upgrade(request)) {
        self->report_rejected("no_upgrade");
        co_await reject(self, connection, http::status::upgrade_required);
        co_return false;
    }
    co_return co_await upgrade(self, connection, std::move(request));
}

asio::awaitable<bool> WebSocketServer::Impl::authenticate(Self self, Shared connection,
                                                          Knock knock) {
    connection->decided.expires_at(std::chrono::steady_clock::time_point::max());
    const auto decide = [weak = std::weak_ptr<Connection>{connection}](bool is_admitted) {
        if (const Shared waiting = weak.lock()) {
            waiting->is_admitted = is_admitted;
            waiting->decided.cancel();
        }
    };
    self->m_handlers.authenticate(knock, decide);
    // Ended by the verdict, or by the deadline of the handshake, which leaves none.
    if (!connection->is_admitted) {
        SystemError ignored;
        co_await connection->decided.async_wait(node::await_into(ignored));
    }
    co_return !self->m_stopped && connection->is_admitted.value_or(false);
}

asio::awaitable<void> WebSocketServer::Impl::reject(Self /*self*/, Shared connection,
                                                    http::status status) {
    http::response<http::string_body> response{status, 11};
    response.set(http::field::connection, "close");
    if (status == http::status::unauthorized) {
        response.set(http::field::www_authenticate, "Basic realm=\"ocpp\"");
    }
    if (status == http::status::upgrade_required) {
        response.set(http::field::upgrade, "websocket");
    }
    response.prepare_payload();
    ChargerStream& lower = connection->stream.next_layer();
    SystemError error;
    co_await http::async_write(lower, response, node::await_into(error));
    lower.close_notify();
    lower.next_layer().shutdown(tcp::socket::shutdown_send, error);
}

asio::awaitable<bool> WebSocketServer::Impl::upgrade(Self self, Shared connection,
                                                     HandshakeRequest request) {
    Stream& stream = connection->stream;
    const std::string_view spoken = negotiated(request);
    connection->sub_protocol = spoken;
    const auto decorate = [spoken](websocket::response_type& response) {
        if (!spoken.empty()) {
            response.set(http::field::sec_websocket_protocol,
                         beast::string_view{spoken.data(), spoken.size()});
        }
    };
    stream.set_option(websocket::stream_base::decorator(decorate));
    websocket::stream_base::timeout timeouts{};
    timeouts.handshake_timeout = self->m_limits.handshake_deadline;
    timeouts.idle_timeout = socket_idle_max;
    timeouts.keep_alive_pings = true;
    stream.set_option(timeouts);
    stream.read_message_max(ocpp_text_bytes_max);
    stream.auto_fragment(false);  // Not every charger puts fragments together.
    SystemError error;
    co_await stream.async_accept(request, node::await_into(error));
    if (error || self->m_stopped) {
        self->report_rejected("bad_handshake");
        co_return false;
    }
    if (spoken.empty()) {
        self->report_rejected("no_sub_protocol");
        const websocket::close_reason reason{websocket::close_code::protocol_error,
                                             "a sub-protocol of OCPP is needed"};
        co_await stream.async_close(reason, node::await_into(error));
        co_return false;
    }
    co_return true;
}

asio::awaitable<std::string> WebSocketServer::Impl::read_all(Self self, Shared connection) {
    Stream& stream = connection->stream;
    connection->buffer.clear();
    for (;;) {
        SystemError error;
        co_await stream.async_read(connection->buffer, node::await_into(error));
        if (!connection->closing.empty()) {
            co_return connection->closing;
        }
        if (error == websocket::error::closed) {
            co_return "closed_by_charger";
        }
        if (error == beast::error::timeout) {
            co_return "silent";
        }
        if (error == websocket::error::message_too_big) {
            co_return "message_too_big";
        }
        if (error) {
            co_return "broken";
        }
        if (self->m_stopped) {
            co_return "stopped";
        }
        if (!stream.got_text()) {
            self->close(connection->id, "binary_message");
            continue;
        }
        const auto data = connection->buffer.data();
        const std::string text{static_cast<const char*>(data.data()), data.size()};
        connection->buffer.consume(data.size());
        self->m_handlers.received(connection->id, text);
    }
}

void WebSocketServer::Impl::send(SocketId id, std::string text) {
    const auto found = m_open.find(id.number);
    if (found == m_open.end() || !found->second->closing.empty()) {
        return;
    }
    const Shared connection = found->second;
    connection->queued_bytes += text.size();
    connection->queue.push_back(std::move(text));
    if (connection->queued_bytes > socket_queue_bytes_max) {
        cut(connection, "not_reading");
        return;
    }
    if (!connection->writing) {
        write_next(connection);
    }
}

void WebSocketServer::Impl::write_next(const Shared& connection) {
    connection->writing = true;
    connection->stream.text(true);
    const asio::const_buffer bytes = asio::buffer(connection->queue.front());
    connection->stream.async_write(
        bytes, [self = shared_from_this(), connection](SystemError error, std::size_t /*size*/) {
            connection->writing = false;
            if (error) {
                connection->queue.clear();
                return;  // The reader sees the broken connection too, and reports it.
            }
            connection->queued_bytes -= connection->queue.front().size();
            connection->queue.pop_front();
            if (!connection->queue.empty()) {
                self->write_next(connection);
            }
        });
}

void WebSocketServer::Impl::cut(const Shared& connection, const std::string& why) {
    connection->closing = why;
    connection->hang_up();
}

void WebSocketServer::Impl::close(SocketId id, const std::string& why) {
    const auto found = m_open.find(id.number);
    if (found == m_open.end() || !found->second->closing.empty()) {
        return;
    }
    const Shared connection = found->second;
    connection->closing = why;
    const websocket::close_reason reason{websocket::close_code::policy_error, why};
    connection->stream.async_close(reason, [connection](SystemError /*error*/) {
        // Done or not, the reader ends now.
        connection->hang_up();
    });
    hang_up_after(connection, close_deadline);
}

WebSocketServer::WebSocketServer(asio::io_context& io, const std::vector<ListenAt>& listeners,
                                 std::shared_ptr<const ServerTls> tls, SocketHandlers handlers,
                                 const ServerLimits& limits)
    : m_impl{std::make_shared<Impl>(io, std::move(tls), std::move(handlers), limits)} {
    for (const ListenAt& where : listeners) {
        m_impl->listen(where);
    }
    m_impl->start();
}

WebSocketServer::~WebSocketServer() { m_impl->stop(); }

std::uint16_t WebSocketServer::port(std::size_t listener) const { return m_impl->port(listener); }

void WebSocketServer::use_tls(std::shared_ptr<const ServerTls> tls) {
    m_impl->use_tls(std::move(tls));
}

void WebSocketServer::send(SocketId socket, std::string text) {
    m_impl->send(socket, std::move(text));
}

void WebSocketServer::close(SocketId socket, const std::string& why) { m_impl->close(socket, why); }

void WebSocketServer::stop() { m_impl->stop(); }

std::size_t WebSocketServer::size() const { return m_impl->size(); }

std::size_t WebSocketServer::handshaking() const { return m_impl->handshaking(); }

}  // namespace tally::bridge
