// What peers that lie can send to a ledger that is filled from a snapshot.

#include "tests/ledger/store/snapshot_joiner.h"

using namespace tally;
using namespace tally::test;

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

TEST_CASE("the longest run without a finalization is served, behind a block of the largest size") {
    constexpr std::size_t run{2048};  // blocks that consensus keeps
    std::vector<FinalizedBlock> blocks(run + 1);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i].block.header.height = i + 1;
        blocks[i].finalization.statement.kind = i == run ? VoteKind::finalize : VoteKind::notarize;
    }
    blocks.front().block.envelopes.assign(block_bytes_max / envelope_bytes_max,
                                          Bytes(envelope_bytes_max));
    SnapshotSource::Chain chain;
    chain.read_block = [&blocks](std::uint64_t height) {
        return height <= blocks.size() ? std::optional{blocks[height - 1]} : std::nullopt;
    };
    const Bytes bytes = SnapshotSource{}
                            .answer(encode(SnapshotQuery{BlocksQuery{1, blocks.size()}}), chain)
                            .value();
    CHECK(bytes.size() + snapshot_headers_max * BlockHeader::encoded_bytes <=
          snapshot_answer_bytes_max + run * BlockHeader::encoded_bytes);
    const auto answer = BlocksAnswer::decode(bytes);
    REQUIRE(answer);
    CHECK(answer->blocks.size() == 1);
    CHECK(answer->headers.size() == run);
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
