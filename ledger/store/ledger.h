#pragma once

#include "ledger/base/file_system.h"
#include "ledger/base/key_value_store.h"
#include "ledger/chain/epoch_proof.h"
#include "ledger/chain/executor.h"
#include "ledger/chain/receipt.h"
#include "ledger/chain/state_receipt.h"
#include "ledger/model/features.h"
#include "ledger/store/block_archive.h"
#include "ledger/store/ledger_index.h"
#include "ledger/store/sublog_index.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Why a ledger does not open. `message` says what was found where, and which command helps.
struct LedgerOpenError {
    enum class Kind : std::uint8_t {
        not_initialized,      ///< nothing here yet: `tallyd init`
        already_initialized,  ///< only from `initialize`
        wrong_genesis,
        corrupted,
        ahead,            ///< the state knows blocks that the segments do not have
        unknown_feature,  ///< the chain needs a newer program
        io_error,
    };
    Kind kind{Kind::corrupted};
    std::string message;
};

/// Largest number of executed blocks that are kept unfinalized. Beyond it the oldest that nothing
/// was built on is forgotten; it can be executed again. More than consensus keeps, so that it is
/// not reached by blocks that may still become final.
inline constexpr std::size_t speculative_blocks_max{4096};

struct LedgerOptions {
    /// Size at which a segment file is closed; tests use small ones.
    std::uint64_t segment_bytes{BlockArchive::Options{}.segment_bytes};
    /// At least 2.
    std::size_t speculative_blocks{speculative_blocks_max};
    /// Blocks between two snapshots for joining nodes; 1 or more.
    std::uint64_t snapshot_interval{10'000};
    /// How long ended authorizations and closed cycles are kept, in ms of block time; 0: for ever.
    UnixMillis keep_finished{0};
    /// Protocol features that the program can execute, rising.
    FeatureList known_features{tally::known_features.begin(), tally::known_features.end()};
};

/// The replicated ledger of one node: finalized blocks on disk, executed but unfinalized ones in
/// memory, and all that is asked of them.
///
/// Durability: `commit` returns only when the block is in a synced segment; the flat state follows
/// at most `state_sync_blocks` blocks or one second behind and is replayed at the next start.
/// Errors: a disk error or a failed invariant on a final block stops the process.
/// Threads: one owner. What other threads may read is handed to them as copies.
class Ledger {
public:
    static constexpr std::uint64_t state_sync_blocks{64};

    /// Writes genesis into an empty `folder`. Fails when there already is a ledger.
    [[nodiscard]] static Expected<Done, LedgerOpenError> initialize(FileSystem& files,
                                                                    KeyValueStore& store,
                                                                    const std::string& folder,
                                                                    const Genesis& genesis);
    /// Writes the genesis state into an empty `store` beside segments that exist; the next `open`
    /// replays them all. For a state that was lost or does not open.
    [[nodiscard]] static Expected<Done, LedgerOpenError> reset_state(KeyValueStore& store,
                                                                     const Genesis& genesis);
    /// Opens `folder` (segments) with `store` (flat state): cuts a torn tail, checks that state is
    /// not ahead of segments, replays blocks that the state does not have, compares roots.
    [[nodiscard]] static Expected<std::unique_ptr<Ledger>, LedgerOpenError> open(
        FileSystem& files, KeyValueStore& store, const std::string& folder, const Genesis& genesis,
        SignatureChecker& signatures, const Clock& clock);
    [[nodiscard]] static Expected<std::unique_ptr<Ledger>, LedgerOpenError> open(
        FileSystem& files, KeyValueStore& store, const std::string& folder, const Genesis& genesis,
        SignatureChecker& signatures, const Clock& clock, const LedgerOptions& options);

    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    [[nodiscard]] const Genesis& genesis() const;
    [[nodiscard]] const Hash& chain_id() const;
    /// Epoch of the block after the last final one, and who votes in it, in index order. Valid
    /// until the next `commit`.
    [[nodiscard]] std::uint64_t epoch() const;
    [[nodiscard]] const std::vector<Validator>& validators() const;
    /// A feature of that epoch that is not among `LedgerOptions::known_features`: nothing may be
    /// executed, built or voted on any more. `open` refuses such a ledger.
    [[nodiscard]] std::optional<std::uint32_t> unknown_feature() const;
    /// Digest of the block that sealed the epoch before that one; zero in epoch 0.
    [[nodiscard]] const Hash& previous_seal() const;
    /// What ended an epoch. Nothing for the current one and those behind it.
    [[nodiscard]] std::optional<EpochProof> epoch_proof(std::uint64_t epoch) const;

    // Unfinalized blocks, by digest.
    [[nodiscard]] std::shared_ptr<const ExecutedBlock> find_executed(const Hash& digest) const;
    /// Builds and keeps a block on an executed parent. Nothing when the parent is not executed.
    [[nodiscard]] std::shared_ptr<const ExecutedBlock> build(const Hash& parent,
                                                             const BlockContext& context,
                                                             const std::vector<Bytes>& envelopes,
                                                             std::vector<Hash>& left_out);
    /// Executes and keeps a block. The parent must be executed (else BlockError header).
    [[nodiscard]] Expected<std::shared_ptr<const ExecutedBlock>, BlockError> execute(Block block);
    /// Makes an executed child of the last final block final: segment first, synced; then state.
    /// Blocks that do not descend from it are forgotten. Returns what is now kept, for
    /// subscribers: nobody needs to read it back. `finalization` is the block's own
    /// certificate: a finalization, or a notarization when a descendant was finalized instead; that
    /// descendant is to be committed next. A block that seals its epoch has a finalization (else
    /// ENSURE).
    std::shared_ptr<const FinalizedBlock> commit(const Hash& digest,
                                                 const QuorumCertificate& finalization);

    // The final chain.
    [[nodiscard]] const BlockHeader& final_header() const;
    [[nodiscard]] const Hash& final_digest() const;
    /// The certificate kept with the last final block; nothing at height 0.
    [[nodiscard]] const std::optional<QuorumCertificate>& last_finalization() const;
    /// Makes the state store durable up to the last final block, for an orderly stop.
    void sync_state();
    /// The state after the last final block. Valid until the next `commit`.
    [[nodiscard]] const StateView& final_state() const;
    /// Nothing above the last final height, up to `base_height`, and when `why_unreadable`.
    [[nodiscard]] std::optional<FinalizedBlock> read_block(std::uint64_t height) const;
    /// What to tell somebody about a final block that was moved to an archive folder which is not
    /// there now. Nothing for a block that can be read or that this ledger never had.
    [[nodiscard]] std::optional<std::string> why_unreadable(std::uint64_t height) const;
    /// Blocks up to this one, their transactions and receipts are not here: 0, or more for a node
    /// that was made from a snapshot.
    [[nodiscard]] std::uint64_t base_height() const;
    [[nodiscard]] std::optional<TransactionLocation> find_transaction(
        const TransactionRef& ref) const;
    /// Proof that a transaction is in the log under the newest certificate that covers it.
    [[nodiscard]] std::optional<Receipt> receipt(const TransactionRef& ref) const;
    /// Proof of what the state after the last final block holds under a key of the tree's tables,
    /// or that it has no such key. Nothing while that block's finalization is still to be written,
    /// and before the first block.
    [[nodiscard]] std::optional<StateReceipt> state_receipt(const Bytes& key) const;
    /// The same of all entries under a name, or of its halves when they are too many.
    [[nodiscard]] std::optional<StateReceipt> state_receipt(const ChunkName& name) const;
    /// Entries of that state, as far as they are in the state tree.
    [[nodiscard]] std::uint64_t state_entries() const;
    /// Entries of a member's sub-log from number `from` on, at most `count_max`.
    [[nodiscard]] SublogPage sublog(const PartyId& party, std::uint64_t from,
                                    std::size_t count_max) const;
    /// The bytes that answer a joining node's query (docs/protocol/sync.md); empty when what it
    /// asks for is not held, nothing when it cannot be decoded.
    [[nodiscard]] std::optional<Bytes> answer_snapshot_query(ByteView query) const;
    /// The manifest of a snapshot that is kept for a backup as long as this is asked again within a
    /// minute, four hours at most. It names as base the block behind which this ledger begins, so
    /// all segments belong to it. `answer_snapshot_query` gives its parts. Empty when there cannot
    /// be one now (no block yet, or the newest has no finalization): ask again.
    [[nodiscard]] Bytes lease_backup_snapshot();
    /// Height of the newest snapshot; 0 when there is none.
    [[nodiscard]] std::uint64_t snapshot_height() const;
    /// Names and sizes of the segment files, oldest first, for auditors. Those in an archive folder
    /// are among them unless it was not there when this was opened.
    [[nodiscard]] std::vector<SegmentInfo> segments() const;
    /// Path of the file of one of them. The error names the archive that it should be in.
    [[nodiscard]] Expected<std::string, SourceError> find_segment(const std::string& name) const;
    /// Entries that were deleted from each table (the first byte of its keys) since this was
    /// opened. The store keeps their room until it compacts.
    [[nodiscard]] const std::map<std::uint8_t, std::uint64_t>& erased() const;
    /// Blocks from this height on have to stay in the data folder: they are replayed at the next
    /// start, hold the window of ids, belong to a snapshot, or prove what receipts refer to.
    [[nodiscard]] std::uint64_t needed_from() const;

private:
    class Impl;
    explicit Ledger(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally
