#pragma once

#include "consensus/mempool/mempool.h"
#include "ledger/model/envelope.h"
#include "node/replica/signature_cache.h"
#include "node/runtime/verify_pool.h"

#include <functional>
#include <optional>

namespace tally::node {

/// What became of an envelope at the way in.
enum class GateResult : std::uint8_t {
    added,
    already_known,
    malformed,
    unknown_signer,
    bad_signature,
    expired,    ///< a not_after is not in (now, now + 120 s]
    pool_full,  ///< the mempool, or this member's share of it
    busy,       ///< the verification queue is full
};
/// Envelopes that wait for verification, in bytes.
inline constexpr std::size_t verifying_bytes_max{64UL * 1024 * 1024};
[[nodiscard]] const char* to_text(GateResult result);

/// The one way into the mempool: every envelope, from whomever it comes, is decoded and verified
/// here once, on the verification pool, before anybody else sees it.
/// Threads: the loop's; results are delivered there, never inside `offer`.
class EnvelopeGate {
public:
    struct Ports {
        VerifyPool& pool;
        consensus::Mempool& mempool;
        SignatureCache& signatures;
        const Clock& clock;
        /// The key a member signs transactions with, by the last final state.
        std::function<std::optional<PublicKey>(const PartyId&)> member_key;
    };

    EnvelopeGate(const Hash& chain_id, Ports ports);

    /// Verifies on the pool, then admits. `done` is called exactly once unless the process ends.
    void offer(Bytes envelope, std::function<void(GateResult)> done);
    /// Admits an envelope that this node has just signed itself, at once and unverified.
    GateResult admit_own(const Bytes& envelope, const PublicKey& key);

private:
    struct Checked;
    [[nodiscard]] static Checked check(const Bytes& bytes, const Hash& chain_id,
                                       const VerifyKey* key);
    [[nodiscard]] GateResult admit(Checked checked, Bytes bytes, const PublicKey& key);

    Hash m_chain_id;
    Ports m_ports;
    std::size_t m_verifying_bytes{0};  ///< in the pool's queue
};

}  // namespace tally::node
