#include "ledger/store/leveldb_store.h"

#include "ledger/base/check.h"
#include "ledger/store/leveldb_env.h"

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <utility>

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

/// The first eight bytes of a key as a number, zeros behind a shorter one.
std::uint64_t number_of(ByteView key) {
    std::uint64_t number{0};
    for (std::size_t i = 0; i < sizeof(number); ++i) {
        number = number << 8U | (i < key.size() ? key[i] : 0U);
    }
    return number;
}

Bytes key_of(std::uint64_t number) {
    Bytes key(sizeof(number));
    for (std::size_t i = key.size(); i > 0; --i, number >>= 8U) {
        key[i - 1] = static_cast<std::uint8_t>(number);
    }
    return key;
}

/// The last key before which about `bytes_max` of files lie from `from` on: `to`, or one that is
/// told apart from `from` by its first eight bytes.
Bytes end_of_piece(leveldb::DB& db, ByteView from, ByteView to, std::uint64_t bytes_max) {
    const auto bytes_up_to = [&](ByteView end) {
        const leveldb::Range range{slice(from), slice(end)};
        std::uint64_t bytes{0};
        db.GetApproximateSizes(&range, 1, &bytes);
        return bytes;
    };
    const std::uint64_t first = number_of(from);
    if (bytes_up_to(to) <= bytes_max || first >= number_of(to)) {
        return {to.begin(), to.end()};
    }
    // `low` is always few enough, or the least step; `high` is too many.
    std::uint64_t low = first + 1;
    std::uint64_t high = std::max(low, number_of(to));
    while (high - low > 1) {
        const std::uint64_t middle = low + (high - low) / 2;
        (bytes_up_to(key_of(middle)) <= bytes_max ? low : high) = middle;
    }
    Bytes end = key_of(low);
    return slice(end).compare(slice(to)) < 0 ? end : Bytes{to.begin(), to.end()};
}

/// What a store and its snapshots share.
struct Database {
    explicit Database(const LevelDbStore::Options& options)
        : env{options.env, options.sync_folder, options.stop} {}
    SyncingEnv env;
    std::unique_ptr<const leveldb::FilterPolicy> filter;
    std::unique_ptr<leveldb::Cache> cache;
    std::atomic<std::uint64_t> snapshots{0};  ///< open ones
    const Clock* clock{nullptr};              ///< null: writes are not measured
    std::atomic<std::int64_t> slowest_write_us{0};
    std::unique_ptr<leveldb::DB> db;  // last: closed before what it uses
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
    [[nodiscard]] leveldb::Status measured_write(const leveldb::WriteOptions& options,
                                                 leveldb::WriteBatch& writes) const {
        const Clock* const clock = database->clock;
        if (clock == nullptr) {
            return db().Write(options, &writes);
        }
        const std::chrono::microseconds begin = clock->monotonic();
        const leveldb::Status status = db().Write(options, &writes);
        const std::int64_t took = (clock->monotonic() - begin).count();
        // Somebody may take the figure meanwhile; nobody else raises it.
        std::int64_t slowest = database->slowest_write_us.load();
        while (took > slowest && !database->slowest_write_us.compare_exchange_weak(slowest, took)) {
        }
        return status;
    }
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
    database->clock = options.clock;
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
    const leveldb::Status status = m_impl->measured_write(options, writes);
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
    const auto figure_of = [this](const char* property) {
        std::string text;
        std::uint64_t number{0};
        if (m_impl->db().GetProperty(property, &text)) {
            std::from_chars(text.data(), text.data() + text.size(), number);
        }
        return number;
    };
    return {figure_of("leveldb.num-files-at-level0"), figure_of("leveldb.approximate-memory-usage"),
            m_impl->database->snapshots.load()};
}

std::chrono::microseconds LevelDbStore::take_slowest_write() {
    return std::chrono::microseconds{m_impl->database->slowest_write_us.exchange(0)};
}

Bytes LevelDbStore::compact(ByteView from, ByteView to, std::uint64_t bytes_max) {
    ENSURE(std::ranges::lexicographical_compare(from, to));
    const Bytes end = end_of_piece(m_impl->db(), from, to, bytes_max);
    const leveldb::Slice begin_slice = slice(from);
    const leveldb::Slice end_slice = slice(end);
    m_impl->db().CompactRange(&begin_slice, &end_slice);
    return end;
}

}  // namespace tally
