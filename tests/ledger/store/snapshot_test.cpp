// A ledger made from a snapshot of another one, part by part, with liars and crashes in between.

#include "ledger/store/ledger_index.h"
#include "ledger/store/snapshot_import.h"
#include "ledger/store/snapshot_source.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/support/faulty_file_system.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

using namespace tally;
using namespace tally::test;

namespace {

using Verdict = SnapshotImport::Verdict;

struct Machine {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    FaultyStore store{plan};
    TestLedger ledger{files, store};
};

/// The usual history, and behind it registrations that make the state large.
const std::vector<Block>& history() {
    static const std::vector<Block> blocks = [] {
        TestChain chain;
        std::vector<Block> made;
        RegisterBridge bridge;
        bridge.bridge_id = "bridge-1";
        bridge.public_key = public_key_of(secret_of("AAA/bridge-1"));
        const Transaction first = chain.transaction(party("AAA"), bridge);
        made.push_back(chain
                           .add_block(chain.now() + second_ms,
                                      {make_envelope(chain.chain_id(), party("AAA"), {first})})
                           .block);
        for (int step = 0; step < 4; ++step) {
            made.push_back(chain.pass(hour_ms).block);
        }
        for (int i = 0; i < 40; ++i) {
            std::vector<Bytes> envelopes;
            for (const char* name : {"AAA", "BBB", "CCC"}) {
                std::vector<Transaction> transactions;
                for (int j = 0; j < 10; ++j) {
                    bridge.bridge_id = "bridge-" + std::to_string(i) + "-" + std::to_string(j);
                    bridge.public_key = public_key_of(secret_of(bridge.bridge_id));
                    transactions.push_back(chain.transaction(party(name), bridge));
                }
                envelopes.push_back(make_envelope(chain.chain_id(), party(name), transactions));
            }
            made.push_back(chain.add_block(chain.now() + second_ms, envelopes).block);
        }
        made.push_back(chain.pass(second_ms).block);
        return made;
    }();
    return blocks;
}

void fill(Machine& machine) {
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    for (const Block& block : history()) {
        machine.ledger.add(block);
    }
    REQUIRE(machine.ledger.open().empty());  // takes a snapshot of the last block
    REQUIRE(machine.ledger.get().snapshot_height() == history().size());
}

/// One that is full, for all tests that only read from it.
Machine& full_machine() {
    static Machine machine;
    static const bool filled = [] {
        fill(machine);
        return true;
    }();
    REQUIRE(filled);
    return machine;
}
Ledger& full_ledger() { return full_machine().ledger.get(); }

struct Joiner : Machine {
    Joiner() {
        ledger.initialize();
        begin();
    }
    void begin(std::optional<Checkpoint> checkpoint = std::nullopt) {
        import.reset();
        import = std::make_unique<SnapshotImport>(files, store, TestLedger::folder,
                                                  ledger.genesis(), checkpoint);
    }
    [[nodiscard]] Bytes ask(ByteView query) const {
        return full_ledger().answer_snapshot_query(query).value();
    }
    void choose() {
        const auto offer = import->read_offer(ask(import->offer_query()));
        REQUIRE(offer);
        REQUIRE(import->choose(*offer) == Verdict::accepted);
    }
    /// Up to so many answers; `change` may spoil one. The last verdict.
    Verdict fetch(std::size_t answers, const std::function<void(Bytes&)>& change = nullptr) {
        Verdict last = Verdict::accepted;
        for (std::size_t i = 0; i < answers && !import->is_complete(); ++i) {
            const std::vector<Bytes> queries = import->wanted(1000);
            REQUIRE_FALSE(queries.empty());
            Bytes answer = ask(queries[i % queries.size()]);
            if (change) {
                change(answer);
            }
            last = import->accept(queries[i % queries.size()], answer);
            if (last != Verdict::accepted) {
                return last;
            }
        }
        return last;
    }
    std::unique_ptr<SnapshotImport> import;
};

constexpr std::size_t all{100'000};

/// Entries of the tables that the state root commits to, and of those that follow from them.
MemoryStore::Entries state_of(const MemoryStore::Entries& entries) {
    MemoryStore::Entries state;
    for (const auto& [key, value] : entries) {
        if (key.front() < static_cast<std::uint8_t>(Table::finished)) {
            state.emplace(key, value);
        }
    }
    return state;
}

}  // namespace

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

TEST_CASE("every flipped byte of an answer is noticed, and the rest goes on") {
    Joiner joiner;
    joiner.choose();
    std::size_t at{0};
    while (!joiner.import->is_complete()) {
        const std::vector<Bytes> queries = joiner.import->wanted(1000);
        const Bytes& query = queries[at % queries.size()];
        const Bytes good = joiner.ask(query);
        for (std::size_t flip = 0; flip < 8; ++flip) {
            Bytes bad = good;
            bad[(at * 7919 + flip * 104'729) % bad.size()] ^= 0x40U;
            const Verdict verdict = joiner.import->accept(query, bad);
            REQUIRE(verdict == Verdict::wrong_answer);
            REQUIRE_FALSE(joiner.import->problem().empty());
        }
        Bytes truncated = good;
        truncated.pop_back();
        REQUIRE(joiner.import->accept(query, truncated) == Verdict::wrong_answer);
        REQUIRE(joiner.import->accept(query, {}) == Verdict::not_held);
        REQUIRE(joiner.import->accept(query, good) == Verdict::accepted);
        REQUIRE(joiner.import->accept(query, good) == Verdict::accepted);  // nobody minds twice
        ++at;
    }
    joiner.import->finish();
    REQUIRE(joiner.ledger.open() == "");
}

TEST_CASE("a manifest that is not the validators' is given up, one of another chain not taken") {
    Joiner joiner;
    const Bytes honest = joiner.ask(joiner.import->offer_query());
    SnapshotManifest manifest = *SnapshotManifest::decode(honest);
    const auto verdict_of = [&joiner](const SnapshotManifest& forged) {
        const auto offer = joiner.import->read_offer(forged.encode());
        REQUIRE(offer);
        const Verdict verdict = joiner.import->choose(*offer);
        return verdict == Verdict::accepted ? joiner.fetch(all) : verdict;
    };
    SECTION("a state root of its own") {
        manifest.header.state_root.data[0] ^= 1U;
        manifest.finalization.statement.digest = manifest.header.digest();
        CHECK(verdict_of(manifest) == Verdict::wrong_offer);
        CHECK_FALSE(joiner.import->chosen());
        CHECK_FALSE(joiner.import->has_begun());
        CHECK(joiner.ledger.open() == "");  // nothing was given up for a forgery
        joiner.ledger.close();
    }
    SECTION("a certificate of too few") {
        manifest.finalization = certify_by(joiner.ledger.genesis(), manifest.header, 0b0011);
        CHECK(verdict_of(manifest) == Verdict::wrong_offer);
    }
    SECTION("a base that is not in the chain") {
        manifest.base.body_root.data[0] ^= 1U;
        CHECK(verdict_of(manifest) == Verdict::wrong_offer);
    }
    SECTION("another chain") {
        manifest.header.chain_id.data[0] ^= 1U;
        CHECK_FALSE(joiner.import->read_offer(manifest.encode()));
    }
    SECTION("hashes that do not give the base's log root") {
        manifest.edges.front().front().data[0] ^= 1U;
        CHECK_FALSE(joiner.import->read_offer(manifest.encode()));
    }
    SECTION("cut off") {
        for (std::size_t length = 0; length < honest.size(); ++length) {
            REQUIRE_FALSE(joiner.import->read_offer(ByteView{honest}.first(length)));
        }
    }
    // An honest offer afterwards still works.
    joiner.choose();
    REQUIRE(joiner.fetch(all) == Verdict::accepted);
    joiner.import->finish();
    REQUIRE(joiner.ledger.open() == "");
}

TEST_CASE("a manifest of an epoch that no chain has had is not taken") {
    Joiner joiner;
    SnapshotManifest manifest = *SnapshotManifest::decode(joiner.ask(joiner.import->offer_query()));
    manifest.header.height = ~std::uint64_t{0};
    manifest.header.seals_epoch = true;
    manifest.finalization.statement.kind = VoteKind::finalize;
    const auto offer_of = [&](std::uint64_t epoch) {
        manifest.header.epoch = epoch;
        manifest.finalization.statement.epoch = epoch;
        manifest.finalization.statement.digest = manifest.header.digest();
        return joiner.import->read_offer(manifest.encode());
    };
    CHECK_FALSE(offer_of(~std::uint64_t{0}));
    SECTION("the largest that a header can have") {
        const auto offer = offer_of(~std::uint64_t{0} - 1);
        REQUIRE(offer);
        REQUIRE(joiner.import->choose(*offer) == Verdict::accepted);
        const std::vector<Bytes> queries = joiner.import->wanted(1000);
        CHECK(queries == std::vector<Bytes>{encode(SnapshotQuery{ProofsQuery{0}})});
        CHECK(joiner.import->accept(queries.front(), {}) == Verdict::not_held);
        CHECK_FALSE(joiner.import->has_begun());
    }
    SECTION("later than the base's") {
        manifest.header.height = 100;
        manifest.base.epoch = 4;
        CHECK_FALSE(offer_of(3));
    }
}

TEST_CASE("a base that gives too few or too many blocks for the window of ids is refused") {
    Joiner joiner;
    SnapshotManifest manifest = *SnapshotManifest::decode(joiner.ask(joiner.import->offer_query()));
    const std::uint64_t honest_base = manifest.base.height;
    const auto offer_with_base = [&](std::uint64_t height) {
        manifest.base = history()[height - 1].header;
        LogTiles tiles{full_machine().store};
        REQUIRE(tiles.restore(manifest.header.log_size));
        manifest.edges = *tiles.edges_at(manifest.base.log_size);
        const auto offer = joiner.import->read_offer(manifest.encode());
        REQUIRE(offer);
        return *offer;
    };
    for (const std::uint64_t height : {history().size() - 1, honest_base + 1}) {
        CHECK(joiner.import->choose(offer_with_base(height)) == Verdict::wrong_offer);
        CHECK_FALSE(joiner.import->has_begun());
    }
    REQUIRE(joiner.import->choose(offer_with_base(honest_base - 1)) == Verdict::accepted);
    CHECK(joiner.fetch(all) == Verdict::wrong_offer);
    CHECK_FALSE(joiner.import->chosen());
    joiner.choose();
    REQUIRE(joiner.fetch(all) == Verdict::accepted);
    joiner.import->finish();
    REQUIRE(joiner.ledger.open() == "");
}

TEST_CASE("an import that goes on names the manifest that it began with") {
    Joiner joiner;
    const Bytes honest = joiner.ask(joiner.import->offer_query());
    SnapshotManifest manifest = *SnapshotManifest::decode(honest);
    ++manifest.entries;
    const auto first = joiner.import->read_offer(manifest.encode());
    REQUIRE(joiner.import->choose(*first) == Verdict::accepted);
    joiner.begin();
    joiner.choose();  // an honest one of the same snapshot
    CHECK(joiner.import->chosen()->manifest == manifest.encode());
}

TEST_CASE("a checkpoint counts for every offer, and for what an earlier start began") {
    Joiner joiner;
    joiner.choose();
    REQUIRE(joiner.fetch(3) == Verdict::accepted);
    const std::uint64_t entries = joiner.import->progress().entries;
    SECTION("told after a restart, and another one") {
        joiner.begin(Checkpoint{7, Hash{}});
        REQUIRE(joiner.import->chosen());
        CHECK(joiner.fetch(all) == Verdict::wrong_answer);
    }
    SECTION("told after a restart, and right") {
        joiner.begin(Checkpoint{7, history()[6].header.digest()});
        CHECK_FALSE(joiner.import->is_complete());
        REQUIRE(joiner.fetch(1) == Verdict::accepted);
        CHECK(joiner.import->progress().entries == entries);
        REQUIRE(joiner.fetch(all) == Verdict::accepted);
        joiner.import->finish();
        REQUIRE(joiner.ledger.open() == "");
    }
    SECTION("the second offer after one that was given up") {
        joiner.begin(Checkpoint{7, history()[6].header.digest()});
        REQUIRE(joiner.fetch(1) == Verdict::accepted);
        joiner.import->give_up();
        joiner.choose();
        const Bytes query = joiner.import->wanted(1).front();
        const auto asked = decode_snapshot_query(query);
        CHECK(std::holds_alternative<CheckpointQuery>(*asked));
    }
    SECTION("the snapshot is of another block at its height") {
        joiner.begin(Checkpoint{history().size(), Hash{}});
        CHECK_FALSE(joiner.import->chosen());
        const auto offer = joiner.import->read_offer(joiner.ask(joiner.import->offer_query()));
        CHECK(joiner.import->choose(*offer) == Verdict::wrong_offer);
    }
}

TEST_CASE("blocks without a finalization of their own are proven by the headers behind them") {
    TestChain chain;
    std::vector<Block> blocks;
    for (int i = 0; i < 300; ++i) {
        blocks.push_back(chain.pass(10).block);
    }
    Machine machine;
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    machine.ledger.add_together(blocks);  // all notarized, only the last one finalized
    REQUIRE(machine.ledger.open().empty());
    const auto ask = [&machine](ByteView query) {
        return machine.ledger.get().answer_snapshot_query(query).value();
    };
    Joiner joiner;
    const auto offer = joiner.import->read_offer(ask(joiner.import->offer_query()));
    REQUIRE(offer);
    REQUIRE(joiner.import->choose(*offer) == Verdict::accepted);
    const Bytes query = joiner.import->wanted(1).front();
    const auto answer = BlocksAnswer::decode(ask(query));
    REQUIRE(answer);
    CHECK(answer->blocks.size() == snapshot_blocks_max);
    CHECK(answer->headers.size() == blocks.size() - snapshot_blocks_max);

    const auto verdict_of = [&](const std::function<void(BlocksAnswer&)>& change) {
        BlocksAnswer changed = *answer;
        change(changed);
        return joiner.import->accept(query, changed.encode());
    };
    CHECK(verdict_of([](BlocksAnswer& a) { a.headers.clear(); }) == Verdict::wrong_answer);
    CHECK(verdict_of([](BlocksAnswer& a) { a.headers.pop_back(); }) == Verdict::wrong_answer);
    CHECK(verdict_of([](BlocksAnswer& a) { a.headers[5].time += 1; }) == Verdict::wrong_answer);
    CHECK(verdict_of([](BlocksAnswer& a) { a.headers.back().epoch = 1; }) == Verdict::wrong_answer);
    CHECK(verdict_of([](BlocksAnswer& a) { a.blocks.pop_back(); }) == Verdict::wrong_answer);
    CHECK(verdict_of([](BlocksAnswer& a) { a.blocks.clear(); }) == Verdict::wrong_answer);
    CHECK(verdict_of([](BlocksAnswer& a) { a.headers.resize(snapshot_headers_max + 1); }) ==
          Verdict::wrong_answer);
    CHECK(verdict_of([&](BlocksAnswer& a) {
              a.finalization = certify_by(machine.ledger.genesis(), a.headers.back(), 0b0011);
          }) == Verdict::wrong_answer);
    CHECK(verdict_of([](BlocksAnswer& a) { a.finalization.statement.kind = VoteKind::notarize; }) ==
          Verdict::wrong_answer);
    const Bytes encoded = answer->encode();
    for (std::size_t length = 0; length < encoded.size(); length += 97) {
        REQUIRE_FALSE(BlocksAnswer::decode(ByteView{encoded}.first(length)));
    }
    while (!joiner.import->is_complete()) {
        const Bytes next = joiner.import->wanted(1).front();
        REQUIRE(joiner.import->accept(next, ask(next)) == Verdict::accepted);
        joiner.begin();  // the last block on disk may have no finalization
    }
    joiner.import->finish();
    REQUIRE(joiner.ledger.open() == "");
    CHECK(joiner.ledger.get().final_digest() == machine.ledger.get().final_digest());
}

TEST_CASE("two blocks that do not fit into one answer are served one by one") {
    std::vector<FinalizedBlock> blocks(3);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i].block.header.height = i + 1;
        blocks[i].block.envelopes = {Bytes(snapshot_blocks_bytes_max)};
        blocks[i].finalization.statement.kind = i == 2 ? VoteKind::finalize : VoteKind::notarize;
    }
    SnapshotSource::Chain chain;
    chain.read_block = [&blocks](std::uint64_t height) {
        return height <= blocks.size() ? std::optional{blocks[height - 1]} : std::nullopt;
    };
    const auto ask = [&chain](std::uint64_t from, std::uint64_t to) {
        return SnapshotSource{}.answer(encode(SnapshotQuery{BlocksQuery{from, to}}), chain).value();
    };
    for (std::uint64_t from = 1; from <= blocks.size(); ++from) {
        const Bytes bytes = ask(from, blocks.size());
        CHECK(bytes.size() <= snapshot_answer_bytes_max);
        const auto answer = BlocksAnswer::decode(bytes);
        REQUIRE(answer);
        CHECK(answer->blocks.size() == 1);
        CHECK(answer->headers.size() == blocks.size() - from);
    }
    CHECK(ask(1, 2).empty());  // nothing proves these
    blocks.resize(1, {});
    blocks.resize(snapshot_headers_max + 2, blocks.front());
    CHECK(ask(1, blocks.size()).empty());  // nor what is too far from a finalization
}

TEST_CASE("only a history with the checkpoint is taken") {
    Joiner joiner;
    const std::uint64_t last = history().size();
    SECTION("the block is there") {
        for (const std::uint64_t height : {std::uint64_t{1}, std::uint64_t{3}, last - 5, last}) {
            Joiner honest;
            honest.begin(Checkpoint{height, history()[height - 1].header.digest()});
            honest.choose();
            CHECK_FALSE(honest.import->has_begun());
            REQUIRE(honest.fetch(all) == Verdict::accepted);
            honest.import->finish();
            REQUIRE(honest.ledger.open() == "");
        }
    }
    SECTION("the block is another one") {
        joiner.begin(Checkpoint{3, Hash{}});
        joiner.choose();
        CHECK(joiner.fetch(all) == Verdict::wrong_answer);
    }
    SECTION("the proof is of another history") {
        joiner.begin(Checkpoint{7, history()[6].header.digest()});
        joiner.choose();
        const Bytes query = joiner.import->wanted(1).front();
        CheckpointProof proof = *CheckpointProof::decode(joiner.ask(query));
        REQUIRE_FALSE(proof.consistency.empty());
        proof.consistency.front().data[0] ^= 1U;
        CHECK(joiner.import->accept(query, proof.encode()) == Verdict::wrong_answer);
        CHECK_FALSE(joiner.import->has_begun());
        CHECK(joiner.import->chosen());  // others who offer the same may be honest
        REQUIRE(joiner.fetch(all) == Verdict::accepted);
        joiner.import->finish();
        REQUIRE(joiner.ledger.open() == "");
    }
    SECTION("the snapshot is older") {
        joiner.begin(Checkpoint{last + 1, Hash{}});
        CHECK(joiner.import->read_offer(joiner.ask(joiner.import->offer_query()))->height == 0);
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
