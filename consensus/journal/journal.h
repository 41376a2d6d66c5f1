#pragma once

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
        wrong_epoch,
        corrupted,  ///< synced data is damaged or missing: the node must not vote with it
        io_error,
    };
    Kind kind{Kind::corrupted};
    std::string message;
};

struct JournalOptions {
    std::uint64_t epoch{0};
    /// A file larger than this is replaced by one that holds only what is live.
    std::uint64_t rotate_bytes{64UL * 1024 * 1024};
    /// Called once when the disk fails. Production aborts the process; a simulator marks the node
    /// as crashed. Afterwards the journal ignores everything and is never synced again.
    std::function<void(const std::string& what)> fatal;
};

/// The append-only memory of a validator: blocks it voted for, certificates it holds, its own
/// proposal, its safety record; in `<folder>/journal-<number>` and `<folder>/safety_record`.
///
/// Durability: what was appended survives a crash only after `sync`. Nothing that rests on it may
/// leave the process before; the driver asserts `is_synced`. `sync` first syncs the journal file,
/// then writes the safety record, if it changed, to the older of two slots; each slot also names
/// how much of the journal was synced, so a journal that lost synced records is recognised.
/// Errors: any disk error calls `JournalOptions::fatal`; nothing is retried.
/// Threads: one owner. `files` must outlive it.
class Journal {
public:
    /// Makes an empty journal and an empty safety record. Only for `tallyd init`.
    [[nodiscard]] static Expected<Done, JournalError> create(FileSystem& files,
                                                             const std::string& folder,
                                                             std::uint64_t epoch);
    /// Reads everything; cuts a torn tail that was never synced.
    [[nodiscard]] static Expected<std::unique_ptr<Journal>, JournalError> open(
        FileSystem& files, const std::string& folder, JournalOptions options);

    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// What was found when it was opened. Large: taken once.
    [[nodiscard]] JournalState take_recovered();
    [[nodiscard]] const SafetyRecord& safety() const;

    void append_block(const JournalBlock& block);
    void append_certificate(const QuorumCertificate& certificate);
    void append_own_proposal(ByteView encoded);
    /// `record.sequence` must be one more than before.
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
