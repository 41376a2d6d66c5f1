// Disputes: who may open and end them, what is posted when, and what happens when nobody does.

#include "ledger/crypto/sha256.h"
#include "ledger/state/invariants.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId hub = party("HUB");
const Currency cny = currency("CNY");

/// 12 kWh at AAA by a customer of BBB: 18.0000 recorded under an approval of 100.
struct Recorded {
    TestChain chain;
    AuthorizationRef ref;

    explicit Recorded(const Genesis& genesis = make_genesis()) : chain{genesis, {aaa}} {
        ref = chain.charge_until_recorded(bbb, aaa, 12'000);
    }

    [[nodiscard]] OpenDispute dispute(Money disputed) const {
        return {ref, disputed, DisputeReason::price, sha256(as_bytes("invoice"))};
    }
    void open(Money disputed) { REQUIRE(chain.apply(bbb, dispute(disputed)) == ResultCode::ok); }
    [[nodiscard]] Account account(const PartyId& member) const {
        return find_account(chain.state(), member, cny).value_or(Account{});
    }
    [[nodiscard]] Authorization finished() const {
        REQUIRE_FALSE(find_live_authorization(chain.state(), ref));
        return *find_authorization(chain.state(), ref);
    }
    void check_books() const {
        CHECK_FALSE(check_invariants(chain.state()));
        CHECK(find_totals(chain.state(), cny)->balanced());
    }
};

}  // namespace

TEST_CASE("a dispute posts the undisputed part at once and holds the rest", "[state][dispute]") {
    Recorded recorded;
    recorded.open(units(5));
    CHECK(recorded.account(bbb) == Account{units(5), units(13), 0, 0, units(10'000)});
    CHECK(recorded.account(aaa) == Account{0, 0, units(5), units(13), units(10'000)});
    const auto live = find_live_authorization(recorded.chain.state(), recorded.ref);
    REQUIRE(live);
    CHECK(live->status == AuthorizationStatus::disputed);
    CHECK(live->dispute->reason == DisputeReason::price);
    CHECK(live->dispute->evidence == sha256(as_bytes("invoice")));
    CHECK(live->dispute->opened_at == recorded.chain.now());
    CHECK(live->deadline() ==
          recorded.chain.now() + recorded.chain.genesis().parameters.arbitrate_window);
    recorded.check_books();
}

TEST_CASE("a dispute of all of it posts nothing yet", "[state][dispute]") {
    Recorded recorded;
    recorded.open(units(18));
    CHECK(recorded.account(bbb) == Account{units(18), 0, 0, 0, units(10'000)});
    recorded.check_books();
}

TEST_CASE("what a dispute holds counts against the limit", "[state][dispute]") {
    Genesis genesis = make_genesis();
    for (SetLimit& limit : genesis.limits) {
        limit.limit = units(100);
    }
    Recorded recorded{genesis};
    TestChain& chain = recorded.chain;
    recorded.open(units(5));
    CHECK(chain.apply(bbb, chain.approval(aaa, units(82) + 1)) == ResultCode::limit_exceeded);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(82))) == ResultCode::ok);
}

TEST_CASE("conditions of opening a dispute", "[state][dispute]") {
    Recorded recorded;
    TestChain& chain = recorded.chain;
    SECTION("unknown_authorization") {
        OpenDispute other = recorded.dispute(1);
        other.authorization.id.data[3] ^= 1U;
        CHECK(chain.apply(bbb, other) == ResultCode::unknown_authorization);
    }
    SECTION("not_home") {
        CHECK(chain.apply(aaa, recorded.dispute(1)) == ResultCode::not_home);
        CHECK(chain.apply(hub, recorded.dispute(1)) == ResultCode::not_home);
    }
    SECTION("wrong_status: not recorded yet") {
        const AuthorizationRef started = chain.approve_and_start(bbb, aaa, units(9), 2);
        CHECK(chain.apply(bbb, OpenDispute{started, 1, DisputeReason::other, {}}) ==
              ResultCode::wrong_status);
    }
    SECTION("wrong_status: disputed already") {
        recorded.open(units(5));
        CHECK(chain.apply(bbb, recorded.dispute(units(5))) == ResultCode::wrong_status);
    }
    SECTION("unknown_authorization: settled already") {
        CHECK(chain.apply(bbb, SettleCharge{recorded.ref, units(18)}) == ResultCode::ok);
        CHECK(chain.apply(bbb, recorded.dispute(1)) == ResultCode::unknown_authorization);
    }
    SECTION("until settle_by") {
        const UnixMillis window = chain.genesis().parameters.settle_window;
        CHECK(chain.apply(bbb, recorded.dispute(1), window) == ResultCode::ok);
    }
    SECTION("too_late after it") {
        const UnixMillis window = chain.genesis().parameters.settle_window;
        CHECK(chain.apply(bbb, recorded.dispute(1), window + 1) == ResultCode::too_late);
    }
    SECTION("dispute_amount: more than recorded") {
        CHECK(chain.apply(bbb, recorded.dispute(units(18) + 1)) == ResultCode::dispute_amount);
        CHECK(chain.apply(bbb, recorded.dispute(units(18))) == ResultCode::ok);
    }
    recorded.check_books();
}

TEST_CASE("a disputed charge is neither settled, claimed nor released", "[state][dispute]") {
    Recorded recorded;
    TestChain& chain = recorded.chain;
    recorded.open(units(5));
    CHECK(chain.apply(bbb, SettleCharge{recorded.ref, units(18)}) == ResultCode::wrong_status);
    CHECK(chain.apply(aaa, ReleaseAuthorization{recorded.ref}) == ResultCode::wrong_status);
    const UnixMillis past_settle = chain.genesis().parameters.settle_window + 1;
    CHECK(chain.apply(aaa, ClaimCharge{recorded.ref}, past_settle) == ResultCode::wrong_status);
    // Its claim_until passes; only arbitrate_by ends it.
    chain.pass(chain.genesis().parameters.claim_window);
    CHECK(chain.tip().events.empty());
    CHECK(find_live_authorization(chain.state(), recorded.ref));
}

TEST_CASE("the visited operator accepts: the disputed part is released", "[state][dispute]") {
    Recorded recorded;
    TestChain& chain = recorded.chain;
    SECTION("unknown_authorization") {
        CHECK(chain.apply(aaa, AcceptDispute{{bbb, {}}}) == ResultCode::unknown_authorization);
    }
    SECTION("wrong_status without a dispute") {
        CHECK(chain.apply(aaa, AcceptDispute{recorded.ref}) == ResultCode::wrong_status);
    }
    recorded.open(units(5));
    SECTION("not_visited") {
        CHECK(chain.apply(bbb, AcceptDispute{recorded.ref}) == ResultCode::not_visited);
        CHECK(chain.apply(hub, AcceptDispute{recorded.ref}) == ResultCode::not_visited);
    }
    CHECK(chain.apply(aaa, AcceptDispute{recorded.ref}) == ResultCode::ok);
    CHECK(recorded.account(bbb) == Account{0, units(13), 0, 0, units(10'000)});
    CHECK(recorded.finished().status == AuthorizationStatus::settled);
    CHECK(recorded.finished().end->posted == units(13));
    CHECK(recorded.finished().dispute->disputed == units(5));
    CHECK(chain.apply(aaa, AcceptDispute{recorded.ref}) == ResultCode::unknown_authorization);
    recorded.check_books();
}

TEST_CASE("the hub decides what of the disputed part is owed", "[state][dispute]") {
    Recorded recorded;
    TestChain& chain = recorded.chain;
    SECTION("unknown_authorization") {
        CHECK(chain.apply(hub, Arbitrate{{bbb, {}}, 0, {}}) == ResultCode::unknown_authorization);
    }
    SECTION("wrong_status without a dispute") {
        CHECK(chain.apply(hub, Arbitrate{recorded.ref, 0, {}}) == ResultCode::wrong_status);
    }
    recorded.open(units(5));
    SECTION("not_hub") {
        for (const PartyId& member : {aaa, bbb, ccc}) {
            CHECK(chain.apply(member, Arbitrate{recorded.ref, 0, {}}) == ResultCode::not_hub);
        }
    }
    SECTION("dispute_amount: more than is disputed") {
        CHECK(chain.apply(hub, Arbitrate{recorded.ref, units(5) + 1, {}}) ==
              ResultCode::dispute_amount);
    }
    recorded.check_books();
}

TEST_CASE("the hub does not decide a dispute that it is a party to", "[state][dispute]") {
    const bool is_home = GENERATE(true, false);
    Genesis genesis = make_genesis();
    genesis.parameters.dispute_default = DisputeDefault::release;
    const PartyId home = is_home ? hub : bbb;
    const PartyId visited = is_home ? aaa : hub;
    for (const auto& [owner, partner] : {std::pair{home, visited}, std::pair{visited, home}}) {
        genesis.agreements.push_back({owner, {partner, true, cny, {}, 0}});
    }
    genesis.limits.push_back({hub, cny, units(1'000)});
    TestChain chain{genesis, {visited}};
    const AuthorizationRef ref = chain.charge_until_recorded(home, visited, 12'000);
    REQUIRE(chain.apply(home, OpenDispute{ref, units(5), DisputeReason::price, {}}) ==
            ResultCode::ok);
    CHECK(chain.apply(hub, Arbitrate{ref, 0, {}}) == ResultCode::own_dispute);
    CHECK(chain.apply(hub, Arbitrate{ref, units(5), {}}) == ResultCode::own_dispute);
    SECTION("the visited operator still may give way") {
        CHECK(chain.apply(visited, AcceptDispute{ref}) == ResultCode::ok);
    }
    SECTION("else it ends by its default") {
        chain.pass(genesis.parameters.arbitrate_window + hour_ms);
        CHECK(find_authorization(chain.state(), ref)->status == AuthorizationStatus::expired);
    }
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("what the hub decides is posted and the rest released", "[state][dispute]") {
    Recorded recorded;
    TestChain& chain = recorded.chain;
    recorded.open(units(5));
    const Money owed = GENERATE(Money{0}, units(2), units(5));
    CHECK(chain.apply(hub, Arbitrate{recorded.ref, owed, {}}) == ResultCode::ok);
    CHECK(recorded.account(bbb) == Account{0, units(13) + owed, 0, 0, units(10'000)});
    CHECK(recorded.account(aaa) == Account{0, 0, 0, units(13) + owed, units(10'000)});
    CHECK(recorded.finished().status == AuthorizationStatus::settled);
    CHECK(recorded.finished().end->posted == units(13) + owed);
    recorded.check_books();
}

TEST_CASE("a dispute can be ended until arbitrate_by", "[state][dispute]") {
    Recorded recorded;
    TestChain& chain = recorded.chain;
    recorded.open(units(5));
    const UnixMillis left = chain.genesis().parameters.arbitrate_window;
    SECTION("by the hub") {
        CHECK(chain.apply(hub, Arbitrate{recorded.ref, 0, {}}, left) == ResultCode::ok);
    }
    SECTION("by the visited operator") {
        CHECK(chain.apply(aaa, AcceptDispute{recorded.ref}, left) == ResultCode::ok);
    }
    SECTION("then it is over") {
        CHECK(chain.apply(hub, Arbitrate{recorded.ref, 0, {}}, left + 1) ==
              ResultCode::unknown_authorization);
    }
}

TEST_CASE("at arbitrate_by a dispute ends by the scheme's default", "[state][dispute]") {
    const DisputeDefault outcome = GENERATE(DisputeDefault::post, DisputeDefault::release);
    Genesis genesis = make_genesis();
    genesis.parameters.dispute_default = outcome;
    Recorded recorded{genesis};
    TestChain& chain = recorded.chain;
    recorded.open(units(5));
    chain.pass(chain.genesis().parameters.arbitrate_window);
    CHECK(chain.tip().events.empty());
    chain.pass(1);
    const Money posted = outcome == DisputeDefault::post ? units(5) : 0;
    REQUIRE(chain.tip().events.size() == 1);
    CHECK(chain.tip().events.front() == Event{EventKind::expired, ExpiryCause::not_arbitrated,
                                              recorded.ref, bbb, aaa, cny, posted});
    CHECK(recorded.account(bbb) == Account{0, units(13) + posted, 0, 0, units(10'000)});
    CHECK(recorded.finished().status == AuthorizationStatus::expired);
    CHECK(recorded.finished().end->posted == units(13) + posted);
    CHECK(recorded.finished().end->expiry_cause == ExpiryCause::not_arbitrated);
    recorded.check_books();
}

}  // namespace tally::test
