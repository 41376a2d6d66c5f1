// What a ledger does when its disk refuses: it stops, says nothing was committed that was not
// synced, and what was committed is there at the next start.

#include "ledger/store/ledger_index.h"
#include "ledger/store/snapshot_source.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/support/process_stop.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tally;
using namespace tally::test;

namespace {

const std::vector<Block>& history() {
    static const std::vector<Block> blocks = make_history();
    return blocks;
}

struct Machine {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    FaultyStore store{plan};
    TestLedger ledger{files, store};

    explicit Machine(std::size_t blocks) {
        ledger.initialize();
        REQUIRE(ledger.open(1000).empty());
        for (std::size_t i = 0; i < blocks; ++i) {
            ledger.add(history()[i]);
        }
    }
};

}  // namespace

TEST_CASE("a full disk or an error at any write step of a commit stops the process") {
    const FileError error = GENERATE(FileError::no_space, FileError::io_error);
    constexpr std::size_t committed{3};
    Machine machine{committed};
    std::uint64_t stopped{0};
    for (std::uint64_t step = 0;; ++step) {
        const bool has_stopped = stops([&] {
            machine.plan.fail_with(error, step);
            machine.ledger.add(history()[committed]);
        });
        if (!has_stopped) {
            CHECK(step == stopped);
            break;
        }
        ++stopped;
    }
    CHECK(stopped >= 3);  // the segment's append and sync, the state's batch
}

TEST_CASE("what was committed before the disk was full is there when there is room again") {
    constexpr std::size_t committed{3};
    for (std::uint64_t step = 0; step < 12; ++step) {
        for (const TailFate fate : {TailFate::lost, TailFate::half, TailFate::zeroed}) {
            Machine machine{committed};
            machine.plan.fail_before(step);  // the process ends here, as the test above shows
            std::size_t told{committed};
            try {
                machine.ledger.add(history()[committed]);
                ++told;
            } catch (const PowerFailure&) {
            }
            machine.plan.fail_before(std::nullopt);
            machine.ledger.close();
            machine.files.crash(fate);
            machine.store.crash(0);
            REQUIRE(machine.ledger.open(1000).empty());
            CHECK(machine.ledger.get().final_header().height >= told);
            for (std::size_t i = machine.ledger.get().final_header().height; i < history().size();
                 ++i) {
                machine.ledger.add(history()[i]);
            }
            CHECK(machine.ledger.get().final_header() == history().back().header);
        }
    }
}

TEST_CASE("a block is told to nobody before its segment is synced") {
    Machine machine{2};
    const auto kept = machine.ledger.add(history()[2]);
    REQUIRE(kept);
    machine.ledger.close();
    machine.files.crash(TailFate::lost);  // all that was not synced is gone
    machine.store.crash(0);
    REQUIRE(machine.ledger.open(1000).empty());
    CHECK(machine.ledger.get().final_header() == kept->block.header);
}

TEST_CASE("the state store holds no value above 64 KiB, and blocks not at all") {
    const Machine machine{history().size()};
    std::size_t largest{0};
    for (const auto& [key, value] : machine.store.entries()) {
        largest = std::max(largest, value.size());
        CHECK(value != history().back().envelopes.front());
    }
    CHECK(largest > 0);
    CHECK(largest <= 64UL * 1024);
    CHECK(LogTiles::tile_hashes * Hash::size <= 64UL * 1024);
}

TEST_CASE("rows that come with every block are in the order of their numbers") {
    CHECK(ledger_index::block_key(9) < ledger_index::block_key(10));
    CHECK(ledger_index::block_key(255) < ledger_index::block_key(256));
    CHECK(ledger_index::tile_key(0, 255) < ledger_index::tile_key(0, 256));
    CHECK(ledger_index::epoch_proof_key(255) < ledger_index::epoch_proof_key(256));
}

TEST_CASE("a snapshot for a backup is kept while it is asked for, and not longer") {
    Machine machine{3};
    Ledger& ledger = machine.ledger.get();
    const Bytes first = ledger.lease_backup_snapshot();
    const auto manifest = SnapshotManifest::decode(first);
    REQUIRE(manifest);
    CHECK(manifest->header == ledger.final_header());
    CHECK(manifest->base.height == 0);
    const Bytes query = encode(ChunkQuery{manifest->header.digest(), {}});
    std::size_t next{3};
    for (int i = 0; i < 3; ++i) {
        machine.ledger.clock().advance(backup_lease);
        CHECK(ledger.lease_backup_snapshot() == first);
        machine.ledger.add(history()[next++]);
        CHECK_FALSE(ledger.answer_snapshot_query(query)->empty());
    }
    machine.ledger.clock().advance(backup_lease + std::chrono::seconds{1});
    machine.ledger.add(history()[next++]);
    CHECK(ledger.answer_snapshot_query(query)->empty());
    const auto second = SnapshotManifest::decode(ledger.lease_backup_snapshot());
    REQUIRE(second);
    CHECK(second->header == ledger.final_header());
    // However often it is asked for, it ends one day.
    machine.ledger.add(history()[next]);
    for (auto held = std::chrono::seconds{0}; held <= backup_lease_max; held += backup_lease) {
        machine.ledger.clock().advance(backup_lease);
        CHECK_FALSE(ledger.lease_backup_snapshot().empty());
    }
    const auto third = SnapshotManifest::decode(ledger.lease_backup_snapshot());
    CHECK(third->header == ledger.final_header());
}

TEST_CASE("there is no snapshot for a backup without a finalized block") {
    Machine empty{0};
    CHECK(empty.ledger.get().lease_backup_snapshot().empty());
}
