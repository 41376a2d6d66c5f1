#include "ledger/store/leveldb_env.h"

#include "ledger/store/block_archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <utility>

namespace tally {
namespace {

bool sync_folder(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    const bool synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return synced;
}

/// A log that is synced when it ends. LevelDB ends it by destroying it.
class LogFile final : public leveldb::WritableFile {
public:
    LogFile(std::string path, leveldb::WritableFile* inner, SyncingEnv::Stop stop)
        : m_path{std::move(path)}, m_inner{inner}, m_stop{std::move(stop)} {}
    ~LogFile() override {
        // A log that failed is the store's last: LevelDB writes nothing any more.
        if (m_is_behind && !m_has_failed && !Sync().ok()) {
            m_stop(m_path + ": cannot be synced at its end");
        }
    }
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    leveldb::Status Append(const leveldb::Slice& data) override {
        m_is_behind = true;
        return noted(m_inner->Append(data));
    }
    leveldb::Status Close() override { return noted(m_inner->Close()); }
    leveldb::Status Flush() override { return noted(m_inner->Flush()); }
    leveldb::Status Sync() override {
        leveldb::Status status = noted(m_inner->Sync());
        m_is_behind = m_is_behind && !status.ok();
        return status;
    }

private:
    leveldb::Status noted(leveldb::Status status) {
        m_has_failed = m_has_failed || !status.ok();
        return status;
    }

    std::string m_path;
    std::unique_ptr<leveldb::WritableFile> m_inner;
    SyncingEnv::Stop m_stop;
    bool m_is_behind{false};  ///< something was written behind the last sync
    bool m_has_failed{false};
};

}  // namespace

SyncingEnv::SyncingEnv(leveldb::Env* env, SyncFolder sync_folder_with, Stop stop)
    : leveldb::EnvWrapper{env != nullptr ? env : leveldb::Env::Default()},
      m_sync_folder{sync_folder_with ? std::move(sync_folder_with) : sync_folder},
      m_stop{stop ? std::move(stop) : stop_on_storage_error} {}

leveldb::Status SyncingEnv::NewWritableFile(const std::string& path, leveldb::WritableFile** file) {
    leveldb::Status status = target()->NewWritableFile(path, file);
    if (!status.ok()) {
        return status;
    }
    status = sync_folder_of(path);
    if (!status.ok()) {
        delete *file;
        *file = nullptr;
    } else if (path.ends_with(".log")) {
        *file = new LogFile{path, *file, m_stop};
    }
    return status;
}

leveldb::Status SyncingEnv::RenameFile(const std::string& from, const std::string& to) {
    leveldb::Status status = target()->RenameFile(from, to);
    if (status.ok()) {
        status = sync_folder_of(to);
        if (!status.ok() && to.ends_with("/CURRENT")) {
            m_stop(to + ": cannot sync the folder behind it");
        }
    }
    return status;
}

leveldb::Status SyncingEnv::sync_folder_of(const std::string& path) const {
    const std::size_t slash = path.find_last_of('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
    return m_sync_folder(folder) ? leveldb::Status::OK()
                                 : leveldb::Status::IOError(folder, "cannot sync the folder");
}

}  // namespace tally
