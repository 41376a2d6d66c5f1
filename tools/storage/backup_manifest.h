#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"
#include "ledger/model/ids.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tally::tools {

inline constexpr const char* backup_manifest_name{"backup.json"};
/// Most files of one backup, and the longest manifest in bytes.
inline constexpr std::size_t backup_files_max{1'000'000};
inline constexpr std::size_t backup_manifest_bytes_max{256UL * 1024 * 1024};

/// One file of a backup, below its folder: "segments/<name>.seg" for a closed segment,
/// "tail-<height>.seg" for the newest one, "snapshot-<height>.bin" for the state.
struct BackupFile {
    std::string path;
    std::uint64_t bytes{0};
    Hash sha256;
    friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

/// What is in a backup folder: docs/protocol/backup.md. Written last, so that a folder with it has
/// a whole backup that was verified. It proves nothing by itself: what proves is the certificate in
/// the snapshot.
struct BackupManifest {
    Hash chain_id;
    std::uint64_t height{0};       ///< of the block whose state this is
    Hash digest;                   ///< of that block
    std::uint64_t base_height{0};  ///< blocks up to this one are not in it
    UnixMillis block_time{0};
    std::vector<BackupFile> segments;  ///< closed ones, oldest first
    BackupFile tail;
    std::uint64_t tail_first_height{0};
    BackupFile snapshot;

    friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
    [[nodiscard]] std::string to_json() const;
    /// The error names the place.
    [[nodiscard]] static Expected<BackupManifest, std::string> from_json(std::string_view text);
    [[nodiscard]] std::uint64_t total_bytes() const;
};

[[nodiscard]] std::string backup_segment_path(std::uint64_t first_height);
[[nodiscard]] std::string backup_tail_path(std::uint64_t height);
[[nodiscard]] std::string backup_snapshot_path(std::uint64_t height);

}  // namespace tally::tools
