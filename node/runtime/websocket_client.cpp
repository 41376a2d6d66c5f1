#include "node/runtime/websocket_client.h"

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <deque>
#include <optional>
#include <type_traits>
#include <utility>

namespace tally::node {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds connect_deadline{10};

std::string basic_credentials(const std::string& user, const std::string& password) {
    const std::string plain = user + ":" + password;
    std::string encoded(beast::detail::base64::encoded_size(plain.size()), '\0');
    encoded.resize(beast::detail::base64::encode(encoded.data(), plain.data(), plain.size()));
    return "Basic " + encoded;
}

/// SHA-256 of a certificate's DER; nothing when it cannot be encoded.
std::optional<Hash> fingerprint(X509* certificate) {
    unsigned char* der{nullptr};
    const int size = i2d_X509(certificate, &der);
    if (size <= 0) {
        return std::nullopt;
    }
    const Hash digest = sha256(ByteView{der, static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return digest;
}

}  // namespace

class TlsClient {
public:
    ssl::context context{ssl::context::tls_client};
    std::optional<Hash> pinned;
};

Expected<std::shared_ptr<TlsClient>, std::string> make_tls_client(const TlsClientOptions& options) {
    auto client = std::make_shared<TlsClient>();
    error_code error;
    ssl::context& context = client->context;
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    if (!options.pinned_sha256.empty()) {
        client->pinned = fixed_from_hex<Hash>(options.pinned_sha256);
        if (!client->pinned) {
            return Unexpected{std::string{"a pin is the SHA-256 of a certificate: 64 digits"}};
        }
    } else if (!options.ca_file.empty()) {
        context.load_verify_file(options.ca_file, error);
        if (error) {
            return Unexpected{options.ca_file + ": " + error.message()};
        }
    } else {
        context.set_default_verify_paths(error);
    }
    if (error) {
        return Unexpected{"the system's authorities cannot be read: " + error.message()};
    }
    if (!options.certificate_file.empty()) {
        context.use_certificate_chain_file(options.certificate_file, error);
        if (error) {
            return Unexpected{options.certificate_file + ": " + error.message()};
        }
        context.use_private_key_file(options.key_file, ssl::context::pem, error);
        if (error) {
            return Unexpected{options.key_file + ": " + error.message()};
        }
    }
    return client;
}

class WebSocketClient::Connection {
public:
    virtual ~Connection() = default;
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual void connect() = 0;
    virtual void send(std::string data, bool text) = 0;
    virtual void detach() = 0;
};

namespace {

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

template <typename Next>
class OpenConnection final : public WebSocketClient::Connection,
                             public std::enable_shared_from_this<OpenConnection<Next>> {
public:
    template <typename... Arguments>
    OpenConnection(asio::io_context& io, WebSocketTarget target, WebSocketHandlers handlers,
                   Arguments&... arguments)
        : m_stream{io, arguments...},
          m_resolver{io},
          m_target{std::move(target)},
          m_handlers{std::move(handlers)} {}

    void connect() override {
        error_code error;
        const auto address = asio::ip::make_address(m_target.host, error);
        if (!error) {
            connect_to(std::array{tcp::endpoint{address, m_target.port}});
            return;
        }
        auto resolved = [self = this->shared_from_this()](
                            error_code failed, const tcp::resolver::results_type& found) {
            if (failed || found.empty()) {
                self->end("no address for " + self->m_target.host + ": " + failed.message());
                return;
            }
            self->connect_to(found);
        };
        m_resolver.async_resolve(m_target.host, std::to_string(m_target.port), std::move(resolved));
    }

    void send(std::string data, bool text) override {
        if (m_ended) {
            return;
        }
        m_queued_bytes += data.size();
        if (m_target.queue_bytes_max != 0 && m_queued_bytes > m_target.queue_bytes_max) {
            // Not from inside the caller.
            asio::post(m_stream.get_executor(), [self = this->shared_from_this()] {
                self->end("the server does not read");
            });
            return;
        }
        m_queue.push_back({std::move(data), text});
        if (m_open && !m_writing) {
            write();
        }
    }

    void detach() override {
        m_handlers = {};
        m_ended = true;
        m_resolver.cancel();
        close_socket();
    }

private:
    struct Outgoing {
        std::string data;
        bool text{true};
    };

    void close_socket() {
        error_code ignored;
        beast::get_lowest_layer(m_stream).socket().close(ignored);
    }

    /// The first of the addresses that answers.
    template <typename Endpoints>
    void connect_to(const Endpoints& endpoints) {
        if (m_ended) {
            return;
        }
        beast::get_lowest_layer(m_stream).expires_after(connect_deadline);
        auto connected = [self = this->shared_from_this()](error_code failed,
                                                           const tcp::endpoint& /*endpoint*/) {
            failed ? self->end(failed.message()) : self->secure();
        };
        beast::get_lowest_layer(m_stream).async_connect(endpoints, std::move(connected));
    }

    void secure() {
        error_code ignored;
        beast::get_lowest_layer(m_stream).socket().set_option(tcp::no_delay{true}, ignored);
        if constexpr (std::is_same_v<Next, TlsStream>) {
            trust_only_who_is_meant();
            auto shaken = [self = this->shared_from_this()](error_code failed) {
                failed ? self->end("TLS: " + failed.message()) : self->upgrade();
            };
            m_stream.next_layer().async_handshake(ssl::stream_base::client, std::move(shaken));
        } else {
            upgrade();
        }
    }

    void trust_only_who_is_meant() {
        if constexpr (std::is_same_v<Next, TlsStream>) {
            Next& tls = m_stream.next_layer();
            // The macro of this name has a cast in it.
            SSL_ctrl(tls.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     m_target.host.data());
            tls.set_verify_mode(ssl::verify_peer);
            if (m_target.own->pinned) {
                auto is_pinned = [pin = *m_target.own->pinned](bool, ssl::verify_context& chain) {
                    X509_STORE_CTX* const store = chain.native_handle();
                    return X509_STORE_CTX_get_error_depth(store) > 0 ||
                           fingerprint(X509_STORE_CTX_get_current_cert(store)) == pin;
                };
                tls.set_verify_callback(std::move(is_pinned));
            } else {
                tls.set_verify_callback(ssl::host_name_verification{m_target.host});
            }
        }
    }

    void upgrade() {
        beast::get_lowest_layer(m_stream).expires_never();
        m_stream.read_message_max(websocket_message_bytes_max);
        auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::client);
        if (m_target.idle_max.count() > 0) {
            timeout = {connect_deadline, m_target.idle_max, true};
        }
        m_stream.set_option(timeout);
        auto decorate = [this](websocket::request_type& request) {
            request.set(beast::http::field::sec_websocket_protocol, m_target.protocol);
            if (!m_target.authorization.empty()) {
                request.set(beast::http::field::authorization, m_target.authorization);
            } else if (!m_target.password.empty()) {
                request.set(beast::http::field::authorization,
                            basic_credentials(m_target.user, m_target.password));
            }
        };
        m_stream.set_option(websocket::stream_base::decorator(std::move(decorate)));
        auto shaken = [self = this->shared_from_this()](error_code failed) {
            self->opened(failed);
        };
        m_stream.async_handshake(m_response, m_target.host, m_target.path, std::move(shaken));
    }

    void opened(error_code failed) {
        if (failed) {
            const unsigned status = m_response.result_int();
            end("refused: " + failed.message() +
                (status >= 400 ? ", HTTP " + std::to_string(status) : std::string{}));
            return;
        }
        if (m_response[beast::http::field::sec_websocket_protocol] != m_target.protocol) {
            end("the server does not speak " + m_target.protocol);
            return;
        }
        m_response = {};
        m_open = true;
        const auto opened = m_handlers.opened;
        if (opened) {
            opened();
        }
        if (m_ended) {
            return;
        }
        if (!m_queue.empty() && !m_writing) {
            write();
        }
        read();
    }

    void read() {
        auto done = [self = this->shared_from_this()](error_code failed, std::size_t) {
            if (failed) {
                self->end(failed.message());
                return;
            }
            std::string text = beast::buffers_to_string(self->m_buffer.data());
            self->m_buffer.consume(self->m_buffer.size());
            // A copy: who is called may end this connection, and its handlers with it.
            const auto received = self->m_handlers.received;
            if (received) {
                received(std::move(text));
            }
            if (!self->m_ended) {
                self->read();
            }
        };
        m_stream.async_read(m_buffer, std::move(done));
    }

    void write() {
        m_writing = true;
        m_stream.text(m_queue.front().text);
        auto done = [self = this->shared_from_this()](error_code failed, std::size_t) {
            self->m_writing = false;
            if (failed) {
                self->end(failed.message());
                return;
            }
            self->m_queued_bytes -= self->m_queue.front().data.size();
            self->m_queue.pop_front();
            if (!self->m_queue.empty()) {
                self->write();
            }
        };
        m_stream.async_write(asio::buffer(m_queue.front().data), std::move(done));
    }

    void end(const std::string& why) {
        if (m_ended) {
            return;
        }
        m_ended = true;
        m_open = false;
        close_socket();
        const auto closed = m_handlers.closed;
        if (closed) {
            closed(why);
        }
    }

    websocket::stream<Next> m_stream;
    tcp::resolver m_resolver;
    WebSocketTarget m_target;
    WebSocketHandlers m_handlers;
    websocket::response_type m_response;
    beast::flat_buffer m_buffer;
    std::deque<Outgoing> m_queue;
    std::size_t m_queued_bytes{0};
    bool m_open{false};
    bool m_writing{false};
    bool m_ended{false};
};

std::shared_ptr<WebSocketClient::Connection> make_connection(asio::io_context& io,
                                                             WebSocketTarget target,
                                                             WebSocketHandlers handlers) {
    if (!target.tls) {
        return std::make_shared<OpenConnection<PlainStream>>(io, std::move(target),
                                                             std::move(handlers));
    }
    ENSURE(target.own != nullptr);
    ssl::context& context = target.own->context;
    return std::make_shared<OpenConnection<TlsStream>>(io, std::move(target), std::move(handlers),
                                                       context);
}

}  // namespace

WebSocketClient::WebSocketClient(asio::io_context& io, WebSocketTarget target,
                                 WebSocketHandlers handlers)
    : m_connection{make_connection(io, std::move(target), std::move(handlers))} {}

WebSocketClient::~WebSocketClient() { m_connection->detach(); }

void WebSocketClient::connect() { m_connection->connect(); }

void WebSocketClient::send(std::string text) { m_connection->send(std::move(text), true); }

void WebSocketClient::send_binary(std::string bytes) {
    m_connection->send(std::move(bytes), false);
}

bool parse_ws_url(const std::string& url, WebSocketTarget& target) {
    target.tls = url.starts_with("wss://");
    const std::string scheme{target.tls ? "wss://" : "ws://"};
    if (!url.starts_with(scheme)) {
        return false;
    }
    const std::size_t slash = url.find('/', scheme.size());
    if (slash == std::string::npos) {
        return false;
    }
    const std::string authority = url.substr(scheme.size(), slash - scheme.size());
    const std::size_t colon = std::min(authority.rfind(':'), authority.size());
    target.host = authority.substr(0, colon);
    target.path = url.substr(slash);
    if (target.host.empty() || target.host.find_first_of(":@ ") != std::string::npos) {
        return false;
    }
    if (colon == authority.size()) {
        target.port = target.tls ? 443 : 80;
        return true;
    }
    const char* end = authority.data() + authority.size();
    const auto [last, error] = std::from_chars(authority.data() + colon + 1, end, target.port);
    return error == std::errc{} && last == end && target.port != 0;
}

std::string percent_encoded(const std::string& id) {
    constexpr std::string_view digits{"0123456789ABCDEF"};
    std::string encoded;
    for (const char c : id) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
            encoded += c;
        } else {
            encoded += '%';
            encoded += digits[byte >> 4U];
            encoded += digits[byte & 0xfU];
        }
    }
    return encoded;
}

}  // namespace tally::node
