#include "ledger/store/ledger.h"

#include "tests/ledger/store/test_ledger.h"
#include "tests/support/faulty_file_system.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

struct Machine {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    FaultyStore store{plan};
    TestLedger ledger{files, store};
};

const std::vector<Block>& history() {
    static const std::vector<Block> blocks = make_history();
    return blocks;
}

void check_everything_readable(TestLedger& ledger, std::uint64_t height) {
    REQUIRE(ledger.get().final_header().height == height);
    for (std::uint64_t at = 1; at <= height; ++at) {
        const auto block = ledger.get().read_block(at);
        REQUIRE(block);
        CHECK(block->block.header == history()[at - 1].header);
        CHECK(block->block.envelopes == history()[at - 1].envelopes);
    }
    CHECK_FALSE(ledger.get().read_block(height + 1));
    CHECK_FALSE(ledger.get().read_block(0));
}

}  // namespace

TEST_CASE("a ledger gives back after a restart what was committed before") {
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    CHECK(machine.ledger.get().final_header().height == 0);
    CHECK_FALSE(machine.ledger.get().last_finalization());
    for (const Block& block : history()) {
        const auto kept = machine.ledger.add(block);
        CHECK(kept->block.header == block.header);
    }
    check_everything_readable(machine.ledger, history().size());
    const Hash digest = machine.ledger.get().final_digest();
    REQUIRE(machine.ledger.open().empty());
    CHECK(machine.ledger.get().final_digest() == digest);
    CHECK(machine.ledger.get().last_finalization()->statement.digest == digest);
    check_everything_readable(machine.ledger, history().size());
}

TEST_CASE("a lost state is rebuilt from the segments alone") {
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    for (const Block& block : history()) {
        machine.ledger.add(block);
    }
    const MemoryStore::Entries before = machine.store.entries();
    FaultyStore fresh{machine.plan};
    TestLedger again{machine.files, fresh};
    CHECK(again.open().find("tally rebuild") != std::string::npos);
    REQUIRE(Ledger::reset_state(fresh, again.genesis()));
    REQUIRE(again.open().empty());
    check_everything_readable(again, history().size());
    CHECK(fresh.entries() == before);
}

TEST_CASE("transactions are found where their leaf is, repetitions and strangers are not") {
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    for (const Block& block : history()) {
        machine.ledger.add(block);
    }
    std::uint64_t leaf_index = 0;
    for (const Block& block : history()) {
        const auto stored = machine.ledger.get().read_block(block.header.height);
        leaf_index += stored->events.size();
        std::size_t result = 0;
        for (const Bytes& encoded : block.envelopes) {
            const auto envelope = decode_envelope(encoded);
            for (const Bytes& bytes : envelope->transactions) {
                const auto found = machine.ledger.get().find_transaction(
                    {envelope->signer, decode_transaction(bytes)->id});
                REQUIRE(found);
                CHECK(*found == TransactionLocation{block.header.height, leaf_index,
                                                    stored->results[result],
                                                    transaction_hash(bytes)});
                ++result;
                ++leaf_index;
            }
        }
    }
    CHECK(leaf_index == machine.ledger.get().final_header().log_size);
    CHECK_FALSE(machine.ledger.get().find_transaction({party("ZZZ"), {}}));
}

TEST_CASE("what may not be opened is refused with a reason") {
    Machine machine;
    SECTION("nothing there") {
        CHECK(machine.ledger.open().find("tallyd init") != std::string::npos);
    }
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    for (const Block& block : history()) {
        machine.ledger.add(block);
    }
    machine.ledger.get().sync_state();
    machine.ledger.close();
    DirectSignatureChecker signatures;
    const TestClock clock;
    const std::string path = std::string{TestLedger::folder} + "/00000000000000000001.seg";
    SECTION("a second initialization") {
        const auto again = Ledger::initialize(machine.files, machine.store, TestLedger::folder,
                                              machine.ledger.genesis());
        REQUIRE_FALSE(again);
        CHECK(again.error().kind == LedgerOpenError::Kind::already_initialized);
    }
    SECTION("another genesis") {
        Genesis other = make_genesis();
        other.name = "other";
        const auto opened = Ledger::open(machine.files, machine.store, TestLedger::folder, other,
                                         signatures, clock);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == LedgerOpenError::Kind::wrong_genesis);
    }
    SECTION("a state that is ahead of the segments") {
        REQUIRE(machine.files.write_whole(
            path, SegmentHeader{machine.ledger.genesis().chain_id(), 1}.encode()));
        const auto opened = Ledger::open(machine.files, machine.store, TestLedger::folder,
                                         machine.ledger.genesis(), signatures, clock);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == LedgerOpenError::Kind::ahead);
        CHECK(opened.error().message.find("end with block 0") != std::string::npos);
    }
    SECTION("no segments at all") {
        REQUIRE(machine.files.remove(path));
        const auto opened = Ledger::open(machine.files, machine.store, TestLedger::folder,
                                         machine.ledger.genesis(), signatures, clock);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == LedgerOpenError::Kind::ahead);
    }
    SECTION("a torn record that the state has") {
        machine.files.content(path).pop_back();
        const auto opened = Ledger::open(machine.files, machine.store, TestLedger::folder,
                                         machine.ledger.genesis(), signatures, clock);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == LedgerOpenError::Kind::corrupted);
    }
}

TEST_CASE("a changed value of the state is noticed at the next start") {
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    for (const Block& block : history()) {
        machine.ledger.add(block);
    }
    auto first = machine.store.next(Bytes{static_cast<std::uint8_t>(Table::account)});
    REQUIRE(first);
    WriteBatch batch;
    Bytes value = (**first).value;
    value.back() ^= 1U;
    batch.put((**first).key, value);
    REQUIRE(machine.store.write(batch, true));
    CHECK(machine.ledger.open().find("does not have the root") != std::string::npos);
}

TEST_CASE("power failing before any write step loses nothing that was committed") {
    Machine reference;
    reference.ledger.initialize();
    REQUIRE(reference.ledger.open(2000).empty());
    reference.plan.fail_before(std::nullopt);
    for (const Block& block : history()) {
        reference.ledger.add(block);
    }
    const std::uint64_t steps = reference.plan.steps();
    REQUIRE(steps > history().size() * 3);
    const auto fate = GENERATE(TailFate::lost, TailFate::half, TailFate::zeroed, TailFate::kept);
    for (std::uint64_t step = 0; step < steps; ++step) {
        Machine machine;
        machine.ledger.initialize();
        REQUIRE(machine.ledger.open(2000).empty());
        std::uint64_t committed = 0;
        machine.plan.fail_before(step);
        try {
            for (const Block& block : history()) {
                machine.ledger.add(block);
                ++committed;
            }
        } catch (const PowerFailure&) {
        }
        machine.plan.fail_before(std::nullopt);
        machine.ledger.close();
        machine.files.crash(fate);
        machine.store.crash(step % 3 == 0 ? machine.store.unsynced() : step % 2);
        const std::string problem = machine.ledger.open(2000);
        INFO("step " << step << ": " << problem);
        REQUIRE(problem.empty());
        const std::uint64_t height = machine.ledger.get().final_header().height;
        REQUIRE(height >= committed);
        REQUIRE(height <= committed + 1);
        for (std::uint64_t at = height; at < history().size(); ++at) {
            machine.ledger.add(history()[at]);
        }
        CHECK(machine.ledger.get().final_digest() == history().back().header.digest());
    }
}

TEST_CASE("the state store is synced after 64 blocks, or a second") {
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    machine.ledger.add(history()[0]);
    CHECK(machine.store.unsynced() == 1);
    machine.ledger.clock().advance(std::chrono::seconds{1});
    machine.ledger.add(history()[1]);
    CHECK(machine.store.unsynced() == 0);
    TestChain chain;
    Machine idle;
    idle.ledger.initialize();
    REQUIRE(idle.ledger.open().empty());
    for (std::uint64_t i = 0; i + 1 < Ledger::state_sync_blocks; ++i) {
        idle.ledger.add(chain.pass(second_ms).block);
    }
    CHECK(idle.store.unsynced() == Ledger::state_sync_blocks - 1);
    idle.ledger.add(chain.pass(second_ms).block);
    CHECK(idle.store.unsynced() == 0);
}

TEST_CASE("of competing blocks only the committed one and its descendants stay") {
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    Ledger& ledger = machine.ledger.get();
    const Hash genesis = ledger.final_digest();
    const UnixMillis time = ledger.final_header().time;
    std::vector<Hash> left_out;
    const auto good = ledger.build(genesis, {0, 1, 0, time + 1000, 1}, {}, left_out);
    const auto other = ledger.build(genesis, {0, 2, 0, time + 1500, 2}, {}, left_out);
    const auto child = ledger.build(good->digest, {0, 3, 1, time + 2000, 3}, {}, left_out);
    const auto stray = ledger.build(other->digest, {0, 3, 2, time + 2000, 3}, {}, left_out);
    REQUIRE((good && other && child && stray));
    CHECK(ledger.build(Hash{}, {0, 3, 2, time + 2000, 3}, {}, left_out) == nullptr);
    ledger.commit(good->digest, certify_by(machine.ledger.genesis(), good->block.header, 0b1110));
    CHECK(ledger.find_executed(good->digest) == good);
    CHECK(ledger.find_executed(child->digest) == child);
    CHECK(ledger.find_executed(other->digest) == nullptr);
    CHECK(ledger.find_executed(stray->digest) == nullptr);
    const auto orphan = ledger.execute(stray->block);
    REQUIRE_FALSE(orphan);
    CHECK(orphan.error().kind == BlockError::Kind::header);
}

TEST_CASE("unfinalized blocks are kept up to their maximum, the oldest leaves go first") {
    constexpr std::size_t kept_max{64};
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open(1UL << 20, kept_max).empty());
    Ledger& ledger = machine.ledger.get();
    const UnixMillis time = ledger.final_header().time;
    std::vector<Hash> left_out;
    const auto parent = ledger.build(ledger.final_digest(), {0, 1, 0, time + 1, 0}, {}, left_out);
    std::vector<std::shared_ptr<const ExecutedBlock>> blocks;
    for (std::uint64_t view = 2; blocks.size() < kept_max; ++view) {
        blocks.push_back(ledger.build(
            parent->digest, {0, view, 1, time + static_cast<UnixMillis>(view), 0}, {}, left_out));
    }
    CHECK(ledger.find_executed(parent->digest));
    CHECK(ledger.find_executed(blocks[0]->digest) == nullptr);
    CHECK(ledger.find_executed(blocks[1]->digest));
    CHECK(ledger.execute(blocks[0]->block));  // again, from its parent
}

TEST_CASE("a long chain of unfinalized blocks never loses a parent, and becomes final whole") {
    constexpr std::size_t kept_max{8};
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open(1UL << 20, kept_max).empty());
    Ledger& ledger = machine.ledger.get();
    const UnixMillis time = ledger.final_header().time;
    std::vector<Hash> left_out;
    std::vector<std::shared_ptr<const ExecutedBlock>> chain;
    Hash parent = ledger.final_digest();
    for (std::uint64_t view = 1; view <= 3 * kept_max; ++view) {
        chain.push_back(ledger.build(
            parent, {0, view, view - 1, time + static_cast<UnixMillis>(view), 0}, {}, left_out));
        REQUIRE(chain.back());
        parent = chain.back()->digest;
    }
    for (const auto& block : chain) {
        REQUIRE(ledger.find_executed(block->digest));
        const auto& header = block->block.header;
        CHECK(ledger.commit(block->digest, certify_by(machine.ledger.genesis(), header, 0b0111)));
    }
}
