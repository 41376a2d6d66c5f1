#pragma once

#include "consensus/mempool/mempool.h"
#include "consensus/simplex/messages.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tally::consensus {

/// A block that is not final yet.
struct TreeBlock {
    BlockMeta meta;
    Bytes header;
    std::vector<Hash> hashes;      ///< of its envelopes, in order
    std::vector<Bytes> envelopes;  ///< same order; empty where missing
    std::map<Hash, std::size_t> missing;
    std::size_t body_bytes{0};  ///< of the envelopes that are there
    bool executed{false};
    bool invalid{false};    ///< for good
    bool journaled{false};  ///< in our journal

    [[nodiscard]] bool is_complete() const { return missing.empty() && !invalid; }
};

/// Blocks above the last final one, by digest, and the certificates that name them.
/// Bounded: at most `blocks_max`; without room the oldest block without certificate goes
/// first, then the newest one with a certificate.
class BlockTree {
public:
    static constexpr std::size_t blocks_max{2048};

    /// A block whose envelopes are larger than `body_bytes_max` together is invalid.
    explicit BlockTree(std::size_t body_bytes_max = PackLimits{}.bytes_max)
        : m_body_bytes_max{body_bytes_max} {}

    /// The block, new or already there. A block that names an envelope twice is invalid.
    TreeBlock& insert(const BlockMeta& meta, const Bytes& header, const std::vector<Hash>& hashes);
    [[nodiscard]] TreeBlock* find(const Hash& digest);
    [[nodiscard]] const TreeBlock* find(const Hash& digest) const;
    /// Puts an envelope into every block that lacks it. A block that gets too large by it becomes
    /// invalid and gives its envelopes back.
    void offer(const Hash& hash, ByteView envelope);

    /// Remembers that a block is notarized or final.
    void certify(const QuorumCertificate& certificate);
    [[nodiscard]] const QuorumCertificate* certificate(const Hash& digest) const;
    /// Certificates above the last final block, at most one per block.
    [[nodiscard]] std::vector<QuorumCertificate> certificates() const;
    /// Certificates whose block is not in the tree, highest view first.
    [[nodiscard]] std::vector<const QuorumCertificate*> without_block() const;

    /// Blocks from the child of `ancestor` to `tip`, oldest first; nothing when one of them is
    /// missing or `ancestor` is not among the ancestors.
    [[nodiscard]] std::optional<std::vector<TreeBlock*>> path(const Hash& ancestor,
                                                              const Hash& tip);
    /// Envelopes of the block `tip` and its ancestors in the tree.
    [[nodiscard]] std::set<Hash> envelopes_of_chain(const Hash& tip) const;
    /// All blocks, lowest height first.
    [[nodiscard]] std::vector<TreeBlock*> by_height();
    [[nodiscard]] std::vector<const TreeBlock*> by_height() const;

    /// `final` is the last final block: forgets it, everything not above it in height or view and
    /// everything that does not descend from it. A height is only what a header says until the
    /// block is executed; the view of a proposal is checked when it comes.
    void prune(const BlockMeta& final);

    [[nodiscard]] std::size_t size() const noexcept { return m_blocks.size(); }

private:
    void make_room();

    std::size_t m_body_bytes_max;
    std::map<Hash, TreeBlock> m_blocks;
    std::map<Hash, QuorumCertificate> m_certificates;
};

/// Envelopes that were just gossiped and are still being verified: a proposal may name them
/// sooner. When it is full, the peer that holds most bytes of it loses its oldest, so that one that
/// floods pushes out nobody's but its own.
class EnvelopeCache {
public:
    static constexpr std::size_t count_max{4096};
    static constexpr std::size_t bytes_max{16UL * 1024 * 1024};

    /// An envelope counts for the peer that brought it first.
    void add(PeerId from, const Hash& hash, const Bytes& envelope);
    [[nodiscard]] const Bytes* find(const Hash& hash) const;
    [[nodiscard]] std::size_t bytes() const noexcept { return m_bytes; }

private:
    struct Share {
        std::deque<Hash> order;  ///< oldest first
        std::size_t bytes{0};
    };
    void make_room();

    std::map<Hash, Bytes> m_envelopes;
    std::map<PeerId, Share> m_shares;  ///< none empty
    std::size_t m_bytes{0};
};

}  // namespace tally::consensus
