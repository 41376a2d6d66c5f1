#pragma once

#include "consensus/simplex/evidence.h"
#include "consensus/simplex/safety_record.h"
#include "ledger/base/file_system.h"

#include <functional>
#include <memory>
#include <string>

namespace tally::consensus {

/// A block as the journal keeps it: everything needed to execute it again.
struct JournalBlock {
    Bytes header;
    std::vector<Bytes> envelopes;
    friend bool operator==(const JournalBlock&, const JournalBlock&) = default;
};

/// Everything a restart needs besides the ledger.
struct JournalState {
    SafetyRecord safety;
    std::vector<JournalBlock> blocks;             ///< in the order they were written
    std::vector<QuorumCertificate> certificates;  ///< in the order they were written
    Bytes own_proposal;  ///< newest, encoded by consensus/wire; may be empty
};

/// Why a journal does not open. `message` names the file and what to do.
struct JournalError {
    enum class Kind : std::uint8_t {
        not_initialized,  ///< no safety record: only `tallyd init` makes one
        already_exists,
        corrupted,    ///< synced data is damaged or missing: the node must not vote with it
        record_lost,  ///< it was found lost or older than its votes in this epoch
        io_error,
    };
    Kind kind{Kind::corrupted};
    std::string message;
};

struct JournalOptions {
    /// A file larger than this is replaced by one that holds only what is live.
    std::uint64_t rotate_bytes{64UL * 1024 * 1024};
    /// Called once when the disk fails. Production aborts the process; a simulator marks the node
    /// as crashed. Afterwards the journal ignores everything and is never synced again.
    std::function<void(const std::string& what)> fatal;
};

/// The append-only memory of a validator in one epoch: blocks it voted for, certificates it holds,
/// its own proposal, its safety record; in `<folder>/journal-<number>` and
/// `<folder>/safety_record`.
///
/// Durability: what was appended survives a crash only after `sync`. Nothing that rests on it may
/// leave the process before; the driver asserts `is_synced`. `sync` first syncs the journal file,
/// then writes the safety record, if it changed, to the older of two slots; each slot also names
/// how much of the journal was synced, so a journal that lost synced records is recognised.
/// Epochs: all of it is about one epoch; `begin_epoch` starts over with an empty record.
/// Without record: a record that was lost, or that is older than votes others have seen, is marked
/// as such on disk, and stays so until an epoch begins in which this node cannot have voted yet.
/// Errors: any disk error calls `JournalOptions::fatal`; nothing is retried.
/// Threads: one owner. `files` must outlive it.
class Journal {
public:
    /// Makes an empty journal and an empty safety record. Only for `tallyd init`.
    [[nodiscard]] static Expected<Done, JournalError> create(FileSystem& files,
                                                             const std::string& folder,
                                                             std::uint64_t epoch);
    /// Reads everything; cuts a torn tail that was never synced. What an interrupted `begin_epoch`
    /// left of another epoch is removed.
    [[nodiscard]] static Expected<std::unique_ptr<Journal>, JournalError> open(
        FileSystem& files, const std::string& folder, JournalOptions options);
    /// For a journal that `open` calls not_initialized, corrupted or record_lost: starts over in
    /// epoch 0 without a record and without content, and removes what is there.
    [[nodiscard]] static Expected<std::unique_ptr<Journal>, JournalError> open_without_record(
        FileSystem& files, const std::string& folder, JournalOptions options);

    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// What was found when it was opened. Large: taken once.
    [[nodiscard]] JournalState take_recovered();
    /// Empty when there is no record.
    [[nodiscard]] const SafetyRecord& safety() const;
    [[nodiscard]] std::uint64_t epoch() const;
    /// False: nothing may be signed in this epoch.
    [[nodiscard]] bool has_record() const;

    /// Starts an empty journal of a later epoch, durably: first the new file, then the empty record
    /// (or the mark that there is none), then everything older is removed.
    void begin_epoch(std::uint64_t epoch, bool with_record);
    /// Marks the record as not to be used, durably.
    void forget_record();

    void append_block(const JournalBlock& block);
    void append_certificate(const QuorumCertificate& certificate);
    void append_own_proposal(ByteView encoded);
    /// Kept through compaction and over epochs. False when it adds nothing to what is kept.
    bool append_evidence(const Evidence& evidence);
    [[nodiscard]] const EvidenceList& evidence() const;
    /// `record` is of this epoch and its `sequence` one more than before.
    void append_safety(const SafetyRecord& record);

    void sync();
    [[nodiscard]] bool is_synced() const;
    [[nodiscard]] bool has_failed() const;

    /// Whether enough was written to make `compact` worth its while.
    [[nodiscard]] bool wants_compaction() const;
    /// Starts a new file that holds `live` (its `safety` is ignored), syncs it, then removes the
    /// older ones. `live` must hold everything above the last block that the ledger has synced.
    void compact(const JournalState& live);

    [[nodiscard]] std::uint64_t file_bytes() const;

private:
    class Impl;
    explicit Journal(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::consensus
