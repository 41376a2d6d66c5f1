#pragma once

// One connection from TCP to the last frame. asio::ssl is seen in connection.cpp only.

#include "ledger/crypto/signer.h"
#include "node/link/auth_message.h"
#include "node/link/link.h"
#include "node/runtime/asio.h"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <optional>

struct ssl_ctx_st;

namespace tally::node {

class Connection;

/// What a connection asks of and tells the hub that owns it.
class ConnectionOwner {
public:
    virtual ~ConnectionOwner() = default;
    /// Whether this key may have a link now (membership, tie-break); nothing: yes.
    [[nodiscard]] virtual std::optional<LinkRefusal> admission(const PublicKey& key,
                                                               bool dialed_by_us) = 0;
    /// The peer proved itself and said READY. Nothing: the hub took it as the link of its key.
    [[nodiscard]] virtual std::optional<LinkRefusal> ready(Connection& connection) = 0;
    virtual void received(Connection& connection, std::uint8_t kind, Bytes body) = 0;
    /// The last call of a connection; `reason` is why it ended.
    virtual void ended(Connection& connection, LinkRefusal reason) = 0;
};

/// What all connections of a hub share. References outlive every connection.
struct ConnectionSettings {
    const LinkConfig& config;
    Signer& signer;
    ssl_ctx_st* dialer_tls;
    ssl_ctx_st* listener_tls;
};

/// One TLS connection with a peer.
///
/// Life: `start` runs dial, TLS, AUTH and READY under one deadline, then `ready`, then frames until
/// something ends it; `ended` is called exactly once unless `abandon` came first. Runs on the
/// io_context's thread and keeps itself alive while an operation is under way.
/// Frames queued in one turn of the event loop go out as one TLS write; while a write is under way
/// the next batch collects, up to `outbound_bytes_max`.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    enum class Queued : std::uint8_t { yes, full, not_open };

    virtual ~Connection() = default;
    virtual void start() = 0;

    /// Queues a frame; `full` changes nothing.
    virtual Queued send(std::uint8_t kind, ByteView body) = 0;
    /// Sends a ping when it is time, and ends the connection when the peer has been silent.
    virtual void tick(std::chrono::steady_clock::time_point now) = 0;
    /// Our own thread was held up: what the peer sent meanwhile has not been read yet.
    virtual void forgive_silence(std::chrono::steady_clock::time_point now) = 0;
    /// Ends the connection; `ended` follows, never from inside this call.
    virtual void close(LinkRefusal reason) = 0;
    /// Ends the connection with TLS close_notify, within a second. The owner hears nothing more.
    virtual void shut_down() = 0;
    /// Ends the connection at once. The owner hears nothing more.
    virtual void abandon() = 0;

    [[nodiscard]] virtual bool dialed_by_us() const = 0;
    /// The proved key after AUTH; before, the dialed one or zero.
    [[nodiscard]] virtual const PublicKey& peer_key() const = 0;
    /// What it announced in AUTH; 0 before.
    [[nodiscard]] virtual std::uint64_t peer_features() const = 0;
    [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
    [[nodiscard]] virtual std::uint64_t writes() const = 0;
    [[nodiscard]] virtual std::optional<std::chrono::microseconds> round_trip() const = 0;
};

[[nodiscard]] std::shared_ptr<Connection> make_dialed_connection(asio::io_context& io,
                                                                 const ConnectionSettings& settings,
                                                                 const DialTarget& target,
                                                                 ConnectionOwner& owner);
[[nodiscard]] std::shared_ptr<Connection> make_accepted_connection(
    asio::io_context& io, const ConnectionSettings& settings, asio::ip::tcp::socket socket,
    ConnectionOwner& owner);

}  // namespace tally::node
