#include "ledger/store/block_proof.h"

#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

TEST_CASE("every block of three epochs is proven final from the genesis alone") {
    FilledLedger filled{make_epochs_history()};
    const Ledger& ledger = filled.ledger.get();
    const Genesis& genesis = filled.ledger.genesis();
    const std::uint64_t last = ledger.final_header().height;
    for (std::uint64_t height = 1; height <= last; ++height) {
        const auto proof = make_block_proof(ledger, height);
        REQUIRE(proof);
        CHECK(proof->header() == ledger.read_block(height)->block.header);
        CHECK(verify_header_proof(*proof, genesis));
        const auto read = HeaderProof::decode(proof->encode());
        REQUIRE(read);
        CHECK(*read == *proof);
    }
    CHECK_FALSE(make_block_proof(ledger, 0));
    CHECK_FALSE(make_block_proof(ledger, last + 1));
    REQUIRE(ledger.final_header().epoch == 2);
}

TEST_CASE("a block that is only notarized is proven by the finalized one above it") {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    TestLedger ledger{files, store};
    ledger.initialize();
    REQUIRE(ledger.open().empty());
    const std::vector<Block> history = make_history();
    ledger.add_together({history.begin(), history.begin() + 4});
    for (std::uint64_t height = 1; height <= 4; ++height) {
        const auto proof = make_block_proof(ledger.get(), height);
        REQUIRE(proof);
        CHECK(proof->headers.size() == 5 - height);
        CHECK(verify_header_proof(*proof, ledger.genesis()));
    }
}

TEST_CASE("a forged proof of a block does not hold, and half a proof is none") {
    FilledLedger filled{make_epochs_history()};
    const Genesis& genesis = filled.ledger.genesis();
    const Ledger& ledger = filled.ledger.get();
    const HeaderProof proof = *make_block_proof(ledger, ledger.final_header().height);
    HeaderProof forged = proof;
    SECTION("another header") { forged.headers.front().time += 1; }
    SECTION("without its epochs") { forged.epochs.clear(); }
    SECTION("with an epoch left out") { forged.epochs.erase(forged.epochs.begin()); }
    SECTION("with a strange header in front") {
        forged.headers.insert(forged.headers.begin(), ledger.read_block(1)->block.header);
    }
    SECTION("without a signature") {
        forged.finalization.signatures.pop_back();
        forged.finalization.bitmap &= forged.finalization.bitmap - 1;
    }
    SECTION("of another chain") {
        Genesis other = genesis;
        other.name = "other";
        CHECK_FALSE(verify_header_proof(proof, other));
        forged.headers.clear();
    }
    CHECK_FALSE(verify_header_proof(forged, genesis));
    const Bytes bytes = proof.encode();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        if (HeaderProof::decode(ByteView{bytes}.first(length))) {
            FAIL("decoded from " << length << " bytes");
        }
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(HeaderProof::decode(longer));
}

TEST_CASE("a proof that would be too long, or too much to read, is not made") {
    FilledLedger filled{make_epochs_history()};
    const Ledger& ledger = filled.ledger.get();
    const std::uint64_t last = ledger.final_header().height;
    const std::size_t bytes = make_block_proof(ledger, last)->encode().size();
    BlockProofLimits limits;
    limits.bytes_max = bytes;
    CHECK(make_block_proof(ledger, last, limits));
    limits.bytes_max = bytes - 1;
    CHECK_FALSE(make_block_proof(ledger, last, limits));
    CHECK(make_block_proof(ledger, 1, limits));

    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    TestLedger notarized{files, store};
    notarized.initialize();
    REQUIRE(notarized.open().empty());
    const std::vector<Block> history = make_history();
    notarized.add_together({history.begin(), history.begin() + 4});
    BlockProofLimits reading;
    reading.read_bytes_max = BlockHeader::encoded_bytes;
    CHECK(make_block_proof(notarized.get(), 4, reading));
    CHECK_FALSE(make_block_proof(notarized.get(), 1, reading));
}

TEST_CASE("a proof longer than any node gives is not read") {
    FilledLedger filled{make_epochs_history()};
    const Ledger& ledger = filled.ledger.get();
    HeaderProof proof = *make_block_proof(ledger, ledger.final_header().height);
    const std::size_t one = proof.epochs.front().encode().size() + sizeof(std::uint32_t);
    while (proof.epochs.size() < header_proof_bytes_max / one - 2) {
        proof.epochs.push_back(proof.epochs.front());
    }
    CHECK(HeaderProof::decode(proof.encode()));
    proof.epochs.insert(proof.epochs.end(), 4, proof.epochs.front());
    CHECK(proof.epochs.size() < header_proof_epochs_max);
    CHECK_FALSE(HeaderProof::decode(proof.encode()));
}
