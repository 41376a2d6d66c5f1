#pragma once

// What LevelDB reads and writes with. Only leveldb_store.cpp includes it.

#include <leveldb/env.h>

#include <functional>
#include <string>

namespace tally {

/// Makes durable what LevelDB leaves to chance when power fails.
///
/// Names: LevelDB syncs its folder only before a MANIFEST. This also does so when a file is created
/// or renamed, so that a new log and CURRENT are there. When the folder cannot be synced behind a
/// new CURRENT, nobody knows which of two MANIFEST files a next start will find named there.
/// LevelDB takes that for a failure and removes the new one; so the process stops before it can,
/// and both are there at the next start.
///
/// Logs: LevelDB begins a new log when its memory is full, and never syncs the end of the one
/// before: until that memory is in a table, a synced write in the new log would survive and older
/// ones in the old log not. So a log is synced before it is closed, which is before anything is
/// written to the next; when that fails the process stops, as nobody could be told.
class SyncingEnv final : public leveldb::EnvWrapper {
public:
    using SyncFolder = std::function<bool(const std::string& folder)>;
    using Stop = std::function<void(const std::string& why)>;
    /// Null or empty: the machine's own, and what really syncs and stops.
    SyncingEnv(leveldb::Env* env, SyncFolder sync_folder, Stop stop);

    leveldb::Status NewWritableFile(const std::string& path, leveldb::WritableFile** file) override;
    leveldb::Status RenameFile(const std::string& from, const std::string& to) override;

private:
    [[nodiscard]] leveldb::Status sync_folder_of(const std::string& path) const;

    SyncFolder m_sync_folder;
    Stop m_stop;
};

}  // namespace tally
