#pragma once

// What consensus asks of the ledger. Consensus orders opaque blocks; it sees their headers only
// through BlockMeta and their envelopes only as bytes with a hash.

#include "consensus/driver/ports.h"
#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"
#include "ledger/crypto/quorum_certificate.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::consensus {

using View = std::uint64_t;
using Height = std::uint64_t;

/// The header fields that the protocol's rules need. For the genesis: height 0, view 0.
struct BlockMeta {
    Hash digest;
    Hash parent;
    std::uint64_t epoch{0};
    Height height{0};
    View view{0};
    View parent_view{0};
    UnixMillis time{0};
    std::uint32_t proposer{0};
    bool seals_epoch{false};  ///< the last block of its epoch
};

struct BuildRequest {
    Hash parent;
    std::uint64_t epoch{0};
    View view{0};
    View parent_view{0};
    UnixMillis time{0};  ///< max(leader's clock, parent time + 1 ms)
    std::uint32_t proposer{0};
};

struct BuiltBlock {
    Bytes header;  ///< encoded; its digest is `meta.digest`
    BlockMeta meta;
    std::vector<Hash> envelopes;  ///< those that went in, in order
    std::vector<Hash> left_out;   ///< would have made the block invalid: drop them from the mempool
};

/// A finalized block on its way to a node that lacks it.
struct FinalizedBytes {
    Bytes header;
    std::vector<Bytes> envelopes;
    QuorumCertificate finalization;  ///< as given to `commit`
};

/// One validator of an epoch: who it is, and the key it votes with.
struct EpochValidator {
    MemberKey member;
    PublicKey key;
    friend bool operator==(const EpochValidator&, const EpochValidator&) = default;
};

/// Timers that the validators have agreed on; see DriverOptions.
struct EpochTiming {
    std::chrono::milliseconds delta{0};
    std::chrono::milliseconds idle_interval{0};
    std::chrono::milliseconds skip_timeout{0};
    friend bool operator==(const EpochTiming&, const EpochTiming&) = default;
};

/// The validator set of one epoch, in index order: 1 to `validators_max`, keys all valid points.
/// `previous_seal` is the digest of the block that sealed the epoch before, zero in the first
/// epoch: who leads follows from it.
struct EpochInfo {
    std::uint64_t epoch{0};
    std::vector<EpochValidator> validators;
    std::optional<EpochTiming> timing{};  ///< nothing: those that the driver has
    Hash previous_seal{};
    friend bool operator==(const EpochInfo&, const EpochInfo&) = default;
};

/// What an epoch proof says about the block that ended its epoch.
struct EpochSeal {
    Bytes header;
    BlockMeta meta;
    QuorumCertificate finalization;
};

/// Largest encoded epoch proof: header, certificate and the next set, with room to spare.
inline constexpr std::size_t epoch_proof_bytes_max{64UL * 1024};

/// The ledger as consensus sees it. Called on the driver's thread only.
class Application {
public:
    virtual ~Application() = default;

    /// Nothing when the bytes are not a header of this chain.
    [[nodiscard]] virtual std::optional<BlockMeta> decode_header(ByteView header) const = 0;
    /// Name of an envelope in proposals.
    [[nodiscard]] virtual Hash hash_of_envelope(ByteView envelope) const = 0;
    /// Who signed an envelope of a block that was executed here.
    [[nodiscard]] virtual MemberKey signer_of_envelope(ByteView envelope) const = 0;
    /// Whether the envelope hashes are those that the header commits to.
    [[nodiscard]] virtual bool body_matches(ByteView header,
                                            const std::vector<Hash>& envelopes) const = 0;

    /// Whether the block (or genesis) is executed and its state at hand.
    [[nodiscard]] virtual bool has_executed(const Hash& digest) const = 0;
    /// Builds on an executed parent. Nothing when no block can be built.
    [[nodiscard]] virtual std::optional<BuiltBlock> build(const BuildRequest& request,
                                                          const std::vector<Bytes>& envelopes) = 0;
    /// Executes a block on an executed parent; the clock rule (500 ms ahead) is the driver's.
    /// False: invalid for good.
    [[nodiscard]] virtual bool execute(ByteView header, const std::vector<Bytes>& envelopes) = 0;
    /// Makes an executed child of the last final block final and durable. Returns only when it is;
    /// a storage error stops the process. Calls for blocks already final do nothing.
    /// The certificate is about this digest: FINALIZE, or NOTARIZE when only a descendant's
    /// FINALIZE, committed right after, made the block final. Commits come in height order.
    /// For a block that seals its epoch it is always a FINALIZE, possibly of a later view than the
    /// header's: the block may have been proposed again.
    virtual void commit(const Hash& digest, const QuorumCertificate& certificate) = 0;

    [[nodiscard]] virtual BlockMeta last_final() const = 0;
    /// Certificate of the last final block, as given to `commit`; nothing for the genesis.
    [[nodiscard]] virtual std::optional<QuorumCertificate> last_finalization() const = 0;
    /// For peers that lag. Nothing above the last final height or below what is kept.
    [[nodiscard]] virtual std::optional<FinalizedBytes> read_final(Height height) const = 0;

    /// The epoch of the block after the last final one: another one than that block's own when it
    /// seals its epoch. The genesis seals nothing and is of the first epoch.
    [[nodiscard]] virtual EpochInfo epoch() const = 0;
    /// Proof that `epoch` ended, for peers that lag; at most `epoch_proof_bytes_max`. Nothing when
    /// that epoch is not over.
    [[nodiscard]] virtual std::optional<Bytes> read_epoch_proof(std::uint64_t epoch) const = 0;
    /// Checks a proof, certificate and next set included, against the current epoch. Nothing when
    /// it does not prove the end of just that epoch.
    [[nodiscard]] virtual std::optional<EpochSeal> check_epoch_proof(ByteView proof) const = 0;

    /// Answers a joining node's query about the state, at most `snapshot_answer_bytes_max` bytes;
    /// empty when what it asks for is not held. Nothing when the query cannot be decoded.
    [[nodiscard]] virtual std::optional<Bytes> answer_snapshot_query(ByteView /*query*/) const {
        return Bytes{};
    }
};

}  // namespace tally::consensus
