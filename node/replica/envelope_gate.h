#pragma once

#include "consensus/mempool/mempool.h"
#include "ledger/model/envelope.h"
#include "node/replica/signature_cache.h"
#include "node/runtime/verify_pool.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
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
    busy,       ///< too much of this source, or of all together, waits for verification
};
/// Envelopes that wait for verification or are in it, in bytes, of all sources.
inline constexpr std::size_t verifying_bytes_max{64UL * 1024 * 1024};
/// What one source may have waiting.
inline constexpr std::size_t source_waiting_max{4096};
inline constexpr std::size_t source_bytes_max{8UL * 1024 * 1024};
/// Envelopes in the verification pool at a time; the others wait here, each source in its own
/// queue.
inline constexpr std::size_t verifying_max{64};
[[nodiscard]] const char* to_text(GateResult result);

/// Where an envelope came from: a peer's id, or `own_clients`.
using EnvelopeSource = std::uint64_t;
inline constexpr EnvelopeSource own_clients{0};

/// The one way into the mempool: every envelope, from whomever it comes, is decoded and verified
/// here once, on the verification pool, before anybody else sees it.
///
/// Fairness: sources take turns at the pool, so that one that floods waits behind itself and not
/// before the others; what a member sends beyond its quota in the mempool is refused unverified.
/// Threads: the loop's; results are delivered there, inside `offer` only for what is not verified.
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
    using Done = std::function<void(GateResult)>;

    EnvelopeGate(const Hash& chain_id, Ports ports);
    /// No result is delivered afterwards.
    ~EnvelopeGate();

    /// Verifies on the pool, then admits. `done` is called exactly once unless the process ends.
    void offer(EnvelopeSource source, Bytes envelope, Done done);
    /// Admits an envelope that this node has just signed itself, at once and unverified.
    GateResult admit_own(const Bytes& envelope, const PublicKey& key);

private:
    struct Checked;
    struct Waiting {
        std::shared_ptr<const Bytes> bytes;
        PublicKey key;
        Done done;
    };
    struct Source {
        std::deque<Waiting> waiting;
        std::size_t bytes{0};
    };
    [[nodiscard]] static Checked check(const Bytes& bytes, const Hash& chain_id,
                                       const VerifyKey* key);
    [[nodiscard]] Expected<PublicKey, GateResult> screen(EnvelopeSource source,
                                                         const Bytes& envelope) const;
    void feed_pool();
    void verify(Waiting waiting);
    [[nodiscard]] GateResult admit(Checked checked, Bytes bytes, const PublicKey& key);

    Hash m_chain_id;
    Ports m_ports;
    std::map<EnvelopeSource, Source> m_sources;  ///< with something waiting
    EnvelopeSource m_last_served{own_clients};
    std::size_t m_in_pool{0};
    std::size_t m_bytes{0};  ///< waiting or in the pool
    std::shared_ptr<bool> m_alive{std::make_shared<bool>(true)};
};

}  // namespace tally::node
