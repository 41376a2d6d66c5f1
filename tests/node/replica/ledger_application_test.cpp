#include "node/replica/ledger_application.h"

#include "ledger/model/envelope.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/support/faulty_file_system.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::node;
using namespace tally::test;

namespace {

class Observer final : public LedgerObserver {
public:
    void block_final(const Hash& digest,
                     const std::shared_ptr<const FinalizedBlock>& block) override {
        CHECK(block->block.header.digest() == digest);
        heights.push_back(block->block.header.height);
    }
    void block_refused(const Hash& /*digest*/, const BlockError& error) override {
        refusals.push_back(error);
    }
    std::vector<std::uint64_t> heights;
    std::vector<BlockError> refusals;
};

struct Node {
    Node() {
        ledger.initialize();
        REQUIRE(ledger.open().empty());
        application.emplace(ledger.get(), observer);
    }
    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    TestLedger ledger{files, store};
    Observer observer;
    std::optional<LedgerApplication> application;
};

std::vector<Hash> hashes_of(const std::vector<Bytes>& envelopes) {
    std::vector<Hash> hashes;
    for (const Bytes& envelope : envelopes) {
        hashes.push_back(envelope_hash(envelope));
    }
    return hashes;
}

}  // namespace

SCENARIO("what one node builds another executes, and both commit to the same state") {
    Node builder;
    Node voter;
    for (const Block& block : make_history()) {
        const BlockHeader& wanted = block.header;
        const consensus::BuildRequest request{wanted.parent,      wanted.epoch, wanted.view,
                                              wanted.parent_view, wanted.time,  wanted.proposer};
        const auto built = builder.application->build(request, block.envelopes);
        REQUIRE(built);
        CHECK(built->meta.digest == wanted.digest());
        CHECK(built->envelopes == hashes_of(block.envelopes));
        CHECK(built->left_out.empty());
        CHECK(builder.application->has_executed(built->meta.digest));

        CHECK_FALSE(voter.application->has_executed(built->meta.digest));
        CHECK(voter.application->body_matches(built->header, built->envelopes));
        REQUIRE(voter.application->execute(built->header, block.envelopes));
        CHECK(voter.application->has_executed(built->meta.digest));
        const auto meta = voter.application->decode_header(built->header);
        REQUIRE(meta);
        CHECK(meta->digest == built->meta.digest);
        CHECK(meta->height == wanted.height);
        CHECK(meta->view == wanted.view);
        CHECK(meta->parent == wanted.parent);
        CHECK(meta->time == wanted.time);

        const QuorumCertificate certificate =
            certify(voter.ledger.genesis(), VoteKind::finalize, wanted);
        builder.application->commit(meta->digest, certificate);
        voter.application->commit(meta->digest, certificate);
        voter.application->commit(meta->digest, certificate);  // again: nothing happens
        CHECK(voter.application->last_final().digest == meta->digest);
        CHECK(voter.application->last_finalization() == certificate);
    }
    CHECK(voter.observer.heights == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(builder.observer.heights == voter.observer.heights);
    CHECK(builder.ledger.get().final_header().state_root ==
          voter.ledger.get().final_header().state_root);
}

SCENARIO("final blocks are read back as they came, and no others") {
    Node node;
    const std::vector<Block> history = make_history();
    CHECK_FALSE(node.application->last_finalization());
    CHECK(node.application->last_final().height == 0);
    for (const Block& block : history) {
        node.ledger.add(block);
    }
    for (const Block& block : history) {
        const auto bytes = node.application->read_final(block.header.height);
        REQUIRE(bytes);
        CHECK(bytes->header == block.header.encode());
        CHECK(bytes->envelopes == block.envelopes);
        CHECK(bytes->finalization.statement.digest == block.header.digest());
    }
    CHECK_FALSE(node.application->read_final(0));
    CHECK_FALSE(node.application->read_final(history.size() + 1));
    CHECK_FALSE(node.application->read_final(UINT64_MAX));
}

SCENARIO("foreign headers, wrong bodies and wrong roots are refused") {
    Node node;
    const Block block = make_history().front();
    const Bytes header = block.header.encode();
    CHECK(node.application->decode_header(header));
    CHECK_FALSE(node.application->decode_header({}));
    CHECK_FALSE(node.application->decode_header(ByteView{header}.first(header.size() - 1)));
    BlockHeader foreign = block.header;
    foreign.chain_id.data[0] ^= 1U;
    CHECK_FALSE(node.application->decode_header(foreign.encode()));

    std::vector<Hash> body = hashes_of(block.envelopes);
    CHECK(node.application->body_matches(header, body));
    std::swap(body.front(), body.back());
    CHECK_FALSE(node.application->body_matches(header, body));
    body.push_back(body.front());
    CHECK_FALSE(node.application->body_matches(header, body));
    CHECK_FALSE(node.application->body_matches(header, {}));
    CHECK_FALSE(node.application->body_matches(Bytes{1, 2}, body));
    CHECK_FALSE(node.application->body_matches(
        header, std::vector<Hash>(block_envelopes_max + 1, body.front())));

    BlockHeader wrong = block.header;
    wrong.state_root.data[0] ^= 1U;
    CHECK_FALSE(node.application->execute(wrong.encode(), block.envelopes));
    REQUIRE(node.observer.refusals.size() == 1);
    CHECK_FALSE(node.application->has_executed(wrong.digest()));
    CHECK_FALSE(node.application->execute(header, {block.envelopes.front()}));
    CHECK(node.observer.refusals.size() == 2);
    CHECK_FALSE(node.application->execute(Bytes{1, 2, 3}, {}));
    CHECK(node.observer.refusals.size() == 2);
    CHECK(node.application->execute(header, block.envelopes));
}

SCENARIO("what would spoil a block is left out of it, and a block needs a known parent") {
    Node node;
    const Block block = make_history().front();
    Bytes forged = block.envelopes.front();
    forged.back() ^= 1U;
    const consensus::BuildRequest request{block.header.parent, 0, 1, 0, block.header.time, 0};
    const auto built = node.application->build(request, {forged, block.envelopes.back()});
    REQUIRE(built);
    CHECK(built->left_out == std::vector{envelope_hash(forged)});
    CHECK(built->envelopes == std::vector{envelope_hash(block.envelopes.back())});
    consensus::BuildRequest orphan = request;
    orphan.parent.data[0] ^= 1U;
    CHECK_FALSE(node.application->build(orphan, {}));
}
