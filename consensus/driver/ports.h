#pragma once

// The outside world as the consensus driver sees it: links to peers, one wake-up timer, and the
// way to whoever verifies envelopes. The node implements these over node/link and Asio, the
// simulator over its event queue. Time is ledger/base/clock.h, the key ledger/crypto/signer.h,
// disk the journal's FileSystem.

#include "ledger/base/bytes.h"
#include "ledger/crypto/secp256k1.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace tally::consensus {

/// A member's party code: who signed an envelope, who a peer is, who a validator is.
using MemberKey = FixedBytes<3, struct MemberKeyTag>;

/// Position in the epoch's validator set.
using ValidatorIndex = std::uint32_t;

/// Names one connected peer for as long as it is connected. Chosen by the transport; a peer that
/// comes back may have another one.
using PeerId = std::uint64_t;

/// A connected peer. `member` is proved by the link layer: the peer's link key is that member's.
/// Whether the member is a validator, and which one, the driver sees from the epoch's set.
struct Peer {
    PeerId id{0};
    std::optional<MemberKey> member;
    friend bool operator==(const Peer&, const Peer&) = default;
};

/// Whether a signature holds; must decide as VerifyKey::verify does. The simulator, where every
/// node of a cluster checks the same vote, remembers what it has checked.
using SignatureCheck =
    std::function<bool(const VerifyKey& key, const Hash& digest, const Signature& signature)>;

/// Links to peers. Messages may be lost (also without a disconnect), never altered.
class Transport {
public:
    virtual ~Transport() = default;
    /// Queues one consensus frame. Never blocks and never calls back into the driver; drops the
    /// frame when the peer is gone or too slow.
    virtual void send(PeerId peer, Bytes frame) = 0;
    /// The peer broke the protocol: close its connection, with back-off before the next one.
    /// `reason` is a literal, for logs and metrics. Not called back as `on_disconnected` before
    /// this returns.
    virtual void disconnect(PeerId peer, const char* reason) = 0;
};

/// The driver's one wake-up.
class Timers {
public:
    virtual ~Timers() = default;
    /// Calls `Driver::on_timer` once after `delay` (zero: as soon as the loop is free). Replaces
    /// a wake-up that was armed before.
    virtual void wake_after(std::chrono::microseconds delay) = 0;
};

/// Takes envelopes that peers gossip. The node verifies them (thread pool), then adds them to the
/// mempool and calls `Driver::on_envelope_available`.
class EnvelopeIntake {
public:
    virtual ~EnvelopeIntake() = default;
    /// Not called for an envelope that the mempool already knows. Must not block.
    virtual void received(PeerId from, Bytes envelope) = 0;
};

}  // namespace tally::consensus
