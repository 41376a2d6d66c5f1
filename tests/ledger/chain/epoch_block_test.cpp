// Blocks at the border of two epochs, and the proofs that lead over it.

#include "ledger/chain/epoch_proof.h"
#include "ledger/chain/finality.h"
#include "ledger/state/epochs.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <functional>

namespace tally::test {
namespace {

using Kind = BlockError::Kind;

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId hub = party("HUB");

PublicKey public_of(const std::string& name) { return public_key_of(secret_of(name)); }

/// AAA has a new consensus key from epoch 1 on; `sealing` ended epoch 0.
struct TwoEpochs {
    TestChain chain;
    FinalizedBlock sealing;

    TwoEpochs() {
        REQUIRE(chain.apply(aaa, RotateKey{KeyRole::consensus, public_of("AAA/consensus-1")}) ==
                ResultCode::ok);
        chain.change_epoch();
        const ExecutedBlock& tip = chain.tip();
        sealing = {tip.block, tip.results, tip.events,
                   certify(chain.genesis(), VoteKind::finalize, tip.block.header)};
    }
    [[nodiscard]] EpochProof proof() const {
        return {sealing.block.header, sealing.finalization, sealing.events.back().validators};
    }
    [[nodiscard]] std::vector<Validator> first() const {
        return validators_of(chain.genesis().members);
    }
    [[nodiscard]] std::string problem(const EpochProof& proof, std::uint64_t epoch = 0) const {
        const auto checked = check_epoch_proof(proof, chain.chain_id(), epoch, first());
        return checked ? "" : checked.error();
    }
};

/// An empty block on the tip, changed as a dishonest leader would.
Kind refusal(TestChain& chain, const std::function<void(BlockHeader&)>& change) {
    std::vector<Hash> left_out;
    auto built = chain.executor().build(chain.tip_pointer(), chain.window(),
                                        chain.next_context(chain.now() + second_ms), {}, left_out);
    REQUIRE(built);
    Block block = built->block;
    change(block.header);
    const auto result = chain.executor().execute(chain.tip_pointer(), chain.window(), block);
    REQUIRE_FALSE(result);
    return result.error().kind;
}

void make_ready(TestChain& chain) {
    REQUIRE(chain.apply(aaa, RotateKey{KeyRole::consensus, public_of("AAA/consensus-1")}) ==
            ResultCode::ok);
    const Hash next = wanted_epoch(chain.state()).hash();
    for (const PartyId& ready : {aaa, bbb, hub}) {
        REQUIRE(chain.apply(ready, ReportReady{0, next, chain.tip().block.header.height}) ==
                ResultCode::ok);
    }
    REQUIRE(seals_epoch(chain.state(), chain.tip().block.header.height + 1));
}

}  // namespace

TEST_CASE("a block seals its epoch exactly when it must", "[chain][epoch]") {
    TestChain chain;
    CHECK(refusal(chain, [](BlockHeader& header) { header.seals_epoch = true; }) == Kind::seal);
    make_ready(chain);
    CHECK(refusal(chain, [](BlockHeader& header) { header.seals_epoch = false; }) == Kind::seal);
    CHECK(refusal(chain, [&chain](BlockHeader& header) {
              header.next_validators_hash = validators_hash(find_epoch(chain.state()).validators);
          }) == Kind::header);
    CHECK(refusal(chain, [](BlockHeader& header) { header.epoch = 1; }) == Kind::header);
}

TEST_CASE("the first block of an epoch stands on the seal as on a genesis", "[chain][epoch]") {
    TwoEpochs epochs;
    TestChain& chain = epochs.chain;
    const std::uint64_t sealing_view = epochs.sealing.block.header.view;
    REQUIRE(sealing_view > 1);
    CHECK(refusal(chain, [](BlockHeader& header) { header.epoch = 0; }) == Kind::header);
    CHECK(refusal(chain, [](BlockHeader& header) { header.epoch = 2; }) == Kind::header);
    CHECK(refusal(chain, [](BlockHeader& header) { header.view = 0; }) == Kind::header);
    CHECK(refusal(chain, [&](BlockHeader& header) { header.parent_view = sealing_view; }) ==
          Kind::header);
    CHECK(refusal(chain, [&](BlockHeader& header) {
              header.view = sealing_view + 1;
              header.parent_view = sealing_view;
          }) == Kind::header);
    BlockContext context = chain.next_context(chain.now() + second_ms);
    context.view = 5;  // four views of the new epoch had no block
    std::vector<Hash> left_out;
    CHECK(chain.executor().build(chain.tip_pointer(), chain.window(), context, {}, left_out));
    chain.pass(second_ms);
    CHECK(chain.pass(second_ms).block.header.parent_view == 1);
}

TEST_CASE("the seal's leaf comes behind those of the transactions", "[chain][epoch]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_max = 10;
    genesis.parameters.countersign_window = second_ms;
    TestChain chain{genesis};
    while (chain.tip().block.header.height < 8) {
        chain.pass(second_ms);
    }
    REQUIRE(chain.apply(aaa, SetLimit{aaa, currency("CNY"), units(1)}) == ResultCode::ok);
    const ResultCode result =
        chain.apply(bbb, SetLimit{bbb, currency("CNY"), units(1)}, 2 * second_ms);
    CHECK(result == ResultCode::ok);
    const ExecutedBlock& block = chain.tip();
    REQUIRE(block.block.header.seals_epoch);
    REQUIRE(block.events.size() == 2);
    CHECK(events_before_transactions(block.events) == 1);
    REQUIRE(block.leaves.size() == 3);
    CHECK(block.leaves[0].hash == block.events[0].hash());
    CHECK(block.leaves[1].signer == bbb);
    CHECK(block.leaves[2].hash == find_seal(block.events)->hash());
    const FinalizedBlock stored{block.block, block.results, block.events,
                                certify(genesis, VoteKind::finalize, block.block.header)};
    const auto decoded = FinalizedBlock::decode(stored.encode());
    REQUIRE(decoded);
    CHECK(decoded->events == block.events);
    FinalizedBlock behind = stored;
    std::swap(behind.events[0], behind.events[1]);
    CHECK_FALSE(FinalizedBlock::decode(behind.encode()));
    behind = stored;
    behind.events.push_back(stored.events.back());
    CHECK_FALSE(FinalizedBlock::decode(behind.encode()));
}

TEST_CASE("a proof of an epoch's end holds for who knows the epoch's validators",
          "[chain][epoch]") {
    const TwoEpochs epochs;
    CHECK(epochs.problem(epochs.proof()).empty());
    CHECK(EpochProof::decode(epochs.proof().encode()) == epochs.proof());
    const auto next = follow_epochs({epochs.proof()}, epochs.chain.chain_id(), epochs.first());
    REQUIRE(next);
    CHECK(*next == find_epoch(epochs.chain.state()).validators);
    CHECK(follow_epochs({}, epochs.chain.chain_id(), epochs.first()).value() == epochs.first());
    CHECK_FALSE(
        follow_epochs({epochs.proof(), epochs.proof()}, epochs.chain.chain_id(), epochs.first()));
}

TEST_CASE("a sealing block that was proposed again is final in a later view", "[chain][epoch]") {
    const TwoEpochs epochs;
    EpochProof proof = epochs.proof();
    proof.finalization =
        certify(epochs.first(), VoteKind::finalize, proof.header, proof.header.view + 3);
    CHECK(epochs.problem(proof).empty());
    proof.finalization =
        certify(epochs.first(), VoteKind::finalize, proof.header, proof.header.view - 1);
    CHECK(epochs.problem(proof) == "the certificate is of another view");
    BlockHeader plain = proof.header;
    plain.seals_epoch = false;
    CHECK(check_statement(certify(epochs.first(), VoteKind::finalize, plain, plain.view + 1),
                          plain) == "the certificate is of another view");
}

TEST_CASE("proofs that prove nothing", "[chain][epoch]") {
    const TwoEpochs epochs;
    EpochProof proof = epochs.proof();
    SECTION("of another epoch") {
        CHECK(epochs.problem(proof, 1) == "the proof ends epoch 0, not 1");
    }
    SECTION("of another chain") {
        proof.header.chain_id = Hash{};
        CHECK(epochs.problem(proof).find("another chain") != std::string::npos);
    }
    SECTION("of a block that seals nothing") {
        proof.header.seals_epoch = false;
        proof.finalization = certify(epochs.first(), VoteKind::finalize, proof.header, 3);
        CHECK(epochs.problem(proof) == "the block does not seal its epoch");
    }
    SECTION("with other validators") {
        proof.next.pop_back();
        CHECK(epochs.problem(proof).find("next validators") != std::string::npos);
    }
    SECTION("notarized only") {
        proof.finalization =
            certify(epochs.first(), VoteKind::notarize, proof.header, proof.header.view);
        CHECK(epochs.problem(proof) == "the certificate is not a finalization");
    }
    SECTION("of another epoch's votes") {
        BlockHeader other = proof.header;
        other.epoch = 1;
        proof.finalization = certify(epochs.first(), VoteKind::finalize, other, other.view);
        proof.finalization.statement.digest = proof.header.digest();
        CHECK(epochs.problem(proof) == "the certificate is of another epoch");
    }
    SECTION("signed by the next validators") {
        proof.finalization =
            certify(proof.next, VoteKind::finalize, proof.header, proof.header.view);
        CHECK(epochs.problem(proof).find("does not hold") != std::string::npos);
    }
    SECTION("signed by too few") {
        proof.finalization.bitmap &= proof.finalization.bitmap - 1;
        proof.finalization.signatures.pop_back();
        CHECK(epochs.problem(proof).find("too few signers") != std::string::npos);
    }
}

TEST_CASE("damaged proofs decode to nothing or to what does not hold", "[chain][epoch]") {
    const TwoEpochs epochs;
    const Bytes good = epochs.proof().encode();
    for (std::size_t length = 0; length < good.size(); ++length) {
        REQUIRE_FALSE(EpochProof::decode(ByteView{good}.first(length)));
    }
    Bytes other = good;
    other.push_back(0);
    CHECK_FALSE(EpochProof::decode(other));
    for (std::size_t at = 0; at < good.size(); ++at) {
        other = good;
        other[at] ^= 0x01U;
        const auto proof = EpochProof::decode(other);
        INFO("byte " << at);
        REQUIRE((!proof || !epochs.problem(*proof).empty()));
    }
    EpochProof wide = epochs.proof();
    wide.next.assign(validators_max + 1, Validator{aaa, {}});
    CHECK_FALSE(EpochProof::decode(wide.encode()));
    wide.next.clear();
    CHECK_FALSE(EpochProof::decode(wide.encode()));
}

}  // namespace tally::test
