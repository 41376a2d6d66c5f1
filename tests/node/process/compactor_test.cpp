// When the room of deleted entries is given back, and that the node goes on meanwhile.

#include "node/process/compactor.h"

#include "ledger/crypto/sha256.h"
#include "node/runtime/asio.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tally;
using namespace tally::node;
using namespace tally::test;

namespace {

constexpr std::uint8_t table{0x82};

struct Site {
    TemporaryFolder folder;
    std::unique_ptr<LevelDbStore> store{
        std::move(LevelDbStore::open(folder.file("state"))).value()};
    boost::asio::io_context io;
    TestClock clock;
    Metrics metrics;
    std::map<std::uint8_t, std::uint64_t> erased;
    std::uint64_t log_size{0};
    std::uint64_t piece_bytes{compacted_piece_bytes};

    std::unique_ptr<Compactor> make() {
        return std::make_unique<Compactor>(Compactor::Parts{
            io, *store, [this]() -> const std::map<std::uint8_t, std::uint64_t>& { return erased; },
            [this] { return log_size; }, clock, metrics, piece_bytes});
    }
    void be_quiet() { clock.advance(compactor_quiet); }
    /// Ticks until nothing is under way any more; how many pieces that took.
    int run(Compactor& compactor) {
        int pieces{0};
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        do {
            compactor.tick();
            pieces += compactor.is_working() ? 1 : 0;
            while (compactor.is_working() && std::chrono::steady_clock::now() < end) {
                io.restart();
                io.run_for(std::chrono::milliseconds{10});
            }
            REQUIRE_FALSE(compactor.is_working());
        } while (compactor.has_work());
        return pieces;
    }
    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum{0};
        for (const auto& entry : std::filesystem::directory_iterator{folder.file("state")}) {
            sum += std::filesystem::file_size(entry.path());
        }
        return sum;
    }
    void write(std::uint32_t entries, bool is_put) {
        WriteBatch batch;
        for (std::uint32_t number = 0; number < entries; ++number) {
            const Hash hash = sha256(as_bytes(std::to_string(number)));
            Bytes key{table};
            key.insert(key.end(), hash.data.begin(), hash.data.end());
            if (is_put) {
                Bytes value;
                for (int i = 0; i < 8; ++i) {
                    value.insert(value.end(), hash.data.begin(), hash.data.end());
                }
                batch.put(key, value);
            } else {
                batch.erase(key);
            }
        }
        REQUIRE(store->write(batch, true));
    }
};

}  // namespace

TEST_CASE("a table is compacted once the node is quiet and enough of it was deleted") {
    Site site;
    const auto compactor = site.make();
    site.erased[table] = compacted_when_quiet;
    CHECK(site.run(*compactor) == 0);  // not quiet for long enough yet
    site.be_quiet();
    ++site.log_size;
    CHECK(site.run(*compactor) == 0);  // a transaction came
    site.be_quiet();
    CHECK(site.run(*compactor) == 1);
    CHECK(site.run(*compactor) == 0);  // what is dealt with does not count again
    site.erased[table] += compacted_when_quiet - 1;
    CHECK(site.run(*compactor) == 0);
    ++site.erased[table];
    CHECK(site.run(*compactor) == 1);
    CHECK(site.metrics.metrics_text().find(
              "tally_leveldb_tables_compacted_total{store=\"state\"} 2") != std::string::npos);
}

TEST_CASE("a busy node compacts when very much was deleted") {
    Site site;
    const auto compactor = site.make();
    site.erased[table] = compacted_at_once - 1;
    CHECK(site.run(*compactor) == 0);
    ++site.erased[table];
    CHECK(site.run(*compactor) == 1);
}

TEST_CASE("disk use falls, piece by piece, and the loop is never waited for") {
    Site site;
    site.piece_bytes = 2UL * 1024 * 1024;
    site.write(40'000, true);
    site.write(40'000, false);
    site.store = nullptr;
    site.store = std::move(LevelDbStore::open(site.folder.file("state"))).value();
    const std::uint64_t before = site.bytes();
    const auto compactor = site.make();
    site.erased[table] = 40'000;
    site.be_quiet();
    CHECK(site.run(*compactor) > 1);
    CHECK(site.bytes() < before / 4);
}

TEST_CASE("a node stops in the middle of a table, and tells nobody afterwards") {
    Site site;
    site.write(1'000, true);
    auto compactor = site.make();
    site.erased[table] = compacted_at_once;
    compactor->tick();
    CHECK(compactor->is_working());
    compactor.reset();
    site.store.reset();
    site.io.run();
}
