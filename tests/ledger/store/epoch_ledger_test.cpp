// A ledger over several epochs: validators, proofs and receipts, before and after a restart.

#include "ledger/chain/epoch_proof.h"
#include "ledger/state/epochs.h"
#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

struct Filled : FilledLedger {
    Filled() : FilledLedger{make_epochs_history()} {}
    void check_epochs() {
        const Ledger& opened = ledger.get();
        CHECK(opened.epoch() == 2);
        CHECK(opened.validators() == find_epoch(opened.final_state()).validators);
        CHECK(opened.validators().size() == 5);
        std::vector<EpochProof> proofs;
        for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
            const auto proof = opened.epoch_proof(epoch);
            REQUIRE(proof);
            CHECK(proof->header.epoch == epoch);
            proofs.push_back(*proof);
        }
        CHECK_FALSE(opened.epoch_proof(2));
        CHECK(opened.previous_seal() == proofs.back().header.digest());
        const auto followed =
            follow_epochs(proofs, opened.chain_id(), validators_of(ledger.genesis().members));
        REQUIRE(followed);
        CHECK(*followed == opened.validators());
    }
};

}  // namespace

TEST_CASE("a ledger knows who votes and what ended every epoch, also after a restart") {
    Filled filled;
    filled.check_epochs();
    SECTION("with its state") { REQUIRE(filled.ledger.open().empty()); }
    SECTION("with a state made from the segments") {
        filled.ledger.close();
        filled.store = MemoryStore{};
        REQUIRE(Ledger::reset_state(filled.store, filled.ledger.genesis()));
        REQUIRE(filled.ledger.open().empty());
    }
    filled.check_epochs();
}

TEST_CASE("receipts lead through the epochs from the genesis") {
    Filled filled;
    for (const TransactionRef& ref : filled.refs) {
        const std::optional<Receipt> receipt = filled.ledger.get().receipt(ref);
        REQUIRE(receipt);
        CHECK(receipt->epochs.size() == 2);
        CHECK_FALSE(verify_receipt(*receipt, filled.ledger.genesis()));
        CHECK(Receipt::decode(receipt->encode()) == *receipt);
    }
}

TEST_CASE("a receipt without the epochs before its block does not hold") {
    Filled filled;
    Receipt receipt = *filled.ledger.get().receipt(filled.refs[0]);
    SECTION("none") { receipt.epochs.clear(); }
    SECTION("one missing") { receipt.epochs.pop_back(); }
    SECTION("in another order") { std::swap(receipt.epochs[0], receipt.epochs[1]); }
    SECTION("one too many") { receipt.epochs.push_back(receipt.epochs.back()); }
    SECTION("with a set of the prover's own") {
        receipt.epochs[1].next.front().consensus_key = public_key_of(secret_of("liar"));
    }
    CHECK(verify_receipt(receipt, filled.ledger.genesis()));
}

TEST_CASE("a receipt with more epochs than there can be is not read") {
    Filled filled;
    Receipt receipt = *filled.ledger.get().receipt(filled.refs[0]);
    receipt.epochs.assign(proven_epochs_max + 1, receipt.epochs.front());
    CHECK_FALSE(Receipt::decode(receipt.encode()));
}

TEST_CASE("a ledger with a feature that the program does not know is refused") {
    FilledLedger filled{make_feature_history()};
    TestLedger& ledger = filled.ledger;
    CHECK(ledger.get().unknown_feature() == 7);
    const std::uint64_t height = ledger.get().final_header().height;
    const auto open = [&ledger](const FeatureList& known) {
        return ledger.open(64UL * 1024 * 1024, speculative_blocks_max, known);
    };
    SECTION("with its state") {}
    SECTION("with a state made from the segments, before anything is executed wrongly") {
        ledger.close();
        filled.store = MemoryStore{};
        REQUIRE(Ledger::reset_state(filled.store, ledger.genesis()));
    }
    for (const FeatureList& known : {FeatureList{}, FeatureList{6, 8}}) {
        const std::string refusal = open(known);
        CHECK(refusal.find("feature 7 of the protocol is active") != std::string::npos);
        CHECK(refusal.find("install a newer release") != std::string::npos);
    }
    REQUIRE(open({6, 7}) == "");
    CHECK_FALSE(ledger.get().unknown_feature());
    CHECK(ledger.get().final_header().height == height);
}
