#pragma once

#include "ledger/base/file_system.h"
#include "ledger/base/key_value_store.h"
#include "ledger/model/ids.h"
#include "ledger/store/archived_record.h"
#include "ledger/store/segment_file.h"
#include "ledger/store/segment_source.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Which segments leave the data folder: those that either rule names. The newest file never does.
struct RetentionRule {
    /// Those whose last block is this much older than the newest one.
    std::optional<std::chrono::milliseconds> older_than;
    /// The oldest ones, until no more than so many bytes are left.
    std::optional<std::uint64_t> keep_bytes;
};

/// What a plan goes by, beside the rule.
struct ArchiveSituation {
    Hash chain_id;
    UnixMillis newest_time{0};  ///< of the newest final block
    /// Blocks from this height on are needed here.
    std::uint64_t needed_from{0};
};

struct ArchivePlan {
    std::vector<SegmentInfo> segments;  ///< oldest first
    std::uint64_t bytes{0};             ///< of these
    std::uint64_t bytes_kept{0};        ///< of the segments that stay
    /// Segments that the rule names and that stay because something live needs them.
    std::uint64_t held_back{0};
};

/// What is in a folder of segments and has to go, without changing anything. Never a segment with a
/// block from `needed_from` on, and never one that ends within the 120 s window of ids of the
/// newest block. The error is a text.
[[nodiscard]] Expected<ArchivePlan, std::string> plan_archive(const FileSystem& files,
                                                              const std::string& segments_folder,
                                                              const RetentionRule& rule,
                                                              const ArchiveSituation& situation);

/// Height of the oldest transaction that something open in the state goes back to (authorizations,
/// countersigned actions, proposals): its receipt may be asked for any day. Nothing when there is
/// none. `store`: the ledger's state with its index. The error is a text.
[[nodiscard]] Expected<std::optional<std::uint64_t>, std::string> oldest_open_height(
    const KeyValueStore& store);

/// What a plan for a node that does not run goes by, from its state store. The error is a text.
[[nodiscard]] Expected<ArchiveSituation, std::string> situation_of(
    const FileSystem& files, const KeyValueStore& store, const std::string& segments_folder);

/// The steps in which one segment moves. A crash before, in or behind any of them loses nothing:
/// the next run takes up what is there.
enum class ArchiveStep : std::uint8_t {
    read,    ///< the original, as a whole: a segment's size of memory
    copy,    ///< under another name in the archive, synced, renamed, the folder synced
    verify,  ///< read again as a whole: every checksum, and the same SHA-256 as the original
    record,  ///< the node's record says that the archive has it
    remove,  ///< the original goes
    tidy,    ///< the node's folder is synced
};
[[nodiscard]] const char* to_text(ArchiveStep step);

struct ArchiveFailure {
    ArchiveStep step{ArchiveStep::read};
    bool stopped{false};  ///< by `go_on`; nothing is wrong
    std::string message;  ///< with the file in it, and what to do
};

/// Moves closed segments of one node to an archive folder. Nothing else may move files of the same
/// node meanwhile; the node may read and append. Any thread.
class SegmentArchiver {
public:
    /// `archive` is absolute. `files` must outlive it.
    SegmentArchiver(FileSystem& files, std::string segments_folder, std::string archive,
                    const Hash& chain_id);

    /// Called before each step and now and then within one; false: stop here.
    using GoOn = std::function<bool(ArchiveStep step)>;

    /// Makes the archive folder, and makes the record name it. When another folder is named there,
    /// the new one must have everything that was moved before.
    [[nodiscard]] Expected<Done, ArchiveFailure> prepare();
    /// Moves one segment of the plan; the oldest first.
    [[nodiscard]] Expected<Done, ArchiveFailure> move(const SegmentInfo& segment,
                                                      const GoOn& go_on);

private:
    [[nodiscard]] std::string target_of(const SegmentInfo& segment) const;
    [[nodiscard]] Expected<Bytes, ArchiveFailure> read_original(const SegmentInfo& segment,
                                                                const GoOn& go_on) const;
    [[nodiscard]] Expected<Hash, ArchiveFailure> hash_of(const std::string& path,
                                                         const GoOn& go_on) const;
    [[nodiscard]] Expected<SegmentFooter, ArchiveFailure> verify(const SegmentInfo& segment) const;
    [[nodiscard]] Expected<Done, ArchiveFailure> let_go(const SegmentInfo& segment,
                                                        const SegmentFooter& footer,
                                                        const GoOn& go_on);
    [[nodiscard]] Expected<Done, ArchiveFailure> check_moved(std::uint64_t through) const;

    FileSystem& m_files;
    std::string m_folder;
    std::string m_archive;
    Hash m_chain_id;
};

}  // namespace tally
