#pragma once

// What consensus asks of the ledger. Consensus orders opaque blocks; it sees their headers only
// through BlockMeta and their envelopes only as bytes with a hash.

#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"
#include "ledger/crypto/quorum_certificate.h"

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
    bool seals_epoch{false};
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

/// The ledger as consensus sees it. Called on the driver's thread only.
class Application {
public:
    virtual ~Application() = default;

    /// Nothing when the bytes are not a header of this chain.
    [[nodiscard]] virtual std::optional<BlockMeta> decode_header(ByteView header) const = 0;
    /// Name of an envelope in proposals.
    [[nodiscard]] virtual Hash hash_of_envelope(ByteView envelope) const = 0;
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
    virtual void commit(const Hash& digest, const QuorumCertificate& certificate) = 0;

    [[nodiscard]] virtual BlockMeta last_final() const = 0;
    /// Certificate of the last final block, as given to `commit`; nothing for the genesis.
    [[nodiscard]] virtual std::optional<QuorumCertificate> last_finalization() const = 0;
    /// For peers that lag. Nothing above the last final height or below what is kept.
    [[nodiscard]] virtual std::optional<FinalizedBytes> read_final(Height height) const = 0;
};

}  // namespace tally::consensus
