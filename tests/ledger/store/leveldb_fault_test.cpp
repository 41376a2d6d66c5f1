// The practices that LevelDbStore follows, each against a disk that fails.

#include "ledger/store/leveldb_store.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/faulty_leveldb_env.h"
#include "tests/support/process_stop.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>

using namespace tally;
using namespace tally::test;

namespace {

constexpr int batches{12};
constexpr int sync_every{3};

Bytes key_of(int number) { return {static_cast<std::uint8_t>(number)}; }
constexpr std::size_t value_bytes{300};
/// Twelve of them are more than what LevelDB holds in memory: it begins another log.
constexpr std::size_t large_value_bytes{9'000};
Bytes value_of(int number, std::size_t bytes = value_bytes) {
    return Bytes(bytes, static_cast<std::uint8_t>(number));
}

WriteBatch batch_of(int number, std::size_t bytes = value_bytes) {
    WriteBatch batch;
    batch.put(key_of(number), value_of(number, bytes));
    return batch;
}

struct Disk {
    TemporaryFolder folder;
    FaultyLevelDbEnv env;
    std::unique_ptr<LevelDbStore> store;
    std::string problem;
    std::size_t bytes{value_bytes};
    /// A machine without power does not have to be stopped.
    bool stops_by_itself{false};

    bool open() {
        store.reset();
        LevelDbStore::Options options;
        options.env = &env;
        options.write_buffer_bytes = 64UL * 1024;
        options.sync_folder = [this](const std::string& name) { return env.sync_folder(name); };
        if (stops_by_itself) {
            options.stop = [](const std::string&) {};
        }
        auto opened = LevelDbStore::open(folder.file("state"), options);
        problem = opened ? "" : opened.error();
        if (opened) {
            store = std::move(opened).value();
        }
        return store != nullptr;
    }
    /// Batches from `first` on, until one fails; the first that is not durable.
    int write(int first = 0) {
        int durable = first;
        for (int number = first; number < batches; ++number) {
            const bool sync = number % sync_every == sync_every - 1;
            if (!store->write(batch_of(number, bytes), sync)) {
                break;
            }
            durable = sync ? number + 1 : durable;
        }
        return durable;
    }
    /// How many batches are there; REQUIREs that they are the first ones, with right values.
    [[nodiscard]] int count() const {
        int there = 0;
        for (int number = 0; number < batches; ++number) {
            const auto value = store->get(key_of(number));
            REQUIRE(value);
            if (*value) {
                REQUIRE(there == number);
                CHECK(**value == value_of(number, bytes));
                ++there;
            }
        }
        return there;
    }
    [[nodiscard]] std::string file_ending(const std::string& suffix) const {
        for (const auto& entry : std::filesystem::directory_iterator{folder.file("state")}) {
            if (entry.path().string().ends_with(suffix) &&
                std::filesystem::file_size(entry.path()) > 0) {
                return entry.path().string();
            }
        }
        return "";
    }
};

void flip_byte(const std::string& path, std::streamoff at) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    REQUIRE(file);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x40));
}

}  // namespace

TEST_CASE("LevelDB: power failing before any write step keeps what was synced, and a prefix") {
    const TailFate fate =
        GENERATE(TailFate::lost, TailFate::half, TailFate::zeroed, TailFate::kept);
    const std::size_t bytes = GENERATE(value_bytes, large_value_bytes);
    int refused{0};
    for (std::uint64_t step = 0;; ++step) {
        Disk disk;
        disk.bytes = bytes;
        disk.stops_by_itself = true;
        disk.env.fail_from(step);
        int durable{0};
        if (disk.open()) {
            durable = disk.write();
        }
        const bool was_cut = disk.env.has_failed();
        disk.store.reset();
        disk.env.crash(fate);
        INFO("before step " << step << ", fate " << static_cast<int>(fate) << ", values of "
                            << bytes << " bytes");
        if (!disk.open()) {
            // A torn record that is neither whole nor plainly cut: never repaired, never guessed.
            INFO(disk.problem);
            CHECK(fate == TailFate::zeroed);
            ++refused;
        } else {
            CHECK(disk.count() >= durable);
            CHECK(disk.write(disk.count()) >= 0);
        }
        if (!was_cut) {
            CHECK(step > 20);
            break;
        }
    }
    CHECK((fate == TailFate::zeroed || refused == 0));
}

TEST_CASE("LevelDB: after a failed sync every later write fails, until it is opened again") {
    Disk disk;
    REQUIRE(disk.open());
    REQUIRE(disk.write() == batches);
    disk.env.fail(EnvStep::sync);
    CHECK_FALSE(disk.store->write(batch_of(100), true));
    disk.env.heal();
    CHECK_FALSE(disk.store->write(batch_of(101), true));
    CHECK_FALSE(disk.store->write(batch_of(102), false));
    disk.store.reset();
    disk.env.crash(TailFate::lost);
    REQUIRE(disk.open());
    CHECK(disk.count() == batches);
    CHECK_FALSE((*disk.store->get(key_of(101))).has_value());
    CHECK(disk.store->write(batch_of(103), true));
}

TEST_CASE("LevelDB: a log that cannot be synced at its end stops the process") {
    Disk disk;
    disk.bytes = large_value_bytes;
    REQUIRE(disk.open());
    const auto fill = [&](bool syncs) {
        disk.env.heal();
        if (!syncs) {
            disk.env.fail(EnvStep::sync);
        }
        // Unsynced, until LevelDB begins another log.
        for (int number = 0; number < batches; ++number) {
            static_cast<void>(disk.store->write(batch_of(number, disk.bytes), false));
        }
    };
    CHECK(stops([&] { fill(false); }));
    CHECK_FALSE(stops([&] { fill(true); }));
}

TEST_CASE("LevelDB: a full disk is an error of the write, and nothing that was synced is lost") {
    Disk disk;
    REQUIRE(disk.open());
    REQUIRE(disk.write() == batches);
    disk.env.fail(EnvStep::append);
    CHECK_FALSE(disk.store->write(batch_of(100), false));
    disk.env.heal();  // room again: only a new start takes it up
    disk.store.reset();
    REQUIRE(disk.open());
    CHECK(disk.count() == batches);
    CHECK(disk.store->write(batch_of(101), true));
}

TEST_CASE("LevelDB: the folder is synced behind every new file and every rename") {
    Disk disk;
    REQUIRE(disk.open());
    disk.write();
    REQUIRE(disk.open());  // a new log, a new manifest, a new CURRENT
    const std::vector<EnvStep> steps = disk.env.steps();
    CHECK(std::count(steps.begin(), steps.end(), EnvStep::create) >= 4);
    CHECK(std::count(steps.begin(), steps.end(), EnvStep::rename) >= 2);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i] == EnvStep::create || steps[i] == EnvStep::rename) {
            REQUIRE(i + 1 < steps.size());
            CHECK(steps[i + 1] == EnvStep::sync_folder);
        }
    }
}

TEST_CASE("LevelDB: a store whose folder cannot be synced does not open") {
    Disk disk;
    disk.env.fail(EnvStep::sync_folder);
    CHECK_FALSE(disk.open());
    disk.env.heal();
    CHECK(disk.open());
}

TEST_CASE("LevelDB: an error at any one step of a start costs nothing at the next start") {
    Disk disk;
    REQUIRE(disk.open());
    REQUIRE(disk.write() == batches);
    disk.env.fail_from(std::numeric_limits<std::uint64_t>::max());  // counts the steps
    REQUIRE(disk.open());
    const std::size_t steps = disk.env.steps().size();
    disk.store.reset();
    int stopped{0};
    for (std::uint64_t step = 0; step < steps; ++step) {
        INFO("step " << step << " of " << steps);
        stopped += stops([&] {
            disk.env.fail_once(step);
            disk.open();
        });
        disk.env.heal();
        REQUIRE(disk.open());
        CHECK(disk.count() == batches);
        disk.store.reset();
    }
    CHECK(steps > 5);
    CHECK(stopped == 1);  // the folder behind a new CURRENT
}

TEST_CASE("LevelDB: a changed byte in a table is an error, never another value") {
    Disk disk;
    REQUIRE(disk.open());
    disk.write();
    REQUIRE(disk.open());  // the log becomes a table
    disk.store.reset();
    const std::string table = disk.file_ending(".ldb");
    REQUIRE_FALSE(table.empty());
    flip_byte(table, 100);
    if (!disk.open()) {
        return;  // found at once
    }
    int errors{0};
    for (int number = 0; number < batches; ++number) {
        const auto value = disk.store->get(key_of(number));
        errors += value ? 0 : 1;
        if (value) {
            REQUIRE(*value);
            CHECK(**value == value_of(number));
        }
    }
    CHECK(errors > 0);
    CHECK_FALSE(disk.store->scan({}, {}, batches));
}

TEST_CASE("LevelDB: a changed byte in the log is refused at the start, not dropped") {
    Disk disk;
    REQUIRE(disk.open());
    disk.write();
    disk.store.reset();
    const std::string log = disk.file_ending(".log");
    REQUIRE_FALSE(log.empty());
    flip_byte(log, 700);  // with whole records behind it
    CHECK_FALSE(disk.open());
    CHECK(disk.problem.find("orruption") != std::string::npos);
}

TEST_CASE("LevelDB: it says what it holds in memory and how many snapshots are open") {
    TemporaryFolder folder;
    const auto store = std::move(LevelDbStore::open(folder.file("db"))).value();
    const LevelDbStore::Figures empty = store->figures();
    CHECK(empty.files_at_level0 == 0);
    CHECK(empty.snapshots == 0);
    WriteBatch batch;
    for (std::uint8_t i = 0; i < 100; ++i) {
        batch.put(Bytes{i}, Bytes(10'000, i));
    }
    REQUIRE(store->write(batch, true));
    CHECK(store->figures().memory_bytes >= empty.memory_bytes + 1'000'000);
    {
        const auto first = store->snapshot();
        const auto second = store->snapshot();
        CHECK(store->figures().snapshots == 2);
    }
    CHECK(store->figures().snapshots == 0);
}

TEST_CASE("LevelDB: it says how many files wait at level 0") {
    TemporaryFolder folder;
    const std::string path = folder.file("db");
    // What a log holds becomes one file at level 0, or below it, when the store is opened again.
    for (std::uint8_t i = 0; i < 3; ++i) {
        const auto store = std::move(LevelDbStore::open(path)).value();
        WriteBatch batch;
        batch.put(Bytes{1}, Bytes(100, i));
        REQUIRE(store->write(batch, true));
    }
    const auto store = std::move(LevelDbStore::open(path)).value();
    CHECK(store->figures().files_at_level0 == 3);
}
