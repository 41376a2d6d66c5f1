#include "node/process/archivist.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/state/keys.h"
#include "ledger/store/ledger_index.h"
#include "ledger/store/leveldb_store.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

#include <chrono>

using namespace tally;
using namespace tally::node;
using namespace tally::test;

namespace {

/// A ledger on a real disk with a segment for each block, an hour apart.
struct Site {
    static constexpr int hours{6};

    TemporaryFolder folder;
    PosixFileSystem files;
    std::unique_ptr<LevelDbStore> store{
        std::move(LevelDbStore::open(folder.file("state"))).value()};
    Genesis genesis{make_genesis()};
    DirectSignatureChecker signatures;
    TestClock clock;
    TestChain chain;
    std::unique_ptr<Ledger> ledger;
    boost::asio::io_context io;
    Metrics metrics;
    ArchiveConfig config;

    Site() {
        REQUIRE(Ledger::initialize(files, *store, segments(), genesis));
        LedgerOptions options;
        options.segment_bytes = 1;
        ledger =
            std::move(Ledger::open(files, *store, segments(), genesis, signatures, clock, options))
                .value();
        for (int hour = 0; hour < hours; ++hour) {
            add();
        }
        config.folder = folder.file("archive");
        config.rule = {std::chrono::hours{2}, std::nullopt};
    }
    [[nodiscard]] std::string segments() const { return folder.file("segments"); }
    void add() {
        const Block block = chain.pass(hour_ms).block;
        const auto executed = ledger->execute(block);
        REQUIRE(executed);
        ledger->commit((*executed)->digest, certify(genesis_validators(), VoteKind::finalize,
                                                    block.header, block.header.view));
        ledger->sync_state();
    }
    [[nodiscard]] std::vector<Validator> genesis_validators() const {
        return validators_of(genesis.members);
    }
    [[nodiscard]] Archivist::Parts parts() {
        return {io,     files,  segments(),
                *store, config, [this]() -> const Ledger& { return *ledger; },
                clock,  metrics};
    }
    /// Until what it does on its thread is done and told.
    void run(Archivist& archivist) {
        archivist.tick();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (archivist.is_moving() && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_for(std::chrono::milliseconds{10});
        }
        REQUIRE_FALSE(archivist.is_moving());
    }
    [[nodiscard]] std::size_t count(const std::string& where) const {
        const auto names = files.list(where);
        return names ? names->size() : 0;
    }
    [[nodiscard]] bool shows(const std::string& line) {
        return metrics.metrics_text().find(line) != std::string::npos;
    }
    void check_all_blocks() const {
        for (std::uint64_t height = 1; height <= hours; ++height) {
            CHECK(ledger->read_block(height));
        }
    }
};

}  // namespace

SCENARIO("a node without an archive folder keeps all its segments") {
    Site site;
    site.config.folder.clear();
    Archivist archivist{site.parts()};
    site.run(archivist);
    CHECK(site.count(site.segments()) == Site::hours);
}

SCENARIO("old segments of a running node move by the rule of its configuration") {
    Site site;
    Archivist archivist{site.parts()};
    site.run(archivist);
    CHECK(site.count(site.config.folder) == 3);
    CHECK(site.count(site.segments()) == Site::hours - 3 + 1);  // and the record
    CHECK(site.shows("tally_segments_archived_total 3"));
    site.check_all_blocks();

    WHEN("blocks are added") {
        site.add();
        THEN("it looks again when the interval is over, not before") {
            site.run(archivist);
            CHECK(site.count(site.config.folder) == 3);
            site.clock.advance(Archivist::interval);
            site.run(archivist);
            CHECK(site.count(site.config.folder) == 4);
            site.check_all_blocks();
        }
    }
}

SCENARIO("what an open charge goes back to stays on a running node") {
    Site site;
    // As if a promise of block 2 were still open.
    const TransactionRef ref{party("BBB"), TransactionId{{1}}};
    TransactionLocation location;
    location.height = 2;
    WriteBatch batch;
    batch.put(keys::deadline({INT64_MAX, ref, DeadlineKind::authorization}), {});
    batch.put(ledger_index::transaction_key(ref), ledger_index::encode(location));
    REQUIRE(site.store->write(batch, true));
    Archivist archivist{site.parts()};
    site.run(archivist);
    CHECK(site.count(site.config.folder) == 1);
}

SCENARIO("an archive folder that cannot be written to is told and tried again") {
    Site site;
    REQUIRE(site.files.write_whole(site.config.folder, as_bytes("a file, not a folder")));
    Archivist archivist{site.parts()};
    site.run(archivist);
    CHECK(site.count(site.segments()) == Site::hours);
    CHECK(site.shows("tally_archive_failures_total 1"));
    site.check_all_blocks();
    REQUIRE(site.files.remove(site.config.folder));
    site.clock.advance(Archivist::interval);
    site.run(archivist);
    CHECK(site.count(site.config.folder) == 3);
}

SCENARIO("a node that stops while segments move loses nothing") {
    Site site;
    {
        Archivist archivist{site.parts()};
        archivist.tick();
    }
    site.check_all_blocks();
    Archivist archivist{site.parts()};
    site.run(archivist);
    CHECK(site.count(site.config.folder) == 3);
    site.check_all_blocks();
}
