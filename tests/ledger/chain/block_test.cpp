// Codecs of leaves and finalized blocks.

#include "ledger/chain/block.h"

#include "ledger/state/cycles.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");

Leaf sample_leaf() {
    Leaf leaf{7, 3, Hash{}, aaa, ResultCode::limit_exceeded};
    leaf.hash.data.fill(5);
    return leaf;
}

/// A block with an event, results and envelopes, and a certificate.
FinalizedBlock sample_block() {
    TestChain chain{make_genesis(), {aaa}};
    chain.approve(bbb, aaa, units(5));
    const Transaction transaction = [&] {
        Transaction made = chain.transaction(bbb, chain.approval(aaa, units(5)));
        made.not_after = chain.now() + hour_ms + 60'000;
        return made;
    }();
    const ExecutedBlock& block = chain.add_block(
        chain.now() + hour_ms, {make_envelope(chain.chain_id(), bbb, {transaction})});
    return {block.block, block.results, block.events,
            certify(chain.genesis(), VoteKind::finalize, block.block.header)};
}

bool equal(const FinalizedBlock& left, const FinalizedBlock& right) {
    return left.block.header == right.block.header &&
           left.block.envelopes == right.block.envelopes && left.results == right.results &&
           left.events == right.events && left.finalization == right.finalization;
}

}  // namespace

TEST_CASE("a leaf reads back and nothing else does", "[chain][block]") {
    const Leaf leaf = sample_leaf();
    const Bytes encoded = leaf.encode();
    CHECK(encoded.size() == 8 + 8 + 32 + 3 + 2);
    CHECK(Leaf::decode(encoded) == leaf);
    CHECK(leaf.leaf_hash() == merkle_leaf_hash(encoded));
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        CHECK_FALSE(Leaf::decode(ByteView{encoded}.first(length)));
    }
    Bytes other = encoded;
    other.push_back(0);
    CHECK_FALSE(Leaf::decode(other));
    other = encoded;
    other.back() = 0xff;  // No such result.
    CHECK_FALSE(Leaf::decode(other));
    other = encoded;
    other[48] = 'a';
    CHECK_FALSE(Leaf::decode(other));
    Leaf event = leaf;
    event.signer = PartyId{};
    CHECK(Leaf::decode(event.encode()) == event);
}

TEST_CASE("a finalized block reads back", "[chain][block]") {
    const FinalizedBlock block = sample_block();
    REQUIRE(block.events.size() == 1);
    REQUIRE(block.results.size() == 1);
    const std::optional<FinalizedBlock> decoded = FinalizedBlock::decode(block.encode());
    REQUIRE(decoded);
    CHECK(equal(*decoded, block));
}

TEST_CASE("truncated and longer finalized blocks are refused", "[chain][block]") {
    const Bytes encoded = sample_block().encode();
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        REQUIRE_FALSE(FinalizedBlock::decode(ByteView{encoded}.first(length)));
    }
    Bytes longer = encoded;
    longer.push_back(0);
    CHECK_FALSE(FinalizedBlock::decode(longer));
}

TEST_CASE("a changed byte gives nothing or another block", "[chain][block]") {
    const Bytes encoded = sample_block().encode();
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        Bytes other = encoded;
        other[i] = static_cast<std::uint8_t>(other[i] ^ 0x41U);
        const std::optional<FinalizedBlock> decoded = FinalizedBlock::decode(other);
        REQUIRE((!decoded || decoded->encode() == other));
    }
}

TEST_CASE("counts beyond their bounds are refused before anything is allocated", "[chain][block]") {
    const FinalizedBlock block = sample_block();
    Encoder encoder;
    encoder.raw(block.block.header.encode()).var_bytes(block.finalization.encode());
    SECTION("envelopes") {
        encoder.u32(block_envelopes_max + 1);
        for (std::size_t i = 0; i <= block_envelopes_max; ++i) {
            encoder.u32(0);
        }
        encoder.u32(0).u32(0);
    }
    SECTION("bytes of all envelopes") {
        const Bytes envelope(envelope_bytes_max, 1);
        encoder.u32(9);
        for (int i = 0; i < 9; ++i) {
            encoder.var_bytes(envelope);
        }
        encoder.u32(0).u32(0);
    }
    SECTION("one envelope") {
        encoder.u32(1).var_bytes(Bytes(envelope_bytes_max + 1, 1)).u32(0).u32(0);
    }
    SECTION("results that are not there") { encoder.u32(0).u32(0xffffffff).u32(0); }
    SECTION("events") {
        constexpr std::size_t count{cycle_currencies_per_block_max + sweep_items_max + 1};
        encoder.u32(0).u32(0).u32(count);
        for (std::size_t i = 0; i < count; ++i) {
            encoder.var_bytes(block.events.front().encode());
        }
    }
    CHECK_FALSE(FinalizedBlock::decode(encoder.bytes()));
}

}  // namespace tally::test
