// Validity of blocks, repetition of ids, and that building and executing agree.

#include "ledger/crypto/merkle.h"
#include "ledger/state/keys.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

using Kind = BlockError::Kind;

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId hub = party("HUB");

SetAgreement any_action(Money cap = 0) {
    SetAgreement half;
    half.partner = aaa;
    half.currency = currency("CNY");
    half.exposure_cap = cap;
    return half;
}

/// A block built on the tip at tip + 1 s; what is left out goes to `left_out`.
struct Built {
    std::vector<Hash> left_out;
    ExecutedBlock block;

    Built(TestChain& chain, const std::vector<Bytes>& envelopes, UnixMillis step = second_ms)
        : block{std::move(chain.executor().build(chain.tip_pointer(), chain.window(),
                                                 chain.next_context(chain.now() + step), envelopes,
                                                 left_out))
                    .value()} {}
};

/// Why the chain's executor refuses a block on its tip.
Kind refusal(TestChain& chain, Block block) {
    const auto result =
        chain.executor().execute(chain.tip_pointer(), chain.window(), std::move(block));
    REQUIRE_FALSE(result);
    return result.error().kind;
}

/// The block with these envelopes as a dishonest leader would propose it.
Block block_with(TestChain& chain, const std::vector<Bytes>& envelopes) {
    Block block = Built{chain, {}}.block.block;
    block.envelopes = envelopes;
    std::vector<Hash> hashes;
    for (const Bytes& envelope : envelopes) {
        hashes.push_back(envelope_hash(envelope));
    }
    block.header.body_root = body_root(hashes);
    return block;
}

/// Refused when executed, left out by name when built; a good envelope beside it goes in.
void check_bad_envelope(TestChain& chain, const Bytes& bad, Kind kind) {
    CHECK(refusal(chain, block_with(chain, {bad})) == kind);
    const Bytes good =
        make_envelope(chain.chain_id(), hub, {chain.transaction(hub, any_action(1))});
    const Built built{chain, {bad, good}};
    CHECK(built.left_out == std::vector<Hash>{envelope_hash(bad)});
    CHECK(built.block.block.envelopes == std::vector<Bytes>{good});
}

}  // namespace

TEST_CASE("the genesis block follows from the genesis alone", "[chain][executor]") {
    TestChain one;
    TestChain two;
    CHECK(one.tip().digest == two.tip().digest);
    const BlockHeader& header = one.tip().block.header;
    CHECK(header.height == 0);
    CHECK(header.time == genesis_time);
    CHECK(header.log_size == 0);
    CHECK(header.log_root == merkle_root({}));
    CHECK(header.state_root == one.tip().tree.root());
    CHECK(header.next_validators_hash == validators_hash(validators_of(one.genesis().members)));
    Genesis other = make_genesis();
    other.limits.front().limit += 1;
    CHECK(TestChain{other}.tip().digest != one.tip().digest);
}

TEST_CASE("an empty block changes only its header", "[chain][executor]") {
    TestChain chain;
    const Hash state_root = chain.tip().block.header.state_root;
    const ExecutedBlock& block = chain.pass(1);
    CHECK(block.block.header.state_root == state_root);
    CHECK(block.block.header.log_size == 0);
    CHECK(block.changes.empty());
    CHECK(block.block.header.height == 1);
}

TEST_CASE("transactions become leaves in order, failed ones too", "[chain][executor]") {
    TestChain chain;
    const Transaction first = chain.transaction(bbb, any_action(1));
    const Transaction second = chain.transaction(bbb, SetLimit{aaa, currency("CNY"), 1});
    const Transaction third = chain.transaction(
        aaa, RegisterBridge{"b", chain.genesis().members[0].link_key, BridgeKind::site});
    const ExecutedBlock& block = chain.add_block(
        chain.now() + second_ms, {make_envelope(chain.chain_id(), bbb, {first, second}),
                                  make_envelope(chain.chain_id(), aaa, {third})});
    REQUIRE(block.results ==
            std::vector<ResultCode>{ResultCode::ok, ResultCode::not_permitted, ResultCode::ok});
    REQUIRE(block.leaves.size() == 3);
    MerkleFrontier log;
    const std::vector<Transaction> all{first, second, third};
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(block.leaves[i].index == i);
        CHECK(block.leaves[i].height == 1);
        CHECK(block.leaves[i].hash == transaction_hash(encode_transaction(all[i])));
        CHECK(block.leaves[i].result == block.results[i]);
        log.append(block.leaves[i].leaf_hash());
    }
    CHECK(block.leaves[1].signer == bbb);
    CHECK(block.leaves[2].signer == aaa);
    CHECK(block.block.header.log_root == log.root());
    CHECK(block.block.header.log_size == 3);
}

TEST_CASE("every field of the header is checked", "[chain][executor]") {
    TestChain chain;
    chain.pass(second_ms);
    const Block good = Built{chain, {}}.block.block;
    const auto with = [&](auto change) {
        Block block = good;
        change(block.header);
        return refusal(chain, block);
    };
    CHECK(chain.executor().execute(chain.tip_pointer(), chain.window(), good));
    CHECK(with([](auto& h) { h.version = 2; }) == Kind::header);
    CHECK(with([](auto& h) { h.chain_id.data[0] ^= 1U; }) == Kind::header);
    CHECK(with([](auto& h) { h.epoch = 1; }) == Kind::header);
    CHECK(with([](auto& h) { h.seals_epoch = true; }) == Kind::seal);
    CHECK(with([](auto& h) { h.height += 1; }) == Kind::header);
    CHECK(with([](auto& h) { h.parent.data[0] ^= 1U; }) == Kind::header);
    CHECK(with([](auto& h) { h.parent_view += 1; }) == Kind::header);
    CHECK(with([](auto& h) { h.view = h.parent_view; }) == Kind::header);
    CHECK(with([&](auto& h) { h.time = chain.now(); }) == Kind::header);
    CHECK(with([](auto& h) { h.time = unix_millis_max + 1; }) == Kind::header);
    CHECK(with([](auto& h) { h.time = -1; }) == Kind::header);
    CHECK(with([](auto& h) { h.proposer = 4; }) == Kind::header);
    CHECK(with([](auto& h) { h.next_validators_hash.data[0] ^= 1U; }) == Kind::header);
    CHECK(with([](auto& h) { h.body_root.data[0] ^= 1U; }) == Kind::body);
    CHECK(with([](auto& h) { h.log_size += 1; }) == Kind::result_mismatch);
    CHECK(with([](auto& h) { h.log_root.data[0] ^= 1U; }) == Kind::result_mismatch);
    CHECK(with([](auto& h) { h.state_root.data[0] ^= 1U; }) == Kind::result_mismatch);
}

TEST_CASE("a skipped view and the latest time are fine", "[chain][executor]") {
    TestChain chain;
    BlockContext context = chain.next_context(unix_millis_max);
    context.view += 5;
    context.proposer = 3;
    std::vector<Hash> left_out;
    const auto built =
        chain.executor().build(chain.tip_pointer(), chain.window(), context, {}, left_out);
    REQUIRE(built);
    CHECK(chain.executor().execute(chain.tip_pointer(), chain.window(), built->block));
    context.time = chain.now();
    const auto late =
        chain.executor().build(chain.tip_pointer(), chain.window(), context, {}, left_out);
    REQUIRE_FALSE(late);
    CHECK(late.error().kind == Kind::header);
}

TEST_CASE("bad envelopes make a block invalid and are left out of one's own", "[chain][executor]") {
    TestChain chain;
    const Transaction transaction = chain.transaction(bbb, any_action(2));
    const Bytes good = make_envelope(chain.chain_id(), bbb, {transaction});
    SECTION("undecodable") { check_bad_envelope(chain, Bytes{1, 2, 3}, Kind::envelope); }
    SECTION("empty") { check_bad_envelope(chain, {}, Kind::envelope); }
    SECTION("too large") {
        check_bad_envelope(chain, Bytes(envelope_bytes_max + 1, 1), Kind::envelope);
    }
    SECTION("wrong signature") {
        Bytes bad = good;
        bad.back() = static_cast<std::uint8_t>(bad.back() ^ 1U);
        check_bad_envelope(chain, bad, Kind::envelope);
    }
    SECTION("signed by another member") {
        KeySigner key{secret_of("AAA/member")};
        check_bad_envelope(
            chain, sign_envelope(chain.chain_id(), bbb, {encode_transaction(transaction)}, key),
            Kind::envelope);
    }
    SECTION("signed for another chain") {
        check_bad_envelope(chain, make_envelope(Hash{}, bbb, {transaction}), Kind::envelope);
    }
    SECTION("unknown signer") {
        check_bad_envelope(chain, make_envelope(chain.chain_id(), party("ZZZ"), {transaction}),
                           Kind::envelope);
    }
    SECTION("a transaction that does not decode") {
        KeySigner key{secret_of("BBB/member")};
        check_bad_envelope(
            chain,
            sign_envelope(chain.chain_id(), bbb, {encode_transaction(transaction), {0xff}}, key),
            Kind::envelope);
    }
    SECTION("a transaction with an unknown field") {
        KeySigner key{secret_of("BBB/member")};
        Bytes bytes = encode_transaction(transaction);
        append(bytes, Bytes{0xf8, 0x3f, 0x01});  // Field 1023, varint 1.
        check_bad_envelope(chain, sign_envelope(chain.chain_id(), bbb, {bytes}, key),
                           Kind::envelope);
    }
    SECTION("the same envelope twice in one block") {
        CHECK(refusal(chain, block_with(chain, {good, good})) == Kind::envelope);
    }
    SECTION("the same envelope in a later block") {
        chain.add_block(chain.now() + second_ms, {good});
        check_bad_envelope(chain, good, Kind::envelope);
    }
}

TEST_CASE("not_after lies within 120 s of the block", "[chain][executor]") {
    TestChain chain;
    const UnixMillis time = chain.now() + second_ms;
    const auto envelope_until = [&](UnixMillis not_after) {
        Transaction transaction = chain.transaction(bbb, any_action());
        transaction.not_after = not_after;
        return make_envelope(chain.chain_id(), bbb, {transaction});
    };
    check_bad_envelope(chain, envelope_until(time), Kind::not_after);
    check_bad_envelope(chain, envelope_until(time - 1), Kind::not_after);
    check_bad_envelope(chain, envelope_until(time + 120'001), Kind::not_after);
    CHECK(Built{chain, {envelope_until(time + 1)}}.left_out.empty());
    CHECK(Built{chain, {envelope_until(time + 120'000)}}.left_out.empty());
}

TEST_CASE("one transaction out of time condemns its whole envelope", "[chain][executor]") {
    TestChain chain;
    const Transaction good = chain.transaction(bbb, any_action(1));
    Transaction late = chain.transaction(bbb, any_action(2));
    late.not_after = chain.now();
    const Bytes envelope = make_envelope(chain.chain_id(), bbb, {good, late});
    const Built built{chain, {envelope}};
    CHECK(built.left_out.size() == 1);
    CHECK(built.block.changes.empty());
    CHECK(built.block.leaves.empty());
}

TEST_CASE("the same id again is exists, with other bytes exists_different", "[chain][executor]") {
    TestChain chain;
    const Transaction one = chain.transaction(bbb, any_action(5));
    Transaction other = one;
    other.action = any_action(6);
    const Transaction filler = chain.transaction(bbb, any_action(5));
    const auto envelope = [&](const std::vector<Transaction>& transactions) {
        return make_envelope(chain.chain_id(), bbb, transactions);
    };
    const auto cap = [&] { return find_agreement_half(chain.state(), bbb, aaa)->exposure_cap; };
    SECTION("within one envelope") {
        const auto& block = chain.add_block(chain.now() + second_ms, {envelope({one, one, other})});
        CHECK(block.results == std::vector<ResultCode>{ResultCode::ok, ResultCode::exists,
                                                       ResultCode::exists_different});
        CHECK(block.leaves.size() == 3);
        CHECK(block.ids.transactions.size() == 1);
        CHECK(cap() == 5);
    }
    SECTION("across envelopes of one block") {
        const auto& block = chain.add_block(chain.now() + second_ms,
                                            {envelope({one}), envelope({filler, one, other})});
        CHECK(block.results == std::vector<ResultCode>{ResultCode::ok, ResultCode::ok,
                                                       ResultCode::exists,
                                                       ResultCode::exists_different});
    }
    SECTION("across final blocks") {
        chain.add_block(chain.now() + second_ms, {envelope({one})});
        const auto& block =
            chain.add_block(chain.now() + second_ms, {envelope({filler, one, other})});
        CHECK(block.results == std::vector<ResultCode>{ResultCode::ok, ResultCode::exists,
                                                       ResultCode::exists_different});
        CHECK(cap() == 5);
    }
    SECTION("ids are the signer's own") {
        SetAgreement half = any_action(5);
        half.partner = bbb;
        const Transaction theirs{one.id, one.not_after, half};
        const auto& block =
            chain.add_block(chain.now() + second_ms,
                            {envelope({one}), make_envelope(chain.chain_id(), aaa, {theirs})});
        CHECK(block.results == std::vector<ResultCode>{ResultCode::ok, ResultCode::ok});
    }
    SECTION("an id whose transaction failed is burnt") {
        Transaction failing = one;
        failing.action = SetLimit{aaa, currency("CNY"), 1};
        const auto& block =
            chain.add_block(chain.now() + second_ms, {envelope({failing, one, failing})});
        CHECK(block.results == std::vector<ResultCode>{ResultCode::not_permitted,
                                                       ResultCode::exists_different,
                                                       ResultCode::exists});
    }
}

TEST_CASE("ids of unfinalized ancestors count, through the chain of parents", "[chain][executor]") {
    TestChain chain;
    const Transaction one = chain.transaction(bbb, any_action(5));
    const Transaction filler = chain.transaction(bbb, any_action(6));
    const Bytes first = make_envelope(chain.chain_id(), bbb, {one});
    const auto parent = std::make_shared<const ExecutedBlock>(Built{chain, {first}}.block);
    std::vector<Hash> left_out;
    BlockContext context = chain.next_context(chain.now() + 2 * second_ms);
    context.view += 1;
    context.parent_view += 1;
    const Bytes again = make_envelope(chain.chain_id(), bbb, {filler, one});
    const auto child =
        chain.executor().build(parent, chain.window(), context, {first, again}, left_out);
    REQUIRE(child);
    CHECK(left_out == std::vector<Hash>{envelope_hash(first)});
    CHECK(child->results == std::vector<ResultCode>{ResultCode::ok, ResultCode::exists});
    // The parent's changes are seen through the overlay, and its own sibling knows nothing of them.
    const StateOverlay view = view_after(chain.base(), *child);
    CHECK(find_agreement_half(view, bbb, aaa)->exposure_cap == 6);
    CHECK(Built{chain, {again}}.block.results ==
          std::vector<ResultCode>{ResultCode::ok, ResultCode::ok});
}

TEST_CASE("a block takes as many envelopes and bytes as it may", "[chain][executor]") {
    TestChain chain;
    SECTION("envelopes") {
        std::vector<Bytes> envelopes;
        for (std::size_t i = 0; i < block_envelopes_max + 3; ++i) {
            envelopes.push_back(
                make_envelope(chain.chain_id(), bbb, {chain.transaction(bbb, any_action())}));
        }
        const Built built{chain, envelopes};
        CHECK(built.left_out.empty());  // They can wait.
        CHECK(built.block.block.envelopes.size() == block_envelopes_max);
        CHECK(refusal(chain, block_with(chain, envelopes)) == Kind::body);
    }
    SECTION("bytes") {
        std::vector<Bytes> envelopes;
        const std::string longest(tariff_id_bytes_max, 'x');
        SetAgreement large = any_action();
        large.tariffs_offered.assign(tariffs_offered_max, longest);
        for (int i = 0; i < 13; ++i) {
            std::vector<Transaction> transactions;
            for (std::size_t j = 0; j < envelope_transactions_max; ++j) {
                transactions.push_back(chain.transaction(bbb, large));
            }
            envelopes.push_back(make_envelope(chain.chain_id(), bbb, transactions));
        }
        REQUIRE(envelopes.size() * envelopes.front().size() > block_bytes_max);
        const Built built{chain, envelopes};
        CHECK(built.left_out.empty());
        CHECK(built.block.block.envelopes.size() == block_bytes_max / envelopes.front().size());
        CHECK(refusal(chain, block_with(chain, envelopes)) == Kind::body);
    }
}

TEST_CASE("a failed action leaves no trace but its leaf", "[chain][executor]") {
    TestChain chain;
    CHECK(chain.apply(bbb, SetLimit{aaa, currency("CNY"), 1}) == ResultCode::not_permitted);
    // In the sub-logs of its signer and of whom it names.
    REQUIRE(chain.tip().changes.size() == 2);
    CHECK(chain.tip().changes.contains(keys::sublog(bbb)));
    CHECK(chain.tip().changes.contains(keys::sublog(aaa)));
    CHECK(chain.tip().block.header.log_size == 1);
}

TEST_CASE("a block restored from disk is a parent like any other", "[chain][executor]") {
    TestChain chain{make_genesis(), {aaa}};
    chain.charge_until_recorded(bbb, aaa, 5'000);
    const auto restored = restore_executed(chain.tip().block.header, chain.base(), chain.tip().log);
    CHECK(restored->digest == chain.tip().digest);
    CHECK(restored->tree.root() == chain.tip().block.header.state_root);
    CHECK(restored->log.root() == chain.tip().block.header.log_root);
    const Bytes envelope = make_envelope(chain.chain_id(), bbb,
                                         {chain.transaction(bbb, chain.approval(aaa, units(3)))});
    const Built expected{chain, {envelope}};
    const auto executed = chain.executor().execute(restored, chain.window(), expected.block.block);
    REQUIRE(executed);
    CHECK(executed->digest == expected.block.digest);
    CHECK(executed->changes == expected.block.changes);
}

TEST_CASE("money out of balance makes a block invalid", "[chain][executor]") {
    TestChain chain;
    chain.pass(1);  // So that the genesis' own changes no longer lie over the base.
    // Only a bug could do this: totals that the accounts never had.
    const Bytes key{0x0a, 'C', 'N', 'Y'};
    WriteBatch batch;
    batch.put(key, encode(Totals{1, 0, 0, 0}));
    REQUIRE(chain.base().write(batch, true));
    const Bytes limit = make_envelope(chain.chain_id(), hub,
                                      {chain.transaction(hub, SetLimit{bbb, currency("CNY"), 5})});
    std::vector<Hash> left_out;
    const auto first =
        chain.executor().build(chain.tip_pointer(), chain.window(),
                               chain.next_context(chain.now() + second_ms), {limit}, left_out);
    REQUIRE(first);  // No account changed yet.
    const auto parent = std::make_shared<const ExecutedBlock>(first.value());
    const Countersign second{{hub, chain.last_ref().id}, first->leaves.front().hash};
    BlockContext context = chain.next_context(chain.now() + 2 * second_ms);
    context.view += 1;
    context.parent_view += 1;
    const auto result = chain.executor().build(
        parent, chain.window(), context,
        {make_envelope(chain.chain_id(), bbb, {chain.transaction(bbb, second)})}, left_out);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::invariant);
    CHECK(result.error().what == "debits and credits differ in CNY");
}

TEST_CASE("the checker is asked about bridges under a name of their own", "[chain][executor]") {
    const Signature one{};
    Signature other{};
    other.data[0] = 1;
    Hash digest;
    CHECK(metered_check_name(digest, one) != metered_check_name(digest, other));
    digest.data[0] = 1;
    CHECK(metered_check_name(digest, one) != metered_check_name(Hash{}, one));
}

TEST_CASE("the direct checker refuses keys that are no point", "[chain][executor]") {
    DirectSignatureChecker checker;
    CHECK_FALSE(checker.verify(Hash{}, PublicKey{}, Hash{}, Signature{}));
    const SecretKey secret = secret_of("anyone");
    const Signature signature = sign_digest(secret, Hash{});
    CHECK(checker.verify(Hash{}, public_key_of(secret), Hash{}, signature));
    CHECK(checker.verify(Hash{}, public_key_of(secret), Hash{}, signature));
    CHECK_FALSE(checker.verify(Hash{}, public_key_of(secret_of("other")), Hash{}, signature));
}

}  // namespace tally::test
