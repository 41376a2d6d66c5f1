#include "ledger/chain/receipt.h"

#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

struct Filled : FilledLedger {
    Filled() : FilledLedger{make_history()} {}
};

}  // namespace

TEST_CASE("every transaction has a receipt that holds for anyone with the genesis") {
    Filled filled;
    for (const TransactionRef& ref : filled.refs) {
        const std::optional<Receipt> receipt = filled.ledger.get().receipt(ref);
        REQUIRE(receipt);
        CHECK(receipt->header == filled.ledger.get().final_header());
        CHECK_FALSE(verify_receipt(*receipt, filled.ledger.genesis()));
        CHECK(receipt->encode().size() <= receipt_bytes_max);
        CHECK(Receipt::decode(receipt->encode()) == *receipt);
    }
    CHECK_FALSE(filled.ledger.get().receipt({party("AAA"), {}}));
}

TEST_CASE("a receipt with any byte changed does not hold") {
    Filled filled;
    const Bytes good = filled.ledger.get().receipt(filled.refs[1])->encode();
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes changed = good;
        changed[at] ^= 0x01U;
        const std::optional<Receipt> receipt = Receipt::decode(changed);
        INFO("byte " << at);
        CHECK((!receipt || verify_receipt(*receipt, filled.ledger.genesis())));
    }
    for (std::size_t length = 0; length < good.size(); ++length) {
        CHECK_FALSE(Receipt::decode(ByteView{good}.first(length)));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK_FALSE(Receipt::decode(longer));
}

TEST_CASE("a receipt of another chain, or with too few or unknown signers, does not hold") {
    Filled filled;
    const Genesis& genesis = filled.ledger.genesis();
    const Receipt good = *filled.ledger.get().receipt(filled.refs[0]);
    Genesis other = genesis;
    other.name = "other";
    CHECK(verify_receipt(good, other)->find("another chain") != std::string::npos);
    Receipt few = good;
    few.certificate = certify_by(genesis, good.header, 0b0011);
    CHECK(verify_receipt(few, genesis)->find("too few") != std::string::npos);
    Receipt unknown = good;
    unknown.certificate.bitmap = 0b10011;
    CHECK(verify_receipt(unknown, genesis)->find("not a validator") != std::string::npos);
    Receipt repeated = good;
    repeated.certificate.signatures[1] = repeated.certificate.signatures[0];
    CHECK(verify_receipt(repeated, genesis)->find("signature") != std::string::npos);
    Receipt moved = good;
    moved.leaf.index += 1;
    CHECK(verify_receipt(moved, genesis));
    Receipt swapped = good;
    swapped.transaction = filled.ledger.get().receipt(filled.refs[1])->transaction;
    CHECK(verify_receipt(swapped, genesis)->find("another transaction") != std::string::npos);
}

TEST_CASE("a block that is notarized only is proven under its finalized descendant") {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    TestLedger ledger{files, store};
    ledger.initialize();
    REQUIRE(ledger.open().empty());
    const std::vector<Block> blocks = make_history();
    ledger.add(blocks[0]);
    ledger.add_together({blocks[1], blocks[2], blocks[3]});
    const auto envelope = decode_envelope(blocks[1].envelopes[0]);
    const TransactionRef ref{envelope->signer, decode_transaction(envelope->transactions[0])->id};
    const std::optional<Receipt> receipt = ledger.get().receipt(ref);
    REQUIRE(receipt);
    CHECK(receipt->header.height == 4);
    CHECK_FALSE(verify_receipt(*receipt, ledger.genesis()));
}
