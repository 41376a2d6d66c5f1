// A ledger made from a snapshot of another one, part by part, with liars and crashes in between.

#include "tests/ledger/store/snapshot_joiner.h"

using namespace tally;
using namespace tally::test;

TEST_CASE("a ledger made from a snapshot is the one that executed every block") {
    Joiner joiner;
    joiner.choose();
    REQUIRE(joiner.fetch(all) == Verdict::accepted);
    REQUIRE(joiner.import->is_complete());
    CHECK_FALSE(joiner.ledger.open().empty());  // not before it is finished
    joiner.import->finish();
    REQUIRE(joiner.ledger.open() == "");

    Machine executed;
    fill(executed);
    Ledger& made = joiner.ledger.get();
    CHECK(made.final_digest() == executed.ledger.get().final_digest());
    CHECK(made.epoch() == executed.ledger.get().epoch());
    CHECK(made.previous_seal() == executed.ledger.get().previous_seal());
    CHECK(state_of(joiner.store.entries()) == state_of(executed.store.entries()));

    // And one that was rebuilt from the segments alone.
    FaultyStore fresh{executed.plan};
    TestLedger rebuilt{executed.files, fresh};
    REQUIRE(Ledger::reset_state(fresh, rebuilt.genesis()));
    REQUIRE(rebuilt.open().empty());
    CHECK(state_of(joiner.store.entries()) == state_of(fresh.entries()));

    // The hours before the last 120 s are not there; what is there proves itself.
    const std::uint64_t base = made.base_height();
    CHECK(base == 4);
    CHECK_FALSE(made.read_block(base));
    REQUIRE(made.read_block(base + 1));
    const auto envelope = decode_envelope(history().back().envelopes.empty()
                                              ? history()[history().size() - 2].envelopes.front()
                                              : history().back().envelopes.front());
    const TransactionRef ref{envelope->signer, decode_transaction(envelope->transactions[0])->id};
    const auto receipt = made.receipt(ref);
    REQUIRE(receipt);
    CHECK_FALSE(verify_receipt(*receipt, made.genesis()));

    // It goes on with the chain and serves the same snapshot.
    const Bytes query = encode(SnapshotQuery{ManifestQuery{}});
    CHECK(made.answer_snapshot_query(query) == full_ledger().answer_snapshot_query(query));
    REQUIRE(joiner.ledger.open() == "");
    CHECK(joiner.ledger.get().base_height() == base);
}

TEST_CASE("what was fetched before a crash is not fetched again") {
    Joiner joiner;
    joiner.choose();
    std::uint64_t entries{0};
    std::uint64_t blocks{0};
    while (!joiner.import->is_complete()) {
        REQUIRE(joiner.fetch(1) == Verdict::accepted);
        const SnapshotImport::Progress before = joiner.import->progress();
        joiner.begin();
        REQUIRE(joiner.import->chosen());
        const SnapshotImport::Progress after = joiner.import->progress();
        REQUIRE(after.entries == before.entries);
        REQUIRE(after.blocks == before.blocks);
        CHECK(after.entries >= entries);
        CHECK(after.blocks >= blocks);
        entries = after.entries;
        blocks = after.blocks;
        CHECK(*SnapshotImport::phase_of(joiner.files, joiner.store, TestLedger::folder) ==
              SnapshotImport::Phase::importing);
    }
    joiner.import->finish();
    CHECK(*SnapshotImport::phase_of(joiner.files, joiner.store, TestLedger::folder) ==
          SnapshotImport::Phase::ready);
    REQUIRE(joiner.ledger.open() == "");
    CHECK(joiner.ledger.get().final_digest() == full_ledger().final_digest());
}

TEST_CASE("power loss at any moment of an import leaves one that can be finished") {
    for (std::size_t kept = 0; kept < 12; ++kept) {
        Joiner joiner;
        joiner.choose();
        REQUIRE(joiner.fetch(1 + kept) == Verdict::accepted);
        joiner.import.reset();
        joiner.store.crash(kept);
        joiner.begin();
        if (!joiner.import->chosen()) {
            joiner.choose();
        }
        REQUIRE(joiner.fetch(all) == Verdict::accepted);
        joiner.import->finish();
        INFO("kept " << kept);
        REQUIRE(joiner.ledger.open() == "");
        REQUIRE(joiner.ledger.get().final_digest() == full_ledger().final_digest());
    }
}

TEST_CASE("a ledger with blocks is never taken for an empty one") {
    Machine machine;
    const auto phase = [&machine] {
        return *SnapshotImport::phase_of(machine.files, machine.store, TestLedger::folder);
    };
    CHECK(phase() == SnapshotImport::Phase::fresh);
    machine.ledger.initialize();
    CHECK(phase() == SnapshotImport::Phase::fresh);
    REQUIRE(machine.ledger.open().empty());
    machine.ledger.add(history().front());
    machine.store.crash(0);  // the state is back at the genesis, the block is in its segment
    CHECK(phase() == SnapshotImport::Phase::ready);
}

TEST_CASE("the state of a node made from a snapshot is not rebuilt from its segments") {
    Joiner joiner;
    joiner.choose();
    REQUIRE(joiner.fetch(all) == Verdict::accepted);
    joiner.import->finish();
    FaultyStore fresh{joiner.plan};
    TestLedger again{joiner.files, fresh};
    REQUIRE(Ledger::reset_state(fresh, again.genesis()));
    const std::string problem = again.open();
    CHECK(problem.find("made from a snapshot") != std::string::npos);
}

TEST_CASE("two snapshots are kept, and older ones are not held any more") {
    Machine machine;
    machine.ledger.initialize();
    std::vector<Bytes> manifests;
    for (const Block& block : history()) {
        REQUIRE(machine.ledger.open().empty());  // each opening takes one
        machine.ledger.add(block);
        REQUIRE(machine.ledger.open().empty());
        manifests.push_back(
            *machine.ledger.get().answer_snapshot_query(encode(SnapshotQuery{ManifestQuery{}})));
        if (manifests.size() == 3) {
            break;
        }
    }
    const Hash oldest = SnapshotManifest::decode(manifests.front())->header.digest();
    const Bytes chunk = encode(SnapshotQuery{ChunkQuery{oldest, {}}});
    CHECK(machine.ledger.get().answer_snapshot_query(chunk) == Bytes{});
}

TEST_CASE("queries are read back as they were written, hostile ones not at all") {
    const std::vector<SnapshotQuery> queries{
        ManifestQuery{Hash{}}, ProofsQuery{7},
        ChunkQuery{Hash{}, ChunkName{}.halves()[1].halves()[1]}, BlocksQuery{3, 9},
        CheckpointQuery{Hash{}, 12}};
    for (const SnapshotQuery& query : queries) {
        const Bytes bytes = encode(query);
        CHECK(bytes.size() <= snapshot_query_bytes_max);
        CHECK(decode_snapshot_query(bytes) == query);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            REQUIRE_FALSE(decode_snapshot_query(ByteView{bytes}.first(length)));
        }
        Bytes longer = bytes;
        longer.push_back(0);
        CHECK_FALSE(decode_snapshot_query(longer));
    }
    CHECK_FALSE(decode_snapshot_query(Bytes{0}));
    CHECK_FALSE(decode_snapshot_query(Bytes{6}));
    CHECK_FALSE(full_ledger().answer_snapshot_query(Bytes{9, 9}));
    Bytes unaligned = encode(queries[2]);
    unaligned.back() = 1;
    CHECK_FALSE(decode_snapshot_query(unaligned));
    CHECK_FALSE(decode_list(encode_list({{1}, {2}, {3}}), 2));
    CHECK(decode_list(encode_list({{1}, {2}}), 2) == std::vector<Bytes>{{1}, {2}});
}

// Not part of a normal run: `ledger_store_test "[measure]"` with TALLY_MEASURE=<transactions>.
TEST_CASE("time to be ready by a snapshot and by replaying", "[.][measure]") {
    const char* told = std::getenv("TALLY_MEASURE");
    const std::uint64_t transactions = told != nullptr ? std::stoull(told) : 20'000;
    using Watch = std::chrono::steady_clock;
    const auto seconds_since = [](Watch::time_point begin) {
        return std::chrono::duration<double>(Watch::now() - begin).count();
    };
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    RegisterBridge bridge;
    bridge.public_key = public_key_of(secret_of("AAA/bridge-1"));
    const Hash chain_id = machine.ledger.genesis().chain_id();
    SeededRandom random{1};
    std::uint64_t made{0};
    for (std::uint64_t height = 1; made < transactions; ++height) {
        const BlockHeader& tip = machine.ledger.get().final_header();
        const UnixMillis time = tip.time + 10 * second_ms;
        std::vector<Bytes> envelopes;
        for (int envelope = 0; envelope < 4 && made < transactions; ++envelope) {
            std::vector<Transaction> batch;
            for (int i = 0; i < 512 && made < transactions; ++i, ++made) {
                bridge.bridge_id = "b" + std::to_string(made % 5000);
                batch.push_back({make_transaction_id(time, random), time + 60 * second_ms, bridge});
            }
            envelopes.push_back(make_envelope(chain_id, party("AAA"), batch));
        }
        BlockContext context{0, height, tip.view, time, 0};
        std::vector<Hash> left_out;
        const auto block = machine.ledger.get().build(machine.ledger.get().final_digest(), context,
                                                      envelopes, left_out);
        REQUIRE(block);
        REQUIRE(left_out.empty());
        machine.ledger.get().commit(
            block->digest, certify_by(machine.ledger.genesis(), block->block.header, 0b0111));
    }
    REQUIRE(machine.ledger.open().empty());
    auto begin = Watch::now();
    Joiner joiner;
    const auto ask = [&machine](ByteView query) {
        return machine.ledger.get().answer_snapshot_query(query).value();
    };
    const auto offer = joiner.import->read_offer(ask(joiner.import->offer_query()));
    REQUIRE(offer);
    REQUIRE(joiner.import->choose(*offer) == Verdict::accepted);
    while (!joiner.import->is_complete()) {
        const Bytes query = joiner.import->wanted(1).front();
        REQUIRE(joiner.import->accept(query, ask(query)) == Verdict::accepted);
    }
    joiner.import->finish();
    REQUIRE(joiner.ledger.open() == "");
    const double by_snapshot = seconds_since(begin);
    REQUIRE(joiner.ledger.get().final_digest() == machine.ledger.get().final_digest());
    begin = Watch::now();
    FaultyStore fresh{machine.plan};
    TestLedger replayed{machine.files, fresh};
    REQUIRE(Ledger::reset_state(fresh, replayed.genesis()));
    REQUIRE(replayed.open() == "");
    const double by_replay = seconds_since(begin);
    WARN(transactions << " transactions: snapshot " << by_snapshot << " s, replay " << by_replay
                      << " s");
    CHECK(by_snapshot < by_replay);
}
