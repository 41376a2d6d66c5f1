#pragma once

// Authenticated links between members, and from a bridge to its node: TLS 1.3 with the channel
// bound to ledger keys (RFC 9266 exporter signed with the link key). Public face of node/link.

#include "ledger/base/bytes.h"
#include "ledger/base/random.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/ids.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace tally::node {

/// What a frame carries. The bound on its size depends on the kind.
enum class FrameKind : std::uint8_t {
    consensus = 1,  ///< consensus/consensus.proto
    roaming = 2,    ///< node/roaming/roaming.proto
    bridge = 3,     ///< node/link/bridge.proto
};
/// Largest frame body of a kind, in bytes; a longer announced length closes the link unread.
[[nodiscard]] std::size_t frame_bytes_max(FrameKind kind);
/// Outbound bytes queued for one slow peer; what exceeds it is dropped for `consensus` (which
/// repairs itself) and closes the link for the others.
inline constexpr std::size_t outbound_bytes_max{16UL * 1024 * 1024};

/// Who is at the other end, proved by its key.
struct PeerIdentity {
    PublicKey link_key;
    /// A member of the ledger, or nothing for a bridge.
    std::optional<PartyId> member;
    /// A registered bridge of this node's operator, or empty for a member.
    std::string bridge_id;
    friend bool operator==(const PeerIdentity&, const PeerIdentity&) = default;
};

/// Someone to dial and keep connected, with back-off and jitter.
struct DialTarget {
    PublicKey link_key;
    std::string host;
    std::uint16_t port{0};
};

struct LinkConfig {
    Hash chain_id;
    std::string listen_host;  ///< empty: does not listen (bridges)
    std::uint16_t listen_port{0};
    std::vector<DialTarget> targets;
    std::chrono::milliseconds reconnect_min{100};
    std::chrono::milliseconds reconnect_max{5000};
};

/// Called on the io_context's thread.
struct LinkHandlers {
    /// Whether a key that proved itself may connect, and as whom; asked at AUTH1 and AUTH2.
    std::function<std::optional<PeerIdentity>(const PublicKey&)> admit;
    std::function<void(const PeerIdentity&)> connected;  ///< after READY
    std::function<void(const PeerIdentity&)> disconnected;
    std::function<void(const PeerIdentity&, FrameKind, Bytes)> received;
};

/// All links of one process. One io_context thread owns it; every member is called there.
class LinkHub {
public:
    LinkHub(boost::asio::io_context& io, LinkConfig config, Signer& link_key,
            LinkHandlers handlers);
    ~LinkHub();
    LinkHub(const LinkHub&) = delete;
    LinkHub& operator=(const LinkHub&) = delete;

    /// Listens (throws std::system_error when the port is taken) and starts dialing.
    void start();
    /// Closes everything; TLS shutdown waits one second at most.
    void stop();

    /// Queues a frame. False when that peer is not connected or its queue is full. Nothing is
    /// retried here: whoever needs delivery keeps an outbox.
    bool send(const PublicKey& peer, FrameKind kind, Bytes body);
    [[nodiscard]] bool is_connected(const PublicKey& peer) const;
    [[nodiscard]] std::vector<PeerIdentity> peers() const;

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::node
