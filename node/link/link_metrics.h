#pragma once

// What the links of a process have done, for metrics and tests.

#include "ledger/crypto/secp256k1.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace tally::node {

/// Why a connection was refused or ended. Counted; never told to the other side.
enum class LinkRefusal : std::uint8_t {
    // before TLS
    rate_limited = 1,    ///< too many connections from one address
    pre_auth_full,       ///< too many connections have not proved who they are
    name_not_found,      ///< dialing: the host's name leads nowhere
    connection_refused,  ///< dialing: the host is there, nothing listens at the port
    unreachable,         ///< dialing: no way to the host
    // until READY
    deadline,         ///< not READY in time
    tls_failed,       ///< no TLS 1.3 handshake (other version, no ALPN in common, garbage)
    no_alpn,          ///< TLS without the protocol name
    cut_off,          ///< the other side closed during the handshake (it may have refused us)
    wrong_version,    ///< of the AUTH message
    wrong_chain,      ///< another chain id or genesis
    wrong_role,       ///< a listener's message where a dialer's belongs, or the reverse
    wrong_receiver,   ///< meant for another key than ours
    wrong_peer,       ///< not the key that was dialed
    self_connection,  ///< our own key
    not_admitted,     ///< a key that is no member and no bridge, or one that is barred for a while
    duplicate,        ///< there is a link with this key that is kept instead
    bad_signature,
    not_ready,  ///< something else where READY belongs
    // after READY
    closed_by_peer,
    transport_failed,
    oversized_frame,  ///< announced, not read
    unknown_kind,
    malformed_control,  ///< ping or pong of the wrong size
    queue_full,         ///< the peer reads too slowly
    silent,             ///< nothing heard for `LinkConfig::silence_max`
    replaced,           ///< a newer link with the same key, or the preferred one of two
    removed,            ///< no longer admitted
    disconnected,       ///< by `LinkHub::disconnect`
    too_old,            ///< regular renewal
    stopped,            ///< by `LinkHub::stop`
};
[[nodiscard]] const char* to_text(LinkRefusal reason);

/// Frames and bytes (bodies) of one kind.
struct FrameCounts {
    std::uint64_t sent{0};
    std::uint64_t sent_bytes{0};
    std::uint64_t received{0};
    std::uint64_t received_bytes{0};
    std::uint64_t dropped{0};  ///< not sent: not connected or queue full
};

struct PeerMetrics {
    PublicKey link_key;
    std::size_t queued_bytes{0};
    /// Of the last ping; nothing before the first answer.
    std::optional<std::chrono::microseconds> round_trip;
};

/// A snapshot; counts are since construction.
struct LinkMetrics {
    std::map<std::uint8_t, FrameCounts> frames;  ///< by FrameKind
    std::map<LinkRefusal, std::uint64_t> refusals;
    std::uint64_t accepted{0};     ///< TCP connections taken
    std::uint64_t dialed{0};       ///< attempts
    std::uint64_t established{0};  ///< links that became READY
    std::uint64_t writes{0};       ///< batches of frames handed to TLS
    std::size_t pre_auth{0};       ///< accepted and not READY, now
    std::vector<PeerMetrics> peers;
};

}  // namespace tally::node
