#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace tally::tools {

inline constexpr std::size_t websocket_message_bytes_max{64UL * 1024};

/// Where a charger connects and as whom.
struct WebSocketTarget {
    std::string host;
    std::uint16_t port{0};
    std::string path;  ///< "/ocpp/AAA-CP01", percent-encoded
    std::string user;
    std::string password;
    std::string protocol;  ///< "ocpp1.6"
};

struct WebSocketHandlers {
    std::function<void()> opened;
    std::function<void(std::string)> received;
    /// Once per connection or failed attempt; says why.
    std::function<void(std::string)> closed;
};

/// One WebSocket connection of a charger (Boost.Beast inside the .cpp only). All calls and handlers
/// on the io_context's thread. Destroying it closes the socket; no handler runs afterwards.
class WebSocketClient {
public:
    WebSocketClient(boost::asio::io_context& io, WebSocketTarget target,
                    WebSocketHandlers handlers);
    ~WebSocketClient();
    WebSocketClient(const WebSocketClient&) = delete;
    WebSocketClient& operator=(const WebSocketClient&) = delete;

    void connect();
    void send(std::string text);

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

/// "ws://127.0.0.1:7010/ocpp" and a charger's id as a target; false when it is no such URL.
[[nodiscard]] bool parse_ws_url(const std::string& url, WebSocketTarget& target);

}  // namespace tally::tools
