#pragma once

#include "ledger/base/file_system.h"
#include "ledger/chain/block.h"
#include "ledger/store/segment_folders.h"
#include "ledger/store/segment_reader.h"
#include "ledger/store/segment_source.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Why an archive does not open. `message` names file and offset and says what to do.
struct ArchiveError {
    enum class Kind : std::uint8_t { not_initialized, already_there, corrupted, io_error };
    Kind kind{Kind::corrupted};
    std::string message;
};

/// Where a block's record is.
struct BlockPlace {
    std::uint64_t segment{0};  ///< first height of the file
    std::uint64_t offset{0};   ///< of the record
    std::uint32_t length{0};   ///< of the whole record
    friend bool operator==(const BlockPlace&, const BlockPlace&) = default;
};

/// The final blocks on disk, in segment files that only grow: docs/protocol/segments.md. Old closed
/// files may be moved to an archive folder (SegmentArchiver) while this is open; they are read
/// there. That folder need not be there: then its blocks cannot be read, and nothing else changes.
///
/// Durability: when `append` returns, the block survives power loss. A disk error while appending
/// stops the process. Files that are closed never change again. Threads: one owner.
class BlockArchive {
public:
    struct Options {
        /// A file is closed when it has this many bytes or more.
        std::uint64_t segment_bytes{64UL * 1024 * 1024};
        /// Blocks up to this height are known to have been synced: damage in them is never a torn
        /// tail.
        std::uint64_t applied_height{0};
    };

    /// Makes the folder and the first, empty file. `already_there` when it has segments.
    [[nodiscard]] static Expected<Done, ArchiveError> create(FileSystem& files,
                                                             const std::string& folder,
                                                             const Hash& chain_id);
    /// The same for an archive that begins behind `base` (file "base" in the folder); with a base
    /// at height 0 it begins with block 1.
    [[nodiscard]] static Expected<Done, ArchiveError> create_behind(FileSystem& files,
                                                                    const std::string& folder,
                                                                    const Hash& chain_id,
                                                                    const BlockHeader& base);
    /// Removes every segment and the base: for a snapshot that is given up. Not while it is open.
    [[nodiscard]] static Expected<Done, ArchiveError> remove_all(FileSystem& files,
                                                                 const std::string& folder);
    /// Checks names, headers and footers of all files and every record of the newest; cuts a torn
    /// tail above `applied_height`. All must outlive the archive.
    [[nodiscard]] static Expected<std::unique_ptr<BlockArchive>, ArchiveError> open(
        FileSystem& files, const std::string& folder, const Hash& chain_id, const Options& options);

    /// Adds the block of height `last_height() + 1`.
    BlockPlace append(const FinalizedBlock& block, const Hash& digest);

    [[nodiscard]] std::uint64_t last_height() const noexcept { return m_last_height; }
    /// Blocks up to this height are not here: 0, or what state sync left out.
    [[nodiscard]] std::uint64_t base_height() const noexcept { return m_base ? m_base->height : 0; }
    /// The block behind which this archive begins; nothing when it begins with block 1.
    [[nodiscard]] const std::optional<BlockHeader>& base() const noexcept { return m_base; }
    /// Digest of the newest block, or of the base; zero when there is neither.
    [[nodiscard]] const Hash& last_digest() const noexcept { return m_last_digest; }
    [[nodiscard]] Expected<FinalizedBlock, SegmentFault> read(const BlockPlace& place) const;
    /// The segments wherever they are now.
    [[nodiscard]] const SegmentFolders& folders() const noexcept { return m_folders; }

    /// Blocks in order, for replay.
    class Cursor {
    public:
        struct Item {
            FinalizedBlock block;
            BlockPlace place;
        };
        /// Nothing behind the newest block.
        [[nodiscard]] Expected<std::optional<Item>, SegmentFault> next();

    private:
        friend class BlockArchive;
        Cursor(const BlockArchive& archive, std::size_t file);
        std::unique_ptr<SegmentFolders> m_source;  ///< where the reader finds it when this moves
        const BlockArchive& m_archive;
        std::size_t m_file;
        std::uint64_t m_next_height;  ///< of the file that comes next
        std::optional<SegmentReader> m_reader;
    };
    /// From the first block, or from the one behind `after`. The archive must not grow meanwhile.
    [[nodiscard]] Cursor read_all() const;
    [[nodiscard]] Cursor read_after(const BlockPlace& after) const;

    /// Those in the archive folder included, if it could be read when this was opened.
    [[nodiscard]] const std::vector<SegmentInfo>& segments() const noexcept { return m_segments; }
    /// Bytes that `open` cut from a torn tail.
    [[nodiscard]] std::uint64_t bytes_cut() const noexcept { return m_bytes_cut; }

private:
    BlockArchive(FileSystem& files, std::string folder, const Hash& chain_id,
                 const Options& options);
    [[nodiscard]] std::optional<ArchiveError> load();
    [[nodiscard]] std::optional<ArchiveError> list_segments();
    [[nodiscard]] std::optional<ArchiveError> check_closed(const SegmentInfo& info,
                                                           std::uint64_t next_first_height);
    [[nodiscard]] std::optional<ArchiveError> load_newest();
    [[nodiscard]] std::optional<ArchiveError> take_record(const SegmentRecord& record,
                                                          const std::string& file);
    [[nodiscard]] std::optional<ArchiveError> sync_newest();
    [[nodiscard]] std::optional<ArchiveError> cut_tail(const SegmentFault& fault);
    [[nodiscard]] bool valid_record_behind(std::uint64_t offset) const;
    [[nodiscard]] std::string path_of(const std::string& name) const;
    [[nodiscard]] SegmentFault missing_before(const SegmentInfo& info, std::uint64_t height) const;
    void start_file();
    void write_record(RecordKind kind, ByteView payload);

    FileSystem& m_files;
    std::string m_folder;
    mutable SegmentFolders m_folders;
    Hash m_chain_id;
    Options m_options;
    std::vector<SegmentInfo> m_segments;
    std::size_t m_first_here{0};         ///< among them: the first that is in the folder itself
    std::unique_ptr<AppendFile> m_file;  ///< the newest file, once written to
    bool m_newest_closed{false};
    std::uint64_t m_last_height{0};
    Hash m_last_digest;
    std::uint64_t m_bytes_cut{0};
    std::optional<BlockHeader> m_base;
};

/// Reports a disk or store error on durable data and stops the process: what was promised can no
/// longer be kept, and a retry could promise it twice.
[[noreturn]] void stop_on_storage_error(const std::string& what);

}  // namespace tally
