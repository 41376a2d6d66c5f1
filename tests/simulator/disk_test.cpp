// The simulated disk must lose what a real one may lose, or the worlds prove nothing.

#include "tests/simulator/scheduler.h"
#include "tests/simulator/sim_disk.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace tally::simulator {
namespace {

Bytes bytes_of(std::string_view text) {
    const ByteView view = as_bytes(text);
    return Bytes(view.begin(), view.end());
}

std::string content(const SimFileSystem& files, const std::string& path) {
    const auto bytes = files.read(path, 0, UINT64_MAX);
    return bytes ? std::string{as_text(*bytes)} : std::string{"(none)"};
}

/// A file "a/f" with "safe" synced and "lost" not.
void write_half_synced(SimFileSystem& files) {
    REQUIRE(files.create_directories("a").has_value());
    auto file = files.open_append("a/f");
    REQUIRE(file.has_value());
    REQUIRE((*file)->append(bytes_of("safe")).has_value());
    REQUIRE((*file)->sync().has_value());
    REQUIRE(files.sync_folder("a").has_value());
    REQUIRE((*file)->append(bytes_of("lost")).has_value());
}

std::string after_crash(UnsyncedFate fate, std::uint64_t seed) {
    SimFileSystem files{EffectGate{}};
    write_half_synced(files);
    SimRandom random{seed};
    files.freeze(fate, random);
    files.restart();
    return content(files, "a/f");
}

}  // namespace

TEST_CASE("unsynced bytes are lost, kept or torn", "[simulator]") {
    CHECK(after_crash(UnsyncedFate::lost, 1) == "safe");
    CHECK(after_crash(UnsyncedFate::kept, 1) == "safelost");
    std::set<std::string> torn;
    std::set<std::string> zeroed;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        torn.insert(after_crash(UnsyncedFate::torn, seed));
        zeroed.insert(after_crash(UnsyncedFate::torn_zeroed, seed));
    }
    CHECK(torn == std::set<std::string>{"safe", "safel", "safelo", "safelos", "safelost"});
    CHECK(zeroed.size() == 5);
    CHECK(zeroed.contains(std::string{"safelo"} + '\0' + '\0'));
}

TEST_CASE("what kill -9 spares may still be lost to the next power failure", "[simulator]") {
    SimFileSystem files{EffectGate{}};
    write_half_synced(files);
    SimRandom random{1};
    files.freeze(UnsyncedFate::kept, random);
    files.restart();
    REQUIRE(content(files, "a/f") == "safelost");
    files.freeze(UnsyncedFate::lost, random);
    files.restart();
    CHECK(content(files, "a/f") == "safe");
}

TEST_CASE("a name that was not synced may be gone, a removed one may be back", "[simulator]") {
    SimFileSystem files{EffectGate{}};
    write_half_synced(files);
    SimRandom random{1};
    auto fresh = files.open_append("a/new");
    REQUIRE(fresh.has_value());
    REQUIRE((*fresh)->sync().has_value());
    REQUIRE(files.remove("a/f").has_value());
    const auto crashed = files.crashed_copy(UnsyncedFate::lost, random);
    CHECK(content(*crashed, "a/new") == "(none)");
    CHECK(content(*crashed, "a/f") == "safe");
    REQUIRE(files.sync_folder("a").has_value());
    const auto later = files.crashed_copy(UnsyncedFate::lost, random);
    CHECK(content(*later, "a/new").empty());
    CHECK(content(*later, "a/f") == "(none)");
}

TEST_CASE("power that fails in a write in place leaves half of it", "[simulator]") {
    bool armed{false};
    SimRandom random{1};
    SimFileSystem* disk{nullptr};
    SimFileSystem files{[&](EffectKind) {
        if (!armed) {
            return false;
        }
        armed = false;
        disk->freeze(UnsyncedFate::lost, random);
        return true;
    }};
    disk = &files;
    REQUIRE(files.write_whole("f", bytes_of("aaaaaaaa")).has_value());
    armed = true;
    REQUIRE(files.write_at("f", 2, bytes_of("bbbb")).has_value());
    REQUIRE(files.write_at("f", 0, bytes_of("zz")).has_value());  // of the doomed: never seen
    files.restart();
    CHECK(content(files, "f") == "aabbaaaa");
}

TEST_CASE("a store keeps a prefix of its unsynced batches", "[simulator]") {
    std::set<std::size_t> survivors;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        SimStore store{EffectGate{}};
        SimRandom random{seed};
        for (std::uint8_t i = 0; i < 6; ++i) {
            WriteBatch batch;
            batch.put(Bytes{i}, Bytes{i});
            REQUIRE(store.write(batch, i == 2).has_value());
        }
        store.freeze(UnsyncedFate::torn, random);
        store.restart();
        const auto left = store.scan({}, {}, 100);
        REQUIRE(left.has_value());
        for (std::size_t i = 0; i < left->size(); ++i) {
            CHECK((*left)[i].key == Bytes{static_cast<std::uint8_t>(i)});
        }
        survivors.insert(left->size());
    }
    CHECK(survivors == std::set<std::size_t>{3, 4, 5, 6});
}

TEST_CASE("events of one instant run in the order they were put in", "[simulator]") {
    Scheduler scheduler;
    std::string order;
    scheduler.at(SimTime{5}, [&] { order += 'b'; });
    scheduler.at(SimTime{5}, [&] { order += 'c'; });
    const auto cancelled = scheduler.at(SimTime{5}, [&] { order += 'x'; });
    scheduler.at(SimTime{1}, [&] { order += 'a'; });
    scheduler.cancel(cancelled);
    while (scheduler.step()) {
    }
    CHECK(order == "abc");
    CHECK(scheduler.now() == SimTime{5});
}

}  // namespace tally::simulator
