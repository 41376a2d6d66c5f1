#include "node/runtime/http_server.h"

#include "ledger/base/check.h"
#include "node/runtime/asio.h"
#include "node/runtime/http_target.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <system_error>

namespace tally::node {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr std::size_t read_buffer_bytes_max{64UL * 1024};
constexpr std::size_t file_piece_bytes{64UL * 1024};
/// What a refused client may still send before its connection is cut, so that it sees the answer.
constexpr std::size_t drain_bytes_max{256UL * 1024};
constexpr std::chrono::seconds drain_deadline{1};
constexpr std::chrono::milliseconds accept_retry_delay{100};

using Parser = http::request_parser<http::string_body>;
using Fields = http::fields;

/// Where a handler's answer is put, now or later; handlers may keep it longer than the server
/// lives.
struct ReplySlot {
    std::optional<HttpResponse> response;
    bool closed{false};
};

/// Why a request is refused before the handler sees it.
struct Refusal {
    unsigned status;
    const char* code;
    const char* message;
};

std::optional<Refusal> refusal_of(const ErrorCode& error) {
    if (error == http::error::end_of_stream || error == asio::error::operation_aborted) {
        return std::nullopt;  // Nobody is there to read an answer.
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return Refusal{431, "header_too_large", "the request header is too large"};
    }
    if (error == http::error::body_limit) {
        return Refusal{413, "body_too_large", "the request body is too large"};
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::partial_message) {
        return Refusal{400, "bad_request", "the request is not well-formed HTTP/1.1"};
    }
    return std::nullopt;  // The connection broke.
}

/// Checks what decides where a request ends, and what Beast lets pass (RFC 9112, section 6.3):
/// two parties who read it differently are how requests are smuggled.
std::optional<Refusal> check_framing(const http::request<http::string_body>& request) {
    const Refusal ambiguous{400, "bad_request", "the length of the request is ambiguous"};
    const std::size_t lengths = request.count(http::field::content_length);
    if (request.count(http::field::transfer_encoding) != 0) {
        const bool chunked = beast::iequals(request[http::field::transfer_encoding], "chunked");
        if (lengths != 0 || !chunked || request.version() != 11) {
            return ambiguous;
        }
        return Refusal{411, "length_required", "send a Content-Length"};
    }
    if (lengths > 1) {
        return ambiguous;
    }
    if (lengths == 1) {
        const auto value = request[http::field::content_length];
        const bool digits = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
            return c >= '0' && c <= '9';
        });
        if (!digits) {
            return ambiguous;
        }
    }
    if (request.version() != 11 && request.version() != 10) {
        return Refusal{400, "bad_request", "only HTTP/1.1 and HTTP/1.0 are spoken here"};
    }
    const std::size_t hosts = request.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && request.version() == 11)) {
        return Refusal{400, "bad_request", "exactly one Host is needed"};
    }
    if (request.count(http::field::authorization) > 1) {
        return Refusal{400, "bad_request", "at most one Authorization is accepted"};
    }
    return std::nullopt;
}

bool holds_control(const std::string& text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

tcp::endpoint endpoint_of(const std::string& host, std::uint16_t port) {
    ErrorCode error;
    const asio::ip::address address =
        asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
    if (error) {
        throw std::system_error{error, "not an address to listen on: " + host};
    }
    return {address, port};
}

}  // namespace

/// State shared by the server and its connections; a connection keeps it alive until it ends.
class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& io, HttpHandler handler, const HttpLimits& limits)
        : m_io{io}, m_acceptor{io}, m_handler{std::move(handler)}, m_limits{limits} {}

    void listen(const std::string& host, std::uint16_t port);
    void stop();
    void abort();
    [[nodiscard]] std::uint16_t port() const { return m_port; }
    [[nodiscard]] HttpCounts counts() const;

private:
    class Session;
    using Self = std::shared_ptr<Impl>;

    static asio::awaitable<void> accept_all(Self self);
    void admit(tcp::socket socket);
    static asio::awaitable<void> refuse(Self self, tcp::socket socket);
    void ended(Session& session, const std::string& address);

    asio::io_context& m_io;
    tcp::acceptor m_acceptor;
    HttpHandler m_handler;
    HttpLimits m_limits;
    std::uint16_t m_port{0};
    bool m_stopping{false};
    std::set<Session*> m_sessions;
    std::map<std::string, std::size_t> m_per_address;
    std::size_t m_refusing{0};
    HttpCounts m_counts;
};

/// One connection: reads a request, has it answered, and again.
class HttpServer::Impl::Session : public std::enable_shared_from_this<Session> {
public:
    Session(Impl& server, tcp::socket socket, std::string address)
        : m_server{server},
          m_stream{std::move(socket)},
          m_deadline{server.m_io},
          m_answered{server.m_io},
          m_address{std::move(address)} {}

    static asio::awaitable<void> run(std::shared_ptr<Impl> server, std::shared_ptr<Session> self);

    /// Ends the connection: at once when idle or `now`, else after the answer under way.
    void close(bool now) {
        m_closing = true;
        if (now || m_idle) {
            ErrorCode ignored;
            m_stream.socket().close(ignored);
            m_stream.cancel();
        }
    }

private:
    enum class Next : std::uint8_t { another_request, drain, close };

    void begin_reading(std::chrono::milliseconds deadline);
    void end_reading() {
        m_reading = false;
        m_deadline.cancel();
    }

    asio::awaitable<bool> await_first_byte();
    asio::awaitable<Next> serve_one();
    asio::awaitable<std::optional<Refusal>> read_request(Parser& parser, bool& broken);
    asio::awaitable<HttpResponse> ask_handler(HttpRequest request);
    asio::awaitable<bool> write(HttpResponse response, bool head, bool keep_alive);
    asio::awaitable<bool> write_file(std::ifstream file, std::uint64_t length);
    asio::awaitable<void> drain();

    Impl& m_server;
    beast::tcp_stream m_stream;
    asio::steady_timer m_deadline;  ///< of reading
    asio::steady_timer m_answered;  ///< cancelled by the handler's reply, or expires
    beast::flat_buffer m_buffer{read_buffer_bytes_max};
    std::string m_address;
    bool m_reading{false};
    bool m_late{false};  ///< the deadline of reading has passed
    bool m_idle{false};
    bool m_first{true};
    bool m_closing{false};
};

asio::awaitable<void> HttpServer::Impl::Session::run(std::shared_ptr<Impl> server,
                                                     std::shared_ptr<Session> self) {
    Next next = Next::another_request;
    while (next == Next::another_request) {
        if (!co_await self->await_first_byte()) {
            next = Next::close;
            break;
        }
        next = co_await self->serve_one();
        self->m_first = false;
        if (self->m_closing) {
            next = Next::close;
        }
    }
    if (next == Next::drain) {
        co_await self->drain();
    }
    ErrorCode ignored;
    self->m_stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
    self->m_stream.close();
    server->ended(*self, self->m_address);
}

/// From now on reads fail when `deadline` has passed. The stream's own deadline would close the
/// socket, and then nobody could be told why.
void HttpServer::Impl::Session::begin_reading(std::chrono::milliseconds deadline) {
    m_stream.expires_never();
    m_reading = true;
    m_deadline.expires_after(deadline);
    m_deadline.async_wait([weak = weak_from_this()](const ErrorCode& cancelled) {
        const std::shared_ptr<Session> self = weak.lock();
        // A cancelled wait that had already expired still comes without an error.
        const bool late = self && !cancelled && self->m_reading &&
                          self->m_deadline.expiry() <= std::chrono::steady_clock::now();
        if (late) {
            self->m_late = true;
            self->m_stream.cancel();
        }
    });
}

/// Waits for a request to begin. A new connection has only the time of a header.
asio::awaitable<bool> HttpServer::Impl::Session::await_first_byte() {
    if (m_buffer.size() > 0) {
        co_return true;  // Pipelined.
    }
    m_idle = true;
    begin_reading(m_first ? m_server.m_limits.header_deadline : m_server.m_limits.idle_deadline);
    ErrorCode error;
    const auto space = m_buffer.prepare(4096);
    const std::size_t received = co_await m_stream.async_read_some(space, await_into(error));
    end_reading();
    m_idle = false;
    m_buffer.commit(received);
    co_return !error && !m_closing;
}

asio::awaitable<std::optional<Refusal>> HttpServer::Impl::Session::read_request(Parser& parser,
                                                                                bool& broken) {
    parser.header_limit(static_cast<std::uint32_t>(http_header_bytes_max));
    parser.body_limit(m_server.m_limits.body_bytes_max);
    ErrorCode error;
    begin_reading(m_server.m_limits.header_deadline);
    co_await http::async_read_header(m_stream, m_buffer, parser, await_into(error));
    if (!error) {
        if (const std::optional<Refusal> refusal = check_framing(parser.get())) {
            co_return refusal;
        }
        if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            const std::string_view go_on{"HTTP/1.1 100 Continue\r\n\r\n"};
            const asio::const_buffer buffer{go_on.data(), go_on.size()};
            co_await asio::async_write(m_stream, buffer, await_into(error));
        }
    }
    if (!error) {
        begin_reading(m_server.m_limits.body_deadline);
        co_await http::async_read(m_stream, m_buffer, parser, await_into(error));
    }
    if (!error) {
        co_return std::nullopt;
    }
    const std::optional<Refusal> refusal =
        m_late ? Refusal{408, "timeout", "the request did not arrive in time"} : refusal_of(error);
    broken = !refusal;
    co_return refusal;
}

asio::awaitable<HttpServer::Impl::Session::Next> HttpServer::Impl::Session::serve_one() {
    Parser parser;
    bool broken{false};
    std::optional<Refusal> refusal = co_await read_request(parser, broken);
    end_reading();
    if (broken) {
        co_return Next::close;
    }
    const auto& message = parser.get();
    std::string_view target_text{message.target().data(), message.target().size()};
    const auto target = parse_http_target(target_text);
    if (!refusal && !target) {
        refusal = Refusal{400, "bad_target", to_text(target.error())};
    }
    if (refusal) {
        HttpResponse response = http_error(refusal->status, refusal->code, refusal->message);
        const bool sent = co_await write(std::move(response), false, false);
        co_return sent ? Next::drain : Next::close;
    }
    HttpRequest request;
    const bool head = message.method() == http::verb::head;
    const bool keep_alive = message.keep_alive();
    request.method = head ? "GET" : std::string{message.method_string()};
    request.path = target->path;
    request.query = target->query;
    request.bearer_token = bearer_token_of(std::string{message[http::field::authorization]});
    request.content_type = std::string{message[http::field::content_type]};
    request.remote_address = m_address;
    request.body = std::move(parser.get().body());
    HttpResponse response = co_await ask_handler(std::move(request));
    const bool again = keep_alive && !m_closing;
    const bool sent = co_await write(std::move(response), head, again);
    co_return sent&& again ? Next::another_request : Next::close;
}

asio::awaitable<HttpResponse> HttpServer::Impl::Session::ask_handler(HttpRequest request) {
    const auto slot = std::make_shared<ReplySlot>();
    m_answered.expires_after(m_server.m_limits.reply_deadline);
    HttpReply reply = [slot, weak = weak_from_this()](HttpResponse response) {
        const std::shared_ptr<Session> self = weak.lock();
        if (self && !slot->closed && !slot->response) {
            slot->response = std::move(response);
            self->m_answered.cancel();
        }
    };
    ++m_server.m_counts.requests;
    try {
        m_server.m_handler(request, std::move(reply));
    } catch (const std::exception&) {
        slot->response = http_error(500, "internal", "the request could not be handled");
    }
    m_stream.expires_never();
    if (!slot->response) {
        ErrorCode ignored;
        co_await m_answered.async_wait(await_into(ignored));
    }
    slot->closed = true;
    if (!slot->response) {
        co_return http_error(504, "timeout", "the answer was not ready in time");
    }
    co_return std::move(*slot->response);
}

asio::awaitable<bool> HttpServer::Impl::Session::write(HttpResponse response, bool head,
                                                       bool keep_alive) {
    std::ifstream file;
    std::uint64_t file_length{0};
    const bool from_file = !response.file_path.empty();
    if (from_file) {
        file.open(response.file_path, std::ios::binary | std::ios::ate);
        if (file) {
            const auto size = static_cast<std::uint64_t>(file.tellg());
            const std::uint64_t offset = std::min(response.file_offset, size);
            file_length = std::min(response.file_length, size - offset);
            file.seekg(static_cast<std::streamoff>(offset));
        } else {
            response = http_error(404, "not_found", "the file is not there");
        }
    }
    const bool send_file = from_file && file.is_open();
    const std::uint64_t length = send_file ? file_length : response.body.size();
    http::response<http::string_body> message;
    message.version(11);
    message.result(response.status);
    for (const auto& [name, value] : response.headers) {
        ENSURE(!holds_control(name) && !holds_control(value));
        message.set(name, value);
    }
    ENSURE(!holds_control(response.content_type));
    message.set(http::field::content_type, response.content_type);
    message.set(http::field::content_length, std::to_string(length));
    message.set("X-Content-Type-Options", "nosniff");
    message.set(http::field::connection, keep_alive ? "keep-alive" : "close");
    if (!send_file && !head) {
        message.body() = std::move(response.body);
    }
    ++m_server.m_counts.status[response.status];
    ErrorCode error;
    m_stream.expires_after(m_server.m_limits.write_deadline);
    http::response_serializer<http::string_body> serializer{message};
    co_await http::async_write(m_stream, serializer, await_into(error));
    if (error || head || !send_file) {
        co_return !error;
    }
    co_return co_await write_file(std::move(file), file_length);
}

asio::awaitable<bool> HttpServer::Impl::Session::write_file(std::ifstream file,
                                                            std::uint64_t length) {
    std::string piece(file_piece_bytes, '\0');
    while (length > 0) {
        const auto wanted =
            static_cast<std::streamsize>(std::min<std::uint64_t>(length, piece.size()));
        if (!file.read(piece.data(), wanted)) {
            co_return false;  // The file shrank; the client sees a body that is too short.
        }
        ErrorCode error;
        m_stream.expires_after(m_server.m_limits.write_deadline);
        const asio::const_buffer buffer{piece.data(), static_cast<std::size_t>(wanted)};
        co_await asio::async_write(m_stream, buffer, await_into(error));
        if (error) {
            co_return false;
        }
        length -= static_cast<std::uint64_t>(wanted);
    }
    co_return true;
}

/// Closing with unread input would reset the connection and could destroy the answer on its way.
asio::awaitable<void> HttpServer::Impl::Session::drain() {
    ErrorCode error;
    m_stream.socket().shutdown(tcp::socket::shutdown_send, error);
    m_stream.expires_after(drain_deadline);
    std::size_t drained{0};
    while (!error && drained < drain_bytes_max) {
        m_buffer.clear();
        const auto space = m_buffer.prepare(4096);
        drained += co_await m_stream.async_read_some(space, await_into(error));
    }
}

void HttpServer::Impl::listen(const std::string& host, std::uint16_t port) {
    const tcp::endpoint endpoint = endpoint_of(host, port);
    try {
        m_acceptor.open(endpoint.protocol());
        m_acceptor.set_option(asio::socket_base::reuse_address{true});
        m_acceptor.bind(endpoint);
        m_acceptor.listen();
        m_port = m_acceptor.local_endpoint().port();
    } catch (const boost::system::system_error& failure) {
        throw std::system_error{failure.code(),
                                "cannot listen on " + host + ':' + std::to_string(port)};
    }
    asio::co_spawn(m_io, accept_all(shared_from_this()), asio::detached);
}

asio::awaitable<void> HttpServer::Impl::accept_all(Self self) {
    asio::steady_timer pause{self->m_io};
    while (!self->m_stopping) {
        ErrorCode error;
        tcp::socket socket = co_await self->m_acceptor.async_accept(await_into(error));
        if (!error) {
            self->admit(std::move(socket));
        } else if (!self->m_stopping) {  // Out of descriptors: try again a little later.
            pause.expires_after(accept_retry_delay);
            co_await pause.async_wait(await_into(error));
        }
    }
}

void HttpServer::Impl::admit(tcp::socket socket) {
    ErrorCode error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) {
        return;
    }
    socket.set_option(tcp::no_delay{true}, error);
    const std::string address = remote.address().to_string();
    const bool address_full = !remote.address().is_loopback() &&
                              m_per_address[address] >= m_limits.connections_per_address_max;
    if (m_sessions.size() >= m_limits.connections_max || address_full) {
        if (m_refusing < http_refusals_max) {
            ++m_refusing;
            asio::co_spawn(m_io, refuse(shared_from_this(), std::move(socket)), asio::detached);
        }
        return;
    }
    ++m_per_address[address];
    const auto session = std::make_shared<Session>(*this, std::move(socket), address);
    m_sessions.insert(session.get());
    asio::co_spawn(m_io, Session::run(shared_from_this(), session), asio::detached);
}

asio::awaitable<void> HttpServer::Impl::refuse(Self self, tcp::socket socket) {
    const std::string answer{
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n"
        "Retry-After: 1\r\n\r\n"};
    ++self->m_counts.status[503];
    beast::tcp_stream stream{std::move(socket)};
    stream.expires_after(drain_deadline);
    ErrorCode error;
    const asio::const_buffer buffer{answer.data(), answer.size()};
    co_await asio::async_write(stream, buffer, await_into(error));
    stream.socket().shutdown(tcp::socket::shutdown_send, error);
    std::array<char, 1024> ignored{};
    std::size_t drained{0};
    while (!error && drained < drain_bytes_max) {
        const asio::mutable_buffer space{ignored.data(), ignored.size()};
        drained += co_await stream.async_read_some(space, await_into(error));
    }
    --self->m_refusing;
}

void HttpServer::Impl::ended(Session& session, const std::string& address) {
    m_sessions.erase(&session);
    const auto found = m_per_address.find(address);
    if (found != m_per_address.end() && --found->second == 0) {
        m_per_address.erase(found);
    }
}

void HttpServer::Impl::stop() {
    m_stopping = true;
    ErrorCode ignored;
    m_acceptor.close(ignored);
    for (Session* session : m_sessions) {
        session->close(false);
    }
}

void HttpServer::Impl::abort() {
    stop();
    for (Session* session : m_sessions) {
        session->close(true);
    }
    m_handler = [](const HttpRequest&, const HttpReply& reply) {
        reply(http_error(503, "stopping", "the server is stopping"));
    };
}

HttpCounts HttpServer::Impl::counts() const {
    HttpCounts counts = m_counts;
    counts.connections = m_sessions.size();
    return counts;
}

HttpServer::HttpServer(asio::io_context& io, const std::string& host, std::uint16_t port,
                       HttpHandler handler, const HttpLimits& limits)
    : m_impl{std::make_shared<Impl>(io, std::move(handler), limits)} {
    m_impl->listen(host, port);
}
HttpServer::~HttpServer() { m_impl->abort(); }
std::uint16_t HttpServer::port() const { return m_impl->port(); }
HttpCounts HttpServer::counts() const { return m_impl->counts(); }
void HttpServer::stop() { m_impl->stop(); }

HttpResponse http_error(unsigned status, const std::string& code, const std::string& message) {
    HttpResponse response;
    response.status = status;
    boost::json::object error;
    error["code"] = code;
    error["message"] = message;
    boost::json::object body;
    body["error"] = std::move(error);
    response.body = boost::json::serialize(body);
    return response;
}

}  // namespace tally::node
