#include "node/runtime/http_client.h"

#include "node/runtime/asio.h"
#include "node/runtime/http_target.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <optional>
#include <vector>

namespace tally::node {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr std::size_t piece_bytes{64UL * 1024};
constexpr std::uint32_t response_header_bytes_max{64U * 1024};

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c | 0x20);
        }
    }
    return text;
}

/// One exchange: what goes in, and what came out of it.
struct Exchange {
    const HttpClientRequest& request;
    const HttpUrl& url;
    const HttpBodySink* sink;  ///< null: collect the body
    HttpClientResponse response;
    std::string failure;         ///< empty on success
    bool response_began{false};  ///< some byte of it was read
    bool keep_alive{false};
};

http::request<http::string_body> message_of(const HttpClientRequest& request, const HttpUrl& url) {
    http::request<http::string_body> message;
    message.version(11);
    message.method_string(request.method);
    message.target(url.target);
    const bool v6 = url.host.find(':') != std::string::npos;
    const std::string host = v6 ? '[' + url.host + ']' : url.host;
    message.set(http::field::host, host + ':' + std::to_string(url.port));
    if (!request.bearer_token.empty()) {
        message.set(http::field::authorization, "Bearer " + request.bearer_token);
    }
    for (const auto& [name, value] : request.headers) {
        message.set(name, value);
    }
    if (!request.body.empty()) {
        message.set(http::field::content_type, request.content_type);
    }
    message.body() = request.body;
    message.prepare_payload();
    return message;
}

}  // namespace

class HttpClient::Impl {
public:
    Expected<HttpClientResponse, HttpClientError> run(const HttpClientRequest& request,
                                                      const HttpBodySink* sink) {
        const std::optional<HttpUrl> url = parse_http_url(request.url);
        if (!url) {
            return Unexpected{HttpClientError{"not an http:// URL: " + request.url}};
        }
        m_deadline = std::chrono::steady_clock::now() + request.deadline;
        const std::string host = url->host + ' ' + std::to_string(url->port);
        const bool reused = m_stream && m_host == host;
        if (!reused) {
            close();
        }
        m_host = host;
        const bool safe = request.method == "GET" || request.method == "HEAD";
        Exchange exchange{request, *url, sink, {}, {}, false, false};
        attempt(exchange);
        if (!exchange.failure.empty() && reused && safe && !exchange.response_began) {
            close();
            exchange.failure.clear();
            attempt(exchange);
        }
        if (!exchange.failure.empty() || !exchange.keep_alive) {
            close();
        }
        if (!exchange.failure.empty()) {
            return Unexpected{HttpClientError{request.url + ": " + exchange.failure}};
        }
        return std::move(exchange.response);
    }

private:
    void close() {
        m_stream.reset();
        m_buffer.clear();
    }

    void attempt(Exchange& exchange) {
        m_io.restart();
        asio::co_spawn(m_io, perform(exchange), asio::detached);
        m_io.run();
    }

    asio::awaitable<void> connect(Exchange& exchange) {
        ErrorCode error;
        tcp::resolver resolver{m_io};
        asio::steady_timer deadline{m_io, m_deadline};
        deadline.async_wait([&resolver](const ErrorCode& cancelled) {
            if (!cancelled) {
                resolver.cancel();
            }
        });
        const std::string port = std::to_string(exchange.url.port);
        const auto endpoints =
            co_await resolver.async_resolve(exchange.url.host, port, await_into(error));
        deadline.cancel();
        if (error) {
            exchange.failure = "cannot resolve the host: " + error.message();
            co_return;
        }
        m_stream.emplace(m_io);
        m_stream->expires_at(m_deadline);
        co_await m_stream->async_connect(endpoints, await_into(error));
        if (error) {
            exchange.failure = "cannot connect: " + error.message();
            m_stream.reset();
            co_return;
        }
        m_stream->socket().set_option(tcp::no_delay{true}, error);
    }

    asio::awaitable<void> perform(Exchange& exchange) {
        if (!m_stream) {
            co_await connect(exchange);
        }
        if (!exchange.failure.empty()) {
            co_return;
        }
        ErrorCode error;
        m_stream->expires_at(m_deadline);
        auto message = message_of(exchange.request, exchange.url);
        co_await http::async_write(*m_stream, message, await_into(error));
        // A server that refuses a request early answers and closes while we still send.
        const ErrorCode write_error = error;
        http::response_parser<http::buffer_body> parser;
        parser.header_limit(response_header_bytes_max);
        parser.body_limit(exchange.request.body_bytes_max);
        parser.skip(exchange.request.method == "HEAD");
        co_await http::async_read_header(*m_stream, m_buffer, parser, await_into(error));
        exchange.response_began = parser.got_some();
        if (error) {
            exchange.failure = (write_error ? write_error : error).message();
            co_return;
        }
        exchange.response.status = parser.get().result_int();
        for (const auto& field : parser.get()) {
            exchange.response.headers[lower(std::string{field.name_string()})] =
                std::string{field.value()};
        }
        exchange.response.content_type = exchange.response.headers["content-type"];
        co_await read_body(exchange, parser);
        exchange.keep_alive = !write_error && parser.keep_alive();
    }

    asio::awaitable<void> read_body(Exchange& exchange,
                                    http::response_parser<http::buffer_body>& parser) {
        const bool to_sink = exchange.sink != nullptr && exchange.response.status / 100 == 2;
        std::vector<char> piece(piece_bytes);
        while (!parser.is_done()) {
            parser.get().body().data = piece.data();
            parser.get().body().size = piece.size();
            ErrorCode error;
            co_await http::async_read(*m_stream, m_buffer, parser, await_into(error));
            if (error && error != http::error::need_buffer) {
                exchange.failure = error.message();
                co_return;
            }
            const std::string_view got{piece.data(), piece.size() - parser.get().body().size};
            if (!to_sink) {
                exchange.response.body += got;
            } else if (!got.empty() && !(*exchange.sink)(got)) {
                exchange.failure = "the download was stopped by the receiver";
                co_return;
            }
        }
    }

    asio::io_context m_io{1};
    std::optional<beast::tcp_stream> m_stream;
    beast::flat_buffer m_buffer{piece_bytes + response_header_bytes_max};
    std::string m_host;
    std::chrono::steady_clock::time_point m_deadline;
};

HttpClient::HttpClient() : m_impl{std::make_unique<Impl>()} {}
HttpClient::~HttpClient() = default;

Expected<HttpClientResponse, HttpClientError> HttpClient::request(
    const HttpClientRequest& request) {
    return m_impl->run(request, nullptr);
}
Expected<HttpClientResponse, HttpClientError> HttpClient::download(const HttpClientRequest& request,
                                                                   const HttpBodySink& sink) {
    return m_impl->run(request, &sink);
}

Expected<HttpClientResponse, HttpClientError> http_request(const HttpClientRequest& request) {
    return HttpClient{}.request(request);
}
Expected<HttpClientResponse, HttpClientError> http_download(const HttpClientRequest& request,
                                                            const HttpBodySink& sink) {
    return HttpClient{}.download(request, sink);
}

}  // namespace tally::node
