#pragma once

#include "ledger/base/file_system.h"
#include "ledger/model/block_header.h"

#include <optional>
#include <string>

namespace tally {

/// Name of the file in the segments folder that says behind which block the segments begin. A
/// folder without it begins with block 1.
inline constexpr const char* archive_base_name{"base"};

/// The header of the last block that a folder of segments does not have, written when a node is
/// made by state sync. File: magic "TALLYBAS", version u16 = 1, header, CRC-32C u32 of all of
/// these.
[[nodiscard]] Bytes encode_archive_base(const BlockHeader& base);
/// Nothing unless all bytes are as `encode_archive_base` writes them.
[[nodiscard]] std::optional<BlockHeader> decode_archive_base(ByteView bytes);

/// Nothing when the folder has no such file. The error is a text with the file in it.
[[nodiscard]] Expected<std::optional<BlockHeader>, std::string> read_archive_base(
    const FileSystem& files, const std::string& folder);

}  // namespace tally
