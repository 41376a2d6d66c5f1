#include "ledger/store/leveldb_store.h"

#include "ledger/base/check.h"
#include "ledger/store/block_archive.h"

#include <fcntl.h>
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>
#include <unistd.h>

#include <atomic>
#include <charconv>

namespace tally {
namespace {

constexpr int bloom_bits_per_key{10};

leveldb::Slice slice(ByteView bytes) {
    const std::string_view text = as_text(bytes);
    return {text.data(), text.size()};
}

Bytes owned(const leveldb::Slice& bytes) {
    const ByteView view = as_bytes({bytes.data(), bytes.size()});
    return {view.begin(), view.end()};
}

StoreError error_of(const leveldb::Status& status) {
    return status.IsCorruption() ? StoreError::corrupted : StoreError::io_error;
}

bool sync_folder(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    const bool synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return synced;
}

/// LevelDB syncs its folder only before a MANIFEST. This also does so when a file is created or
/// renamed, so that a new log and CURRENT are there after power loss.
///
/// When the folder cannot be synced behind a new CURRENT, nobody knows which of two MANIFEST files
/// a next start will find named there. LevelDB takes that for a failure and removes the new one; so
/// the process stops before it can, and both are there at the next start.
class SyncingEnv final : public leveldb::EnvWrapper {
public:
    explicit SyncingEnv(const LevelDbStore::Options& options)
        : leveldb::EnvWrapper{options.env != nullptr ? options.env : leveldb::Env::Default()},
          m_sync_folder{options.sync_folder ? options.sync_folder : sync_folder},
          m_stop{options.stop ? options.stop : stop_on_storage_error} {}

    leveldb::Status NewWritableFile(const std::string& path,
                                    leveldb::WritableFile** file) override {
        leveldb::Status status = target()->NewWritableFile(path, file);
        if (status.ok()) {
            status = sync_folder_of(path);
            if (!status.ok()) {
                delete *file;
                *file = nullptr;
            }
        }
        return status;
    }

    leveldb::Status RenameFile(const std::string& from, const std::string& to) override {
        leveldb::Status status = target()->RenameFile(from, to);
        if (status.ok()) {
            status = sync_folder_of(to);
            if (!status.ok() && to.ends_with("/CURRENT")) {
                m_stop(to + ": cannot sync the folder behind it");
            }
        }
        return status;
    }

private:
    [[nodiscard]] leveldb::Status sync_folder_of(const std::string& path) const {
        const std::size_t slash = path.find_last_of('/');
        const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
        return m_sync_folder(folder) ? leveldb::Status::OK()
                                     : leveldb::Status::IOError(folder, "cannot sync the folder");
    }

    std::function<bool(const std::string& folder)> m_sync_folder;
    std::function<void(const std::string& why)> m_stop;
};

/// What a store and its snapshots share.
struct Database {
    explicit Database(const LevelDbStore::Options& options) : env{options} {}
    SyncingEnv env;
    std::unique_ptr<const leveldb::FilterPolicy> filter;
    std::unique_ptr<leveldb::Cache> cache;
    std::atomic<std::uint64_t> snapshots{0};  ///< open ones
    std::unique_ptr<leveldb::DB> db;          // last: closed before what it uses
};

}  // namespace

struct LevelDbStore::Impl {
    explicit Impl(std::shared_ptr<Database> the_database) : database{std::move(the_database)} {}
    ~Impl() {
        if (snapshot != nullptr) {
            database->db->ReleaseSnapshot(snapshot);
            --database->snapshots;
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    std::shared_ptr<Database> database;
    const leveldb::Snapshot* snapshot{nullptr};  ///< null: the store as it grows

    [[nodiscard]] leveldb::DB& db() const { return *database->db; }
    [[nodiscard]] leveldb::ReadOptions read_options() const {
        leveldb::ReadOptions options;
        options.verify_checksums = true;
        options.snapshot = snapshot;
        return options;
    }
    [[nodiscard]] std::unique_ptr<leveldb::Iterator> iterate() const {
        leveldb::ReadOptions options = read_options();
        options.fill_cache = false;
        return std::unique_ptr<leveldb::Iterator>{db().NewIterator(options)};
    }
};

LevelDbStore::LevelDbStore(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
LevelDbStore::~LevelDbStore() = default;

Expected<std::unique_ptr<LevelDbStore>, std::string> LevelDbStore::open(const std::string& folder) {
    return open(folder, Options{});
}

Expected<std::unique_ptr<LevelDbStore>, std::string> LevelDbStore::open(const std::string& folder,
                                                                        const Options& options) {
    auto database = std::make_shared<Database>(options);
    database->filter.reset(leveldb::NewBloomFilterPolicy(bloom_bits_per_key));
    database->cache.reset(leveldb::NewLRUCache(options.block_cache_bytes));
    leveldb::Options settings;
    settings.create_if_missing = true;
    settings.paranoid_checks = true;
    settings.reuse_logs = false;
    settings.env = &database->env;
    settings.filter_policy = database->filter.get();
    settings.block_cache = database->cache.get();
    settings.write_buffer_size = options.write_buffer_bytes;
    settings.max_file_size = options.file_bytes_max;
    leveldb::DB* db = nullptr;
    const leveldb::Status status = leveldb::DB::Open(settings, folder, &db);
    if (!status.ok()) {
        return Unexpected{folder + ": " + status.ToString()};
    }
    database->db.reset(db);
    auto impl = std::make_unique<Impl>(std::move(database));
    return std::unique_ptr<LevelDbStore>{new LevelDbStore{std::move(impl)}};
}

Expected<std::optional<Bytes>, StoreError> LevelDbStore::get(ByteView key) const {
    std::string value;
    const leveldb::Status status = m_impl->db().Get(m_impl->read_options(), slice(key), &value);
    if (status.IsNotFound()) {
        return std::optional<Bytes>{};
    }
    if (!status.ok()) {
        return Unexpected{error_of(status)};
    }
    return std::optional{owned(value)};
}

Expected<std::optional<KeyValueStore::Entry>, StoreError> LevelDbStore::next(ByteView from) const {
    const std::unique_ptr<leveldb::Iterator> at = m_impl->iterate();
    at->Seek(slice(from));
    if (!at->status().ok()) {
        return Unexpected{error_of(at->status())};
    }
    if (!at->Valid()) {
        return std::optional<Entry>{};
    }
    return std::optional{Entry{owned(at->key()), owned(at->value())}};
}

Expected<std::vector<KeyValueStore::Entry>, StoreError> LevelDbStore::scan(
    ByteView prefix, ByteView from, std::size_t count_max) const {
    std::vector<Entry> entries;
    const std::unique_ptr<leveldb::Iterator> at = m_impl->iterate();
    const leveldb::Slice start =
        slice(from).compare(slice(prefix)) < 0 ? slice(prefix) : slice(from);
    at->Seek(start);
    while (entries.size() < count_max && at->Valid() && at->key().starts_with(slice(prefix))) {
        entries.push_back({owned(at->key()), owned(at->value())});
        at->Next();
    }
    if (!at->status().ok()) {
        return Unexpected{error_of(at->status())};
    }
    return entries;
}

Expected<Done, StoreError> LevelDbStore::write(const WriteBatch& batch, bool sync) {
    if (m_impl->snapshot != nullptr) {
        return Unexpected{StoreError::io_error};
    }
    leveldb::WriteBatch writes;
    for (const WriteBatch::Operation& operation : batch.operations) {
        if (operation.value) {
            writes.Put(slice(operation.key), slice(*operation.value));
        } else {
            writes.Delete(slice(operation.key));
        }
    }
    leveldb::WriteOptions options;
    options.sync = sync;
    const leveldb::Status status = m_impl->db().Write(options, &writes);
    if (!status.ok()) {
        return Unexpected{error_of(status)};
    }
    return Done{};
}

std::unique_ptr<KeyValueStore> LevelDbStore::snapshot() const {
    auto impl = std::make_unique<Impl>(m_impl->database);
    impl->snapshot = impl->db().GetSnapshot();
    ++impl->database->snapshots;
    return std::unique_ptr<KeyValueStore>{new LevelDbStore{std::move(impl)}};
}

LevelDbStore::Figures LevelDbStore::figures() const {
    const auto number_of = [this](const char* property) {
        std::string text;
        std::uint64_t number{0};
        if (m_impl->db().GetProperty(property, &text)) {
            std::from_chars(text.data(), text.data() + text.size(), number);
        }
        return number;
    };
    return {number_of("leveldb.num-files-at-level0"), number_of("leveldb.approximate-memory-usage"),
            m_impl->database->snapshots.load()};
}

}  // namespace tally
