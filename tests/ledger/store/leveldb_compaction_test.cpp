// Room that deleted entries take is given back, in bounded pieces, and a disk that fails meanwhile
// costs nothing.

#include "ledger/crypto/sha256.h"
#include "ledger/store/leveldb_store.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/support/faulty_leveldb_env.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tally;
using namespace tally::test;

namespace {

constexpr std::uint8_t table{7};
constexpr std::size_t value_bytes{320};

Bytes key_of(std::uint32_t number) {
    Bytes key{table};
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        key.push_back(static_cast<std::uint8_t>(number >> shift));
    }
    return key;
}

/// Bytes that do not compress.
Bytes value_of(std::uint32_t number) {
    Bytes value;
    Hash hash = sha256(key_of(number));
    while (value.size() < value_bytes) {
        value.insert(value.end(), hash.data.begin(), hash.data.end());
        hash = sha256(hash.data);
    }
    return value;
}

bool stays(std::uint32_t number) { return number % 10 == 0; }

struct Disk {
    TemporaryFolder folder;
    FaultyLevelDbEnv env;
    TestClock clock;
    std::unique_ptr<LevelDbStore> store;

    bool open(const Clock* with = nullptr) {
        store.reset();
        LevelDbStore::Options options;
        options.write_buffer_bytes = 64UL * 1024;
        options.file_bytes_max = 1024UL * 1024;
        options.env = &env;
        options.sync_folder = [this](const std::string& name) { return env.sync_folder(name); };
        options.stop = [](const std::string&) {};  // where power is gone anyway
        options.clock = with;
        auto opened = LevelDbStore::open(folder.file("state"), options);
        if (opened) {
            store = std::move(opened).value();
        }
        return store != nullptr;
    }
    void write(std::uint32_t count) {
        for (std::uint32_t number = 0; number < count; ++number) {
            WriteBatch batch;
            batch.put(key_of(number), value_of(number));
            REQUIRE(store->write(batch, false));
        }
        REQUIRE(store->write({}, true));
    }
    void erase(std::uint32_t count) {
        WriteBatch batch;
        for (std::uint32_t number = 0; number < count; ++number) {
            if (!stays(number)) {
                batch.erase(key_of(number));
            }
        }
        REQUIRE(store->write(batch, true));
    }
    /// How many pieces it took.
    int compact(std::uint64_t bytes_max) {
        const Bytes to{table + 1};
        int pieces{0};
        for (Bytes from{table}; from < to; ++pieces) {
            const Bytes end = store->compact(from, to, bytes_max);
            REQUIRE(end > from);
            REQUIRE(end <= to);
            from = end;
        }
        return pieces;
    }
    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum{0};
        for (const auto& entry : std::filesystem::directory_iterator{folder.file("state")}) {
            sum += std::filesystem::file_size(entry.path());
        }
        return sum;
    }
    void check_entries(std::uint32_t count) const {
        for (std::uint32_t number = 0; number < count; ++number) {
            const auto value = store->get(key_of(number));
            REQUIRE(value);
            REQUIRE(value->has_value() == stays(number));
            REQUIRE((!*value || **value == value_of(number)));
        }
    }
};

}  // namespace

TEST_CASE("LevelDB: the room of deleted entries is given back, in bounded pieces") {
    constexpr std::uint32_t entries{30'000};
    constexpr std::uint64_t content{entries * value_bytes};
    constexpr std::uint64_t piece{1024UL * 1024};
    Disk disk;
    REQUIRE(disk.open());
    disk.write(entries);
    const int pieces = disk.compact(piece);
    CHECK(pieces >= static_cast<int>(content / piece / 2));
    CHECK(pieces <= static_cast<int>(content / piece * 2));
    disk.erase(entries);
    CHECK(disk.bytes() > content);
    disk.compact(piece);
    CHECK(disk.bytes() < content / 4);
    disk.check_entries(entries);
}

TEST_CASE("LevelDB: a table in one piece, an empty one and keys that differ late are compacted") {
    Disk disk;
    REQUIRE(disk.open());
    CHECK(disk.compact(1024) == 1);
    disk.write(2'000);
    CHECK(disk.compact(UINT64_MAX) == 1);
    // More below one beginning of eight bytes than a piece may have: it is one piece.
    for (std::uint8_t last = 0; last < 200; ++last) {
        WriteBatch batch;
        batch.put(Bytes{1, 2, 3, 4, 5, 6, 7, 8, last}, value_of(last));
        REQUIRE(disk.store->write(batch, true));
    }
    const Bytes behind{1, 2, 3, 4, 5, 6, 7, 8, 255};
    CHECK(disk.store->compact(Bytes{1, 2, 3, 4, 5, 6, 7, 8}, behind, 1) == behind);
}

TEST_CASE("LevelDB: what a snapshot shows is kept by a compaction") {
    Disk disk;
    REQUIRE(disk.open());
    disk.write(2'000);
    const std::unique_ptr<KeyValueStore> snapshot = disk.store->snapshot();
    disk.erase(2'000);
    disk.compact(100'000);
    for (std::uint32_t number = 0; number < 2'000; ++number) {
        const auto value = snapshot->get(key_of(number));
        REQUIRE(value);
        REQUIRE(*value == value_of(number));
    }
}

TEST_CASE("LevelDB: power failing before any step of a compaction loses nothing") {
    constexpr std::uint32_t entries{400};
    const TailFate fate = GENERATE(TailFate::lost, TailFate::half, TailFate::kept);
    for (std::uint64_t step = 0;; ++step) {
        Disk disk;
        REQUIRE(disk.open());
        disk.write(entries);
        disk.erase(entries);
        disk.env.fail_from(step);
        disk.compact(100'000);
        const bool was_cut = disk.env.has_failed();
        if (was_cut) {
            WriteBatch batch;
            batch.put(Bytes{1}, Bytes{1});
            CHECK_FALSE(disk.store->write(batch, true));
        }
        disk.store.reset();
        disk.env.crash(fate);
        INFO("before step " << step << ", fate " << static_cast<int>(fate));
        REQUIRE(disk.open());
        disk.check_entries(entries);
        disk.compact(100'000);
        disk.check_entries(entries);
        if (!was_cut) {
            CHECK(step > 10);
            break;
        }
    }
}

TEST_CASE("LevelDB: after an error in a compaction every write fails, until it is opened again") {
    Disk disk;
    REQUIRE(disk.open());
    disk.write(600);
    disk.erase(600);
    disk.env.fail(EnvStep::sync);
    disk.compact(100'000);
    REQUIRE(disk.env.has_failed());
    disk.env.heal();
    WriteBatch batch;
    batch.put(Bytes{1}, Bytes{1});
    CHECK_FALSE(disk.store->write(batch, true));
    REQUIRE(disk.open());
    disk.check_entries(600);
    CHECK(disk.store->write(batch, true));
}

TEST_CASE("LevelDB: it says how long the slowest write took, since it was asked last") {
    /// Each reading is the next of what is given, so that a write takes what a test wants.
    class PlayedClock final : public Clock {
    public:
        [[nodiscard]] UnixMillis now() const override { return 0; }
        [[nodiscard]] std::chrono::microseconds monotonic() const override {
            m_now += is_begin ? std::chrono::microseconds{1'000'000} : takes;
            is_begin = !is_begin;
            return m_now;
        }
        std::chrono::microseconds takes{0};

    private:
        mutable bool is_begin{true};
        mutable std::chrono::microseconds m_now{0};
    };
    PlayedClock clock;
    Disk disk;
    REQUIRE(disk.open(&clock));
    CHECK(disk.store->take_slowest_write().count() == 0);
    for (const int takes : {500, 250'000, 3'000}) {
        clock.takes = std::chrono::microseconds{takes};
        REQUIRE(disk.store->write({}, false));
    }
    CHECK(disk.store->take_slowest_write().count() == 250'000);
    CHECK(disk.store->take_slowest_write().count() == 0);
    REQUIRE(disk.store->write({}, false));
    CHECK(disk.store->take_slowest_write().count() == 3'000);
    disk.store.reset();
}
