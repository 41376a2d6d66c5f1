#pragma once

#include "ledger/base/file_system.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tally {

/// Name of the file in the segments folder that says which segments were moved away, and where to.
inline constexpr const char* archived_record_name{"archived"};
/// Longest path of an archive folder, in bytes.
inline constexpr std::size_t archive_path_bytes_max{4096};

/// Which segments of a node are in an archive folder: all that end at or below `through`. Written
/// before the first of them is removed. File: magic "TALLYARC", version u16 = 1, through u64,
/// digest of that block 32, folder behind a u32 length, CRC-32C u32 of all of these.
struct ArchivedRecord {
    std::uint64_t through{0};
    Hash last_digest;
    std::string folder;  ///< absolute

    friend bool operator==(const ArchivedRecord&, const ArchivedRecord&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing unless all bytes are as `encode` writes them.
    [[nodiscard]] static std::optional<ArchivedRecord> decode(ByteView bytes);
};

/// Nothing when nothing was ever moved away. The error is a text with the file in it.
[[nodiscard]] Expected<std::optional<ArchivedRecord>, std::string> read_archived_record(
    const FileSystem& files, const std::string& segments_folder);

}  // namespace tally
