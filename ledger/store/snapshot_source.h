#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/chain/executor.h"
#include "ledger/store/snapshot.h"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace tally {

/// Snapshots kept at most; the oldest is dropped. Two, so that a node that began with one can
/// finish when the next is taken.
inline constexpr std::size_t snapshots_kept_max{2};

/// How long a snapshot is kept for a backup that does not ask for it again, and at most.
inline constexpr std::chrono::seconds backup_lease{60};
inline constexpr std::chrono::hours backup_lease_max{4};

/// The snapshots of one node and the answers to who asks about them.
///
/// A snapshot costs a copy of the tree's root and a snapshot handle of the store; what later blocks
/// replace stays on disk and in memory as long as it is kept. Threads: the ledger's one owner.
class SnapshotSource {
public:
    /// How to read the chain. Both give nothing for what is not held.
    struct Chain {
        std::function<std::optional<FinalizedBlock>(std::uint64_t height)> read_block;
        /// The encoded proof that ended an epoch.
        std::function<std::optional<Bytes>(std::uint64_t epoch)> read_epoch_proof;
        /// Subtrees of the log, for proofs about blocks that are held.
        SubtreeReader read_log;
    };

    /// Takes a snapshot of the state after `block`, which is final by `finalization`. `base` is the
    /// newest block outside its window of ids. Does nothing when the store has no snapshots.
    void take(const ExecutedBlock& block, const QuorumCertificate& finalization,
              const BlockHeader& base, const LogTiles& tiles, const KeyValueStore& store);
    /// The manifest of a snapshot for a backup, with everything behind `base` in it: of the one
    /// that is kept for a backup, or if there is none of `block`, which is then kept. Asking again
    /// within `backup_lease` keeps it. Empty when there cannot be one now.
    [[nodiscard]] Bytes lease(const ExecutedBlock& block,
                              const std::optional<QuorumCertificate>& finalization,
                              const BlockHeader& base, const LogTiles& tiles,
                              const KeyValueStore& store, std::chrono::microseconds now);
    /// Drops what was kept for a backup that is not asked for any more.
    void expire_lease(std::chrono::microseconds now);
    [[nodiscard]] bool has_lease() const noexcept { return m_leased.has_value(); }

    /// Drops all, before the store is closed.
    void clear() {
        m_held.clear();
        m_leased.reset();
    }

    /// The bytes that answer an encoded query; empty when what is asked for is not held. Nothing
    /// when the query cannot be decoded.
    [[nodiscard]] std::optional<Bytes> answer(ByteView query, const Chain& chain) const;
    /// Height of the newest snapshot; 0 when there is none.
    [[nodiscard]] std::uint64_t newest_height() const;
    /// Of the snapshots held, the lowest height that a joining node may ask about; nothing when
    /// there is none.
    [[nodiscard]] std::optional<std::uint64_t> oldest_base_height() const;
    [[nodiscard]] std::size_t count() const noexcept { return m_held.size(); }

private:
    struct Held {
        Hash digest;
        std::uint64_t height{0};
        std::uint64_t log_size{0};
        std::uint64_t base_height{0};
        Bytes manifest;
        StateTree tree;
        std::unique_ptr<KeyValueStore> values;
    };
    [[nodiscard]] static std::optional<Held> make(const ExecutedBlock& block,
                                                  const QuorumCertificate& finalization,
                                                  const BlockHeader& base, const LogTiles& tiles,
                                                  const KeyValueStore& store);
    [[nodiscard]] const Held* find(const Hash& digest) const;
    [[nodiscard]] Bytes answer_manifest(const ManifestQuery& query) const;
    [[nodiscard]] Bytes answer_chunk(const ChunkQuery& query) const;
    [[nodiscard]] Bytes answer_checkpoint(const CheckpointQuery& query, const Chain& chain) const;

    std::deque<Held> m_held;  ///< oldest first
    std::optional<Held> m_leased;
    std::chrono::microseconds m_leased_at{0};
    std::chrono::microseconds m_asked_at{0};
};

/// Answers a query for blocks: up to the last block that has a FINALIZE certificate of its own; the
/// blocks before it are proven by the chain of digests. Where none of those that fit has one,
/// headers lead to it. Empty when the chain does not have them.
[[nodiscard]] Bytes answer_blocks(const BlocksQuery& query, const SnapshotSource::Chain& chain);

}  // namespace tally
