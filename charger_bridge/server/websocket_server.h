#pragma once

// The websocket server that chargers connect to. Boost.Beast is in websocket_server.cpp only.

#include "charger_bridge/ocpp/credentials.h"
#include "charger_bridge/ocpp/frame.h"
#include "charger_bridge/server/knock.h"
#include "charger_bridge/server/tls_session.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace tally::bridge {

inline constexpr std::size_t socket_queue_bytes_max{256UL * 1024};  ///< unsent texts of one charger
inline constexpr std::size_t sockets_max{4'608};  ///< at once, handshakes included
/// Not yet authenticated, at once. Those that come then wait in the kernel's queue, in order, so
/// that neither a storm of reconnects nor a flood of idle connections turns a charger away.
inline constexpr std::size_t handshakes_max{256};
/// A site is often behind one NAT, and after a cut line its old sockets are still there.
inline constexpr std::size_t sockets_per_address_max{4'352};
/// From accept to the end of the websocket handshake, TLS and authentication included.
inline constexpr std::chrono::seconds handshake_deadline{10};
inline constexpr std::chrono::seconds socket_idle_max{120};  ///< pings go out at half of it

inline constexpr std::array<std::string_view, 2> sub_protocols{"ocpp1.6", "ocpp2.0.1"};

/// The bounds of one server; tests shorten them.
struct ServerLimits {
    std::size_t handshakes{handshakes_max};
    std::chrono::milliseconds handshake_deadline{bridge::handshake_deadline};
};

/// One authenticated connection; newer ones of the same station have higher numbers.
struct SocketId {
    std::uint64_t number{0};
    friend auto operator<=>(const SocketId&, const SocketId&) = default;
};

/// Called on the io_context's thread.
struct SocketHandlers {
    /// Says through `decide`, now or later, whether this knock opens its station's door. The same
    /// 401 answers unknown stations, wrong passwords, missing certificates and lockouts.
    std::function<void(const Knock& knock, std::function<void(bool)> decide)> authenticate;
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

/// Where to listen; port 0 picks one.
struct ListenAt {
    std::string host;
    std::uint16_t port{0};
    bool is_encrypted{false};
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
    /// Listens at once; throws std::system_error when a port is taken. `tls` may be nothing when no
    /// listener is encrypted.
    WebSocketServer(boost::asio::io_context& io, const std::vector<ListenAt>& listeners,
                    std::shared_ptr<const ServerTls> tls, SocketHandlers handlers,
                    const ServerLimits& limits = {});
    ~WebSocketServer();
    WebSocketServer(const WebSocketServer&) = delete;
    WebSocketServer& operator=(const WebSocketServer&) = delete;

    /// Of the listener of that number.
    [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;
    /// From now on for new connections; those that are open keep what they have.
    void use_tls(std::shared_ptr<const ServerTls> tls);
    /// Queues a text. A full queue closes the connection; an unknown socket is ignored.
    void send(SocketId socket, std::string text);
    /// Closes with a websocket close frame (at most one second for it), then `closed(why)`.
    void close(SocketId socket, const std::string& why);
    /// Stops accepting and closes all connections.
    void stop();
    [[nodiscard]] std::size_t size() const;
    /// Connections accepted but not authenticated; `handshakes_max` at most.
    [[nodiscard]] std::size_t handshaking() const;

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

}  // namespace tally::bridge
