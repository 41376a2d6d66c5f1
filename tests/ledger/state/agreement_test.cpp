// Agreements, limits and second signatures.

#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId hub = party("HUB");
const Currency cny = currency("CNY");

/// A limit that `signer` proposed, ready for the second signature.
struct Proposed {
    TestChain chain;
    TransactionRef ref;
    Countersign countersign;

    Proposed(const PartyId& signer, const SetLimit& limit) {
        CHECK(chain.apply(signer, limit) == ResultCode::ok);
        ref = chain.last_ref();
        countersign = {ref, chain.tip().leaves.front().hash};
    }
};

Money limit_of(const TestChain& chain, const PartyId& member) {
    return find_account(chain.state(), member, cny)->limit;
}

}  // namespace

TEST_CASE("an agreement is a pair of halves", "[state][agreement]") {
    TestChain chain;
    CHECK(find_agreement(chain.state(), aaa, bbb));
    SetAgreement half;
    half.partner = bbb;
    half.currency = cny;
    half.exposure_cap = units(7);
    half.tariffs_offered = {"a", "b"};
    CHECK(chain.apply(aaa, half) == ResultCode::ok);
    const auto pair = find_agreement(chain.state(), aaa, bbb);
    REQUIRE(pair);
    CHECK(pair->ours.exposure_cap == units(7));
    CHECK(pair->ours.tariffs_offered == std::vector<std::string>{"a", "b"});
    CHECK(pair->theirs.exposure_cap == 0);
    half.active = false;
    CHECK(chain.apply(aaa, half) == ResultCode::ok);
    CHECK_FALSE(find_agreement(chain.state(), aaa, bbb));
    CHECK_FALSE(find_agreement(chain.state(), bbb, aaa));
    CHECK(find_agreement_half(chain.state(), aaa, bbb));
}

TEST_CASE("an agreement needs another member", "[state][agreement]") {
    TestChain chain;
    SetAgreement half;
    half.currency = cny;
    half.partner = aaa;
    CHECK(chain.apply(aaa, half) == ResultCode::self_roaming);
    half.partner = party("ZZZ");
    CHECK(chain.apply(aaa, half) == ResultCode::unknown_member);
}

TEST_CASE("a limit is in force with the second signature only", "[state][limit]") {
    const bool hub_first = GENERATE(true, false);
    Proposed proposed{hub_first ? hub : bbb, {bbb, cny, units(7)}};
    TestChain& chain = proposed.chain;
    CHECK(limit_of(chain, bbb) == units(10'000));
    const auto waiting = find_countersign(chain.state(), proposed.ref);
    REQUIRE(waiting);
    CHECK(waiting->expires == chain.now() + chain.genesis().parameters.countersign_window);
    CHECK(chain.apply(hub_first ? bbb : hub, proposed.countersign) == ResultCode::ok);
    CHECK(limit_of(chain, bbb) == units(7));
    CHECK_FALSE(find_countersign(chain.state(), proposed.ref));
    CHECK(chain.apply(hub_first ? bbb : hub, proposed.countersign) ==
          ResultCode::unknown_countersign);
}

TEST_CASE("not_permitted: only hub and member set a limit", "[state][limit]") {
    TestChain chain;
    CHECK(chain.apply(ccc, SetLimit{bbb, cny, 1}) == ResultCode::not_permitted);
    CHECK(chain.apply(hub, SetLimit{hub, cny, 1}) == ResultCode::not_permitted);
    CHECK(chain.apply(hub, SetLimit{party("ZZZ"), cny, 1}) == ResultCode::unknown_member);
}

TEST_CASE("conditions of the second signature", "[state][limit]") {
    Proposed proposed{hub, {bbb, cny, units(7)}};
    TestChain& chain = proposed.chain;
    SECTION("already_signed") {
        CHECK(chain.apply(hub, proposed.countersign) == ResultCode::already_signed);
    }
    SECTION("not_permitted") {
        CHECK(chain.apply(ccc, proposed.countersign) == ResultCode::not_permitted);
    }
    SECTION("hash_differs") {
        proposed.countersign.transaction_hash.data[31] ^= 1U;
        CHECK(chain.apply(bbb, proposed.countersign) == ResultCode::hash_differs);
    }
    SECTION("unknown_countersign") {
        proposed.countersign.transaction.id.data[15] ^= 1U;
        CHECK(chain.apply(bbb, proposed.countersign) == ResultCode::unknown_countersign);
    }
    const UnixMillis window = chain.genesis().parameters.countersign_window;
    SECTION("at its deadline") {
        const UnixMillis left = find_countersign(chain.state(), proposed.ref)->expires;
        CHECK(chain.apply(bbb, proposed.countersign, left - chain.now()) == ResultCode::ok);
    }
    SECTION("after it") {
        CHECK(chain.apply(bbb, proposed.countersign, window + 1) ==
              ResultCode::unknown_countersign);
        CHECK(chain.tip().events.size() == 1);
        CHECK(chain.tip().events.front().cause == ExpiryCause::not_countersigned);
    }
}

TEST_CASE("id_in_use: a waiting limit keeps its id beyond the window", "[state][limit]") {
    Proposed proposed{hub, {bbb, cny, units(7)}};
    TestChain& chain = proposed.chain;
    chain.pass(200 * second_ms);
    const Transaction again{proposed.ref.id, chain.now() + 10 * second_ms,
                            SetLimit{bbb, cny, units(8)}};
    const ExecutedBlock& block =
        chain.add_block(chain.now() + second_ms, {make_envelope(chain.chain_id(), hub, {again})});
    CHECK(block.results.front() == ResultCode::id_in_use);
}

TEST_CASE("lowering a limit below what is owed is allowed and stops new debits", "[state][limit]") {
    TestChain chain{make_genesis(), {aaa}};
    const AuthorizationRef open = chain.approve_and_start(bbb, aaa, units(50));
    CHECK(chain.apply(hub, SetLimit{bbb, cny, units(10)}) == ResultCode::ok);
    const Countersign second{chain.last_ref(), chain.tip().leaves.front().hash};
    CHECK(chain.apply(bbb, second) == ResultCode::ok);
    CHECK(limit_of(chain, bbb) == units(10));
    CHECK(chain.apply(bbb, chain.approval(aaa, units(1))) == ResultCode::limit_exceeded);
    CHECK(chain.apply(aaa, chain.record(open, 20'000)) == ResultCode::ok);
    CHECK(chain.apply(bbb, SettleCharge{open, units(30)}) == ResultCode::ok);  // Never refused.
    CHECK(chain.apply(bbb, chain.approval(aaa, units(1))) == ResultCode::limit_exceeded);
}

}  // namespace tally::test
