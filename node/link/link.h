#pragma once

// Authenticated links between members, and from a bridge to its node: TLS 1.3 with the channel
// bound to ledger keys (RFC 9266 exporter signed with the link key). Public face of node/link.

#include "ledger/base/bytes.h"
#include "ledger/base/random.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/ids.h"
#include "node/link/link_metrics.h"

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
    evidence = 4,   ///< node/link/evidence_messages.h, between a bridge and its node
};
/// Largest frame body of a kind, in bytes; a longer announced length closes the link unread.
[[nodiscard]] std::size_t frame_bytes_max(FrameKind kind);
/// Outbound bytes queued for one slow peer; what exceeds it is dropped for `consensus` (which
/// repairs itself) and closes the link for bridges.
inline constexpr std::size_t outbound_bytes_max{16UL * 1024 * 1024};
/// With more queued than this, `roaming` and `evidence` frames are refused and the link stays: the
/// hub relays what other members send, and none of them may cut its link to a third.
inline constexpr std::size_t roaming_queued_max{outbound_bytes_max / 2};

/// Bits of `LinkConfig::features`: what came after the first release of the protocol. It is sent
/// only to who announced its bit, so programs can be replaced in any order.
inline constexpr std::uint64_t feature_evidence{1U << 0U};  ///< evidence_messages.h

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
    Hash chain_id;  ///< also the genesis hash: the chain id is the tagged hash of the genesis
    std::string listen_host;  ///< empty: does not listen (bridges)
    std::uint16_t listen_port{0};
    std::vector<DialTarget> targets;
    std::chrono::milliseconds reconnect_min{100};
    std::chrono::milliseconds reconnect_max{5000};

    /// Accepted connections that have not proved who they are.
    std::size_t pre_auth_max{64};
    /// Dialing or accepting to READY, TLS included.
    std::chrono::milliseconds handshake_deadline{5000};
    /// New connections from one address: a token bucket. Loopback has its own, larger one.
    double accepts_per_second{5.0};
    double accepts_burst{10.0};
    double loopback_accepts_per_second{200.0};
    double loopback_accepts_burst{400.0};
    /// Frames of kind `consensus` read from one peer, 1 or more a second; then the link is not read
    /// for a while, so that who sends more waits for its own link and not the others for us. One
    /// second's worth may come at once.
    std::uint32_t consensus_frames_per_second{3000};
    /// Something is sent at least this often, and a peer that was silent for `silence_max` is gone.
    std::chrono::milliseconds heartbeat_interval{1000};
    std::chrono::milliseconds silence_max{4000};
    /// A peer that was disconnected for breaking the protocol is not admitted for this long.
    std::chrono::milliseconds barred_for{5000};
    /// A link is renewed at this age (less up to 20 %, drawn per link).
    std::chrono::hours link_age_max{24};
    /// TLS writes under one traffic key; then the key is updated.
    std::uint64_t writes_per_key_max{1UL << 22U};
    /// Announced to the peer and signed; bits that one end does not know mean nothing to it.
    std::uint64_t features{feature_evidence};
};

/// Called on the io_context's thread.
struct LinkHandlers {
    /// Whether a key may connect, and as whom; asked at AUTH1 and AUTH2, just before the signature
    /// is checked (cheap tests first), and again by `LinkHub::recheck`.
    std::function<std::optional<PeerIdentity>(const PublicKey&)> admit;
    std::function<void(const PeerIdentity&)> connected;  ///< after READY
    std::function<void(const PeerIdentity&)> disconnected;
    std::function<void(const PeerIdentity&, FrameKind, Bytes)> received;
    /// A dialed target was not reached, or there was no READY; it is tried again. May be empty.
    std::function<void(const PublicKey& target, LinkRefusal)> not_connected{};
};

/// All links of one process: accepts, dials, authenticates (docs/protocol/links.md), keeps one link
/// per key, and carries frames.
///
/// Order: frames of one link arrive in the order sent. Between `connected` and `disconnected` of a
/// key some frames may be lost only by `send` giving false; what was queued when a link ended is
/// lost too. When a link is replaced both are called, `disconnected` first.
/// Threads: one io_context thread owns it; every member and handler is called there. Handlers may
/// call any member but must not destroy the hub.
/// Ownership: `io` and `link_key` must outlive it.
class LinkHub {
public:
    LinkHub(boost::asio::io_context& io, LinkConfig config, Signer& link_key,
            LinkHandlers handlers);
    ~LinkHub();
    LinkHub(const LinkHub&) = delete;
    LinkHub& operator=(const LinkHub&) = delete;

    /// Listens (throws std::system_error when the port is taken) and starts dialing.
    void start();
    /// Closes everything; TLS shutdown waits one second at most. No handler is called afterwards.
    void stop();
    /// The port listened on, for `listen_port` 0; 0 when it does not listen.
    [[nodiscard]] std::uint16_t port() const;

    /// Replaces the list of those to keep connected. Links that are up stay up.
    void set_targets(std::vector<DialTarget> targets);
    /// Asks `admit` again for every peer, after membership changed: who is no longer admitted, or
    /// is somebody else now, is cut off at once.
    void recheck();
    /// The peer broke a protocol above this one: cuts it off and admits it again only after
    /// `LinkConfig::barred_for`. `reason` is a literal, for the log.
    void disconnect(const PublicKey& peer, const char* reason);

    /// Queues a frame. False when that peer is not connected, has not announced all of `needs`, or
    /// its queue is full. Nothing is retried here: whoever needs delivery keeps an outbox.
    bool send(const PublicKey& peer, FrameKind kind, Bytes body, std::uint64_t needs = 0);
    [[nodiscard]] bool is_connected(const PublicKey& peer) const;
    [[nodiscard]] std::vector<PeerIdentity> peers() const;
    [[nodiscard]] LinkMetrics metrics() const;

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::node
