#pragma once

// What is behind Ledger. Only ledger*.cpp of this folder include it.

#include "ledger/base/clock.h"
#include "ledger/state/epochs.h"
#include "ledger/store/block_archive.h"
#include "ledger/store/cycle_history_pruner.h"
#include "ledger/store/finished_pruner.h"
#include "ledger/store/ledger.h"
#include "ledger/store/ledger_index.h"
#include "ledger/store/log_tiles.h"
#include "ledger/store/snapshot_source.h"
#include "ledger/store/store_view.h"

#include <chrono>
#include <map>
#include <set>

namespace tally {

class Ledger::Impl {
public:
    Impl(KeyValueStore& store, const Genesis& genesis, SignatureChecker& signatures,
         const Clock& clock);

    // ledger_open.cpp
    [[nodiscard]] std::optional<LedgerOpenError> open(FileSystem& files, const std::string& folder,
                                                      const LedgerOptions& options);
    // ledger.cpp
    [[nodiscard]] std::shared_ptr<ExecutedBlock> find(const Hash& digest) const;
    std::shared_ptr<const ExecutedBlock> keep(ExecutedBlock block);
    /// Writes what a final block changes and makes it the tip. Its record must be synced.
    void apply(const std::shared_ptr<ExecutedBlock>& block, const QuorumCertificate& finalization,
               const BlockPlace& place);
    void forget_others();
    /// Keeps the state after the tip for joining nodes.
    void take_snapshot();
    void sync_store();
    [[nodiscard]] std::optional<ledger_index::BlockEntry> entry(std::uint64_t height) const;
    [[nodiscard]] std::optional<FinalizedBlock> read_block(std::uint64_t height) const;
    [[nodiscard]] bool is_archived(const BlockPlace& place) const;
    [[nodiscard]] std::optional<TransactionLocation> find_transaction(
        const TransactionRef& ref) const;
    [[nodiscard]] std::optional<Receipt> receipt(const TransactionRef& ref) const;
    [[nodiscard]] std::optional<EpochProof> epoch_proof(std::uint64_t ended) const;
    /// Adds what makes a block final to a proof; false when too many epochs lie before it.
    [[nodiscard]] bool prove_final(FinalityProof& proof, const BlockHeader& header,
                                   const QuorumCertificate& finalization) const;
    /// A receipt of the tip that holds nothing yet; nothing when the tip cannot be proven.
    [[nodiscard]] std::optional<StateReceipt> tip_receipt() const;

    KeyValueStore& store;
    const Clock& clock;
    Genesis genesis;
    Hash chain_id;
    EpochRecord epoch;   ///< of the block after the tip
    Hash previous_seal;  ///< digest of the block that sealed the epoch before; zero in epoch 0
    Executor executor;
    StoreView view;
    LogTiles tiles;
    IdWindow window;
    SnapshotSource snapshots;
    std::uint64_t snapshot_interval{1};
    FinishedPruner finished_pruner;
    CycleHistoryPruner history_pruner;
    FeatureList known_features;
    std::unique_ptr<BlockArchive> archive;
    std::shared_ptr<ExecutedBlock> tip;  ///< the last final block, without a parent
    std::optional<QuorumCertificate> last_finalization;
    std::uint64_t newest_finalized{0};  ///< height of the newest block with a finalization
    /// Executed and not final, by digest; `order` says which came first.
    struct Kept {
        std::shared_ptr<ExecutedBlock> block;
        std::uint64_t order{0};
    };
    std::map<Hash, Kept> executed;
    std::uint64_t next_order{0};
    std::size_t speculative_blocks{speculative_blocks_max};
    std::uint64_t unsynced_blocks{0};
    std::map<std::uint8_t, std::uint64_t> erased;  ///< deleted entries by table
    std::chrono::microseconds last_sync{0};

private:
    [[nodiscard]] std::optional<LedgerOpenError> open_archive(FileSystem& files,
                                                              const std::string& folder,
                                                              const LedgerOptions& options,
                                                              const ledger_index::Applied& applied);
    [[nodiscard]] std::optional<LedgerOpenError> open_tip(const ledger_index::Applied& applied);
    [[nodiscard]] std::optional<LedgerOpenError> open_window();
    [[nodiscard]] std::optional<LedgerOpenError> replay();
    void find_newest_finalized();
    void evict_one(const Hash& spared);
};

}  // namespace tally
