#pragma once

#include "ledger/base/file_system.h"
#include "ledger/base/key_value_store.h"
#include "ledger/model/genesis.h"
#include "ledger/store/block_archive.h"
#include "ledger/store/block_contents.h"
#include "ledger/store/ledger.h"
#include "ledger/store/snapshot.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tally {

/// A block that the operator knows to be right, against histories forged with old keys.
struct Checkpoint {
    std::uint64_t height{0};
    Hash digest;
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// What a peer offers, before anything of it was checked.
struct SnapshotOffer {
    std::uint64_t height{0};  ///< 0: older than the checkpoint, not to be chosen
    Hash digest;
    Bytes manifest;
};

/// Fills an empty ledger from a snapshot that peers hold, trusting nothing but the genesis.
///
/// The order: `choose` an offer; then `wanted` names queries and `accept` takes their answers, any
/// number at a time and in any order; when `is_complete`, `finish` makes a ledger that opens.
/// Durability: what was accepted survives a crash; opening again goes on from there. Until `finish`
/// returns, no ledger opens on this store.
/// Errors: wrong answers are verdicts; a disk error stops the process. Threads: one owner. `files`,
/// `store` and `genesis` must outlive it.
class SnapshotImport {
public:
    /// What the store holds now.
    enum class Phase : std::uint8_t {
        fresh,      ///< the genesis state or nothing: may be filled
        importing,  ///< an earlier import was cut off: must be filled
        ready,      ///< a ledger with blocks
    };
    [[nodiscard]] static Expected<Phase, LedgerOpenError> phase_of(const FileSystem& files,
                                                                   const KeyValueStore& store,
                                                                   const std::string& folder);

    enum class Verdict : std::uint8_t {
        accepted,
        not_held,      ///< ask somebody else
        wrong_answer,  ///< who answered lies
        wrong_offer,   ///< whoever offered this snapshot lies: it is given up
    };

    /// Takes up what an earlier attempt left. Nothing is changed on disk before `choose`.
    SnapshotImport(FileSystem& files, KeyValueStore& store, std::string folder,
                   const Genesis& genesis, std::optional<Checkpoint> checkpoint);

    /// Takes snapshots whose base is older than the window of ids asks for: from a backup, which
    /// has the history too. To be called first.
    void accept_history() noexcept { m_accepts_history = true; }

    /// Asks for offers; names the snapshot that was begun with.
    [[nodiscard]] Bytes offer_query() const;
    /// Nothing when the bytes are not a manifest of this chain.
    [[nodiscard]] std::optional<SnapshotOffer> read_offer(ByteView answer) const;
    /// Sets about an offer, or goes on when its snapshot is the one begun with. Everything that the
    /// store holds is removed, but not before the offer is proven to be the validators'.
    [[nodiscard]] Verdict choose(const SnapshotOffer& offer);
    /// Whether what the store held is gone, so that only an import can fill it.
    [[nodiscard]] bool has_begun() const noexcept { return m_begun; }
    /// The offer that is being fetched; nothing when none is chosen.
    [[nodiscard]] const std::optional<SnapshotOffer>& chosen() const noexcept { return m_offer; }
    /// Gives the chosen snapshot up; its offer can be chosen again.
    void give_up();

    /// Up to `count_max` queries that are still to be answered.
    [[nodiscard]] std::vector<Bytes> wanted(std::size_t count_max) const;

    [[nodiscard]] Verdict accept(ByteView query, ByteView answer);

    [[nodiscard]] bool is_complete() const;
    /// Derives what is not fetched and makes the ledger valid. Only when complete.
    void finish();

    struct Progress {
        std::uint64_t entries{0};
        std::uint64_t entries_expected{0};  ///< as the offer says
        std::uint64_t blocks{0};
        std::uint64_t blocks_expected{0};
    };
    [[nodiscard]] Progress progress() const;
    /// What made the last answer or offer wrong, in words.
    [[nodiscard]] const std::string& problem() const noexcept { return m_problem; }

private:
    [[nodiscard]] Verdict refuse(Verdict verdict, std::string why);
    [[nodiscard]] std::uint64_t epochs_needed() const;
    [[nodiscard]] Verdict accept_proofs(ByteView answer);
    [[nodiscard]] std::optional<std::string> find_problem_of_offer() const;
    [[nodiscard]] Verdict accept_chunk(const ChunkName& name, ByteView answer);
    [[nodiscard]] Verdict accept_blocks(ByteView answer);
    [[nodiscard]] std::optional<std::string> check_block(const FinalizedBlock& block,
                                                         const Hash& parent) const;
    [[nodiscard]] std::optional<std::string> find_problem_of_end(const BlocksAnswer& answer,
                                                                 const FinalizedBlock& last) const;
    [[nodiscard]] std::optional<std::string> find_problem_of_base(
        const FinalizedBlock& block) const;
    [[nodiscard]] std::optional<std::string> check_signatures(const QuorumCertificate& certificate,
                                                              std::uint64_t epoch) const;
    using ProvenBlocks = std::vector<std::pair<FinalizedBlock, BlockContents>>;
    void keep_blocks(const ProvenBlocks& proven);
    void open_archive();
    void index_block(const FinalizedBlock& block, const BlockContents& contents,
                     const BlockPlace& place);
    [[nodiscard]] std::uint64_t next_height() const;
    void set_offer(const SnapshotOffer& offer);
    [[nodiscard]] Verdict begin_if_proven();
    void begin();
    [[nodiscard]] Verdict accept_checkpoint(ByteView answer);
    void take_up(const SnapshotOffer& offer);
    void take_up_log();
    void take_up_proofs();
    void take_up_chunks();
    void take_up_blocks();

    FileSystem& m_files;
    KeyValueStore& m_store;
    std::string m_folder;
    const Genesis& m_genesis;
    std::optional<Checkpoint> m_checkpoint;  ///< proven for each offer anew
    Hash m_chain_id;
    std::optional<SnapshotOffer> m_offer;
    SnapshotManifest m_manifest;
    bool m_offer_checked{false};
    bool m_is_resumed{false};  ///< what is on disk of the offer is from an earlier start
    bool m_begun{false};
    bool m_accepts_history{false};
    std::vector<Bytes> m_proofs;                 ///< by epoch, until they can be written
    std::vector<std::vector<Validator>> m_sets;  ///< by epoch, as far as proven
    std::set<ChunkName> m_pending;
    std::uint64_t m_entries{0};
    std::uint64_t m_chunks{0};                ///< since the start
    std::unique_ptr<BlockArchive> m_archive;  ///< once the first blocks are proven
    LogTiles m_tiles;
    MerkleFrontier m_log;  ///< after the last block kept
    Hash m_last_digest;    ///< of that block, or of the base
    std::string m_problem;
};

}  // namespace tally
