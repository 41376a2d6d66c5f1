#include "tools/charge/websocket_client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <charconv>
#include <chrono>
#include <deque>
#include <utility>

namespace tally::tools {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds connect_deadline{10};

std::string basic_credentials(const std::string& user, const std::string& password) {
    const std::string plain = user + ":" + password;
    std::string encoded(beast::detail::base64::encoded_size(plain.size()), '\0');
    encoded.resize(beast::detail::base64::encode(encoded.data(), plain.data(), plain.size()));
    return "Basic " + encoded;
}

}  // namespace

class WebSocketClient::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& io, WebSocketTarget target, WebSocketHandlers handlers)
        : m_stream{io}, m_target{std::move(target)}, m_handlers{std::move(handlers)} {}

    void connect() {
        error_code error;
        const auto address = asio::ip::make_address(m_target.host, error);
        if (error) {
            end("not an address: " + m_target.host);
            return;
        }
        beast::get_lowest_layer(m_stream).expires_after(connect_deadline);
        auto connected = [self = shared_from_this()](error_code failed) {
            failed ? self->end(failed.message()) : self->upgrade();
        };
        beast::get_lowest_layer(m_stream).async_connect({address, m_target.port},
                                                        std::move(connected));
    }

    void send(std::string text) {
        m_queue.push_back(std::move(text));
        if (m_open && !m_writing) {
            write();
        }
    }

    void detach() {
        m_handlers = {};
        error_code ignored;
        beast::get_lowest_layer(m_stream).socket().close(ignored);
    }

private:
    void upgrade() {
        beast::get_lowest_layer(m_stream).expires_never();
        beast::get_lowest_layer(m_stream).socket().set_option(asio::ip::tcp::no_delay{true});
        m_stream.read_message_max(websocket_message_bytes_max);
        m_stream.set_option(websocket::stream_base::timeout::suggested(beast::role_type::client));
        auto decorate = [this](websocket::request_type& request) {
            request.set(beast::http::field::sec_websocket_protocol, m_target.protocol);
            request.set(beast::http::field::authorization,
                        basic_credentials(m_target.user, m_target.password));
        };
        m_stream.set_option(websocket::stream_base::decorator(std::move(decorate)));
        auto shaken = [self = shared_from_this()](error_code failed) { self->opened(failed); };
        m_stream.async_handshake(m_response, m_target.host, m_target.path, std::move(shaken));
    }

    void opened(error_code failed) {
        if (failed) {
            end("refused: " + failed.message());
            return;
        }
        if (m_response[beast::http::field::sec_websocket_protocol] != m_target.protocol) {
            end("the server does not speak " + m_target.protocol);
            return;
        }
        m_open = true;
        if (m_handlers.opened) {
            m_handlers.opened();
        }
        if (!m_queue.empty() && !m_writing) {
            write();
        }
        read();
    }

    void read() {
        auto done = [self = shared_from_this()](error_code failed, std::size_t) {
            if (failed) {
                self->end(failed.message());
                return;
            }
            std::string text = beast::buffers_to_string(self->m_buffer.data());
            self->m_buffer.consume(self->m_buffer.size());
            if (self->m_handlers.received) {
                self->m_handlers.received(std::move(text));
            }
            if (!self->m_ended) {
                self->read();
            }
        };
        m_stream.async_read(m_buffer, std::move(done));
    }

    void write() {
        m_writing = true;
        m_stream.text(true);
        auto done = [self = shared_from_this()](error_code failed, std::size_t) {
            self->m_writing = false;
            if (failed) {
                self->end(failed.message());
                return;
            }
            self->m_queue.pop_front();
            if (!self->m_queue.empty()) {
                self->write();
            }
        };
        m_stream.async_write(asio::buffer(m_queue.front()), std::move(done));
    }

    void end(const std::string& why) {
        if (m_ended) {
            return;
        }
        m_ended = true;
        m_open = false;
        error_code ignored;
        beast::get_lowest_layer(m_stream).socket().close(ignored);
        if (m_handlers.closed) {
            m_handlers.closed(why);
        }
    }

    websocket::stream<beast::tcp_stream> m_stream;
    WebSocketTarget m_target;
    WebSocketHandlers m_handlers;
    websocket::response_type m_response;
    beast::flat_buffer m_buffer;
    std::deque<std::string> m_queue;
    bool m_open{false};
    bool m_writing{false};
    bool m_ended{false};
};

WebSocketClient::WebSocketClient(asio::io_context& io, WebSocketTarget target,
                                 WebSocketHandlers handlers)
    : m_impl{std::make_shared<Impl>(io, std::move(target), std::move(handlers))} {}

WebSocketClient::~WebSocketClient() { m_impl->detach(); }

void WebSocketClient::connect() { m_impl->connect(); }

void WebSocketClient::send(std::string text) { m_impl->send(std::move(text)); }

bool parse_ws_url(const std::string& url, WebSocketTarget& target) {
    const std::string scheme{"ws://"};
    if (!url.starts_with(scheme)) {
        return false;
    }
    const std::size_t slash = url.find('/', scheme.size());
    const std::string authority = url.substr(scheme.size(), slash - scheme.size());
    const std::size_t colon = authority.rfind(':');
    if (slash == std::string::npos || colon == std::string::npos) {
        return false;
    }
    target.host = authority.substr(0, colon);
    target.path = url.substr(slash);
    const char* end = authority.data() + authority.size();
    const auto [last, error] = std::from_chars(authority.data() + colon + 1, end, target.port);
    return error == std::errc{} && last == end && target.port != 0 && !target.host.empty();
}

}  // namespace tally::tools
