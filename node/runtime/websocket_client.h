#pragma once

// A websocket client, for whoever speaks as a charger: simulated ones, and a bridge that stands in
// front of another central system.

#include "ledger/base/expected.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace tally::node {

inline constexpr std::size_t websocket_message_bytes_max{64UL * 1024};

/// How a charger knows its central system, and what it shows of itself. Files are PEM.
struct TlsClientOptions {
    std::string ca_file;           ///< who may have signed the server's certificate
    std::string pinned_sha256;     ///< instead: the certificate itself, 64 hexadecimal digits
    std::string certificate_file;  ///< of the charger, with its chain; empty: none (profile 2)
    std::string key_file;
};

/// Certificates of one or many chargers, loaded once; TLS 1.2 or newer. Without a CA file and a pin
/// the system's authorities are trusted. Shared by connections of one thread.
class TlsClient;
[[nodiscard]] Expected<std::shared_ptr<TlsClient>, std::string> make_tls_client(
    const TlsClientOptions& options);

/// Where a charger connects and as whom.
struct WebSocketTarget {
    std::string host;  ///< an address or a name
    std::uint16_t port{0};
    std::string path;  ///< "/ocpp/AAA-CP01", percent-encoded
    std::string user;
    std::string password;            ///< raw bytes
    std::string authorization{};     ///< the whole header instead of user and password
    std::string protocol;            ///< "ocpp1.6"
    bool tls{false};                 ///< of a wss URL
    std::shared_ptr<TlsClient> own;  ///< needed with `tls`
    /// Unsent bytes at which a server that does not read is given up; 0: no bound.
    std::size_t queue_bytes_max{0};
    /// Silence after which the connection has ended, pings included, which go out at half of it;
    /// 0: no pings, and none.
    std::chrono::milliseconds idle_max{0};
};

struct WebSocketHandlers {
    std::function<void()> opened;
    std::function<void(std::string)> received;
    /// Once per connection or failed attempt; says why.
    std::function<void(std::string)> closed;
};

/// One WebSocket connection of a charger, in the clear or over TLS (Boost.Beast inside the .cpp
/// only). All calls and handlers on the io_context's thread. Destroying it closes the socket; no
/// handler runs afterwards.
class WebSocketClient {
public:
    class Connection;  ///< inside the .cpp

    WebSocketClient(boost::asio::io_context& io, WebSocketTarget target,
                    WebSocketHandlers handlers);
    ~WebSocketClient();
    WebSocketClient(const WebSocketClient&) = delete;
    WebSocketClient& operator=(const WebSocketClient&) = delete;

    void connect();
    /// Sent in order; before the connection is open they wait.
    void send(std::string text);
    void send_binary(std::string bytes);

private:
    std::shared_ptr<Connection> m_connection;
};

/// Host, port, path and kind of "wss://csms.example/ocpp/CP1"; false when it is no such URL. The
/// port is 443, and 80 of ws, where none is named.
[[nodiscard]] bool parse_ws_url(const std::string& url, WebSocketTarget& target);

/// An id as a path segment of a URL.
[[nodiscard]] std::string percent_encoded(const std::string& id);

}  // namespace tally::node
