#pragma once

#include "tools/storage/backup_check.h"
#include "tools/storage/backup_source.h"

#include <functional>
#include <optional>
#include <string>

namespace tally::tools {

struct BackupOptions {
    std::string folder;
    /// Go on from the complete backup that is there.
    bool incremental{false};
};

struct BackupReport {
    BackupManifest manifest;
    std::uint64_t files_kept{0};  ///< closed segments that were there already
    std::uint64_t bytes_fetched{0};
};

/// What is told meanwhile: the stage ("segments", "state", "verifying") and how far it is.
using StageProgress =
    std::function<void(const char* stage, std::uint64_t done, std::uint64_t total)>;

/// Makes a backup, or goes on with one that was interrupted: snapshot, segments, verification of
/// everything on disk, and only then its manifest. An older backup in the folder stays whole until
/// then. The error is a text that says what to do.
[[nodiscard]] Expected<BackupReport, std::string> make_backup(BackupSource& source,
                                                              FileSystem& files,
                                                              const Genesis& genesis,
                                                              const BackupOptions& options,
                                                              const StageProgress& progress);

/// Checks a backup as a whole, then fills an empty ledger in `data_dir` from it, by the code that
/// imports snapshots. Makes no safety record. Goes on with a restore that was interrupted. The
/// error is a text that says what to do.
[[nodiscard]] Expected<BackupManifest, std::string> restore_backup(FileSystem& files,
                                                                   const std::string& folder,
                                                                   const std::string& data_dir,
                                                                   const Genesis& genesis,
                                                                   const StageProgress& progress);

}  // namespace tally::tools
