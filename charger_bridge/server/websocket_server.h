#pragma once

// The websocket server that chargers connect to. Boost.Beast is in websocket_server.cpp only.

#include "charger_bridge/ocpp/credentials.h"
#include "charger_bridge/ocpp/frame.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace tally::bridge {

inline constexpr std::size_t socket_queue_bytes_max{256UL * 1024};  ///< unsent texts of one charger
inline constexpr std::size_t sockets_max{4'096};              ///< at once, handshakes included
inline constexpr std::size_t handshakes_max{256};             ///< not yet authenticated, at once
inline constexpr std::size_t sockets_per_address_max{2'048};  ///< a site is often behind one NAT
inline constexpr std::chrono::seconds handshake_deadline{10};
inline constexpr std::chrono::seconds socket_idle_max{120};  ///< pings go out at half of it

inline constexpr std::array<std::string_view, 1> sub_protocols{"ocpp1.6"};

/// One authenticated connection; newer ones of the same station have higher numbers.
struct SocketId {
    std::uint64_t number{0};
    friend auto operator<=>(const SocketId&, const SocketId&) = default;
};

/// Called on the io_context's thread.
struct SocketHandlers {
    /// Whether this Authorization header opens this station's door. The same 401 answers unknown
    /// stations, wrong passwords and lockouts.
    std::function<bool(const std::string& station, std::string_view header,
                       const std::string& address)>
        authenticate;
    /// Authenticated and speaking `sub_protocol`. A connection of the same station that is still
    /// open is the caller's to close. False: refuse it (the server closes it).
    std::function<bool(const std::string& station, SocketId socket, std::string_view sub_protocol)>
        opened;
    std::function<void(SocketId socket, std::string_view text)> received;
    /// Once for every `opened` that gave true; `why` is a literal of a bounded set.
    std::function<void(SocketId socket, const std::string& why)> closed;
    /// A connection that did not get as far as `opened`: "unauthorized", "not_found", ...
    std::function<void(const std::string& why)> rejected;
};

/// Handshake, as OCPP-J 1.6 has it: path /ocpp/{percent-encoded id}; 404 elsewhere; basic
/// authentication; the first sub-protocol offered that is spoken here (`sub_protocols`), and a
/// client that offers others only is let through the handshake without one and then closed. No
/// compression. A message longer than `ocpp_text_bytes_max`, in however many fragments, and binary
/// messages end the connection. Pings find dead connections; a charger that does not read is cut
/// off at `socket_queue_bytes_max`. Threads: everything on the io_context's thread. Handlers must
/// outlive the server.
class WebSocketServer {
public:
    /// Listens at once; throws std::system_error when the port is taken. `port` 0 picks one.
    WebSocketServer(boost::asio::io_context& io, const std::string& host, std::uint16_t port,
                    SocketHandlers handlers);
    ~WebSocketServer();
    WebSocketServer(const WebSocketServer&) = delete;
    WebSocketServer& operator=(const WebSocketServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    /// Queues a text. A full queue closes the connection; an unknown socket is ignored.
    void send(SocketId socket, std::string text);
    /// Closes with a websocket close frame (at most one second for it), then `closed(why)`.
    void close(SocketId socket, const std::string& why);
    /// Stops accepting and closes all connections.
    void stop();
    [[nodiscard]] std::size_t size() const;

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

}  // namespace tally::bridge
