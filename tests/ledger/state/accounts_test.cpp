// Reservations, postings and the sums.

#include "ledger/state/accounts.h"

#include "ledger/base/memory_store.h"
#include "ledger/state/genesis_state.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tally {
namespace {

const PartyId aaa = *party_from_text("AAA");
const PartyId bbb = *party_from_text("BBB");
const Currency cny = *currency_from_text("CNY");
const Pair b_to_a{bbb, aaa, cny};
constexpr Money most{std::numeric_limits<Money>::max()};

struct State {
    MemoryStore base;
    StateOverlay overlay{base, {}};

    void put(const PartyId& party, const Account& account) {
        overlay.put(keys::account(party, cny), encode(account));
    }
    [[nodiscard]] Account account(const PartyId& party) const {
        return find_account(overlay, party, cny).value_or(Account{});
    }
};

}  // namespace

TEST_CASE("an account without a limit owes nothing", "[state][accounts]") {
    State state;
    CHECK(reserve(state.overlay, b_to_a, 1, 0) == ResultCode::limit_exceeded);
    CHECK(reserve(state.overlay, b_to_a, 0, 0) == ResultCode::ok);
}

TEST_CASE("a refused reservation writes nothing", "[state][accounts]") {
    State state;
    set_limit(state.overlay, bbb, cny, 10);
    const StateChanges before = state.overlay.changes();
    CHECK(reserve(state.overlay, b_to_a, 11, 0) == ResultCode::limit_exceeded);
    CHECK(reserve(state.overlay, b_to_a, 10, 9) == ResultCode::exposure_exceeded);
    CHECK(state.overlay.changes() == before);
}

TEST_CASE("the limit counts pending and net posted debits", "[state][accounts]") {
    CHECK(used_of_limit({5, 0, 0, 0, 0}) == 5);
    CHECK(used_of_limit({5, 7, 0, 0, 0}) == 12);
    CHECK(used_of_limit({5, 7, 100, 3, 0}) == 9);  // Pending credits do not count.
    CHECK(used_of_limit({5, 7, 0, 9, 0}) == 5);    // Posted credits count up to what is owed.
    CHECK(used_of_limit({0, 0, 0, most, 0}) == 0);
}

TEST_CASE("resolving posts a part and releases the rest", "[state][accounts]") {
    State state;
    set_limit(state.overlay, bbb, cny, 100);
    REQUIRE(reserve(state.overlay, b_to_a, 60, 0) == ResultCode::ok);
    REQUIRE(reserve(state.overlay, b_to_a, 40, 0) == ResultCode::ok);
    resolve(state.overlay, b_to_a, 60, 25);
    CHECK(state.account(bbb) == Account{40, 25, 0, 0, 100});
    CHECK(state.account(aaa) == Account{0, 0, 40, 25, 0});
    resolve(state.overlay, b_to_a, 40, 0);
    CHECK(state.account(bbb) == Account{0, 25, 0, 0, 100});
    CHECK(find_exposure(state.overlay, bbb, aaa, cny) == Exposure{0, 25});
    CHECK(find_exposure(state.overlay, aaa, bbb, cny) == Exposure{});
}

TEST_CASE("the pair's cap nets what is due both ways", "[state][accounts]") {
    CHECK(net_exposure({5, 10}, {}) == 15);
    CHECK(net_exposure({5, 10}, {0, 4}) == 11);
    CHECK(net_exposure({5, 10}, {100, 14}) == 5);
    CHECK(net_exposure({5, 10, 7}, {0, 4, 100}) == 18);
    CHECK(net_exposure({most, 10, 7}, {}) == most);
    CHECK(binding_cap(0, 0) == 0);
    CHECK(binding_cap(7, 0) == 7);
    CHECK(binding_cap(0, 7) == 7);
    CHECK(binding_cap(9, 7) == 7);
}

TEST_CASE("overflow: sums that would leave 64 bits are refused", "[state][accounts]") {
    State state;
    SECTION("on the debtor's side") {
        state.put(bbb, {0, most - 10, 0, most - 10, 100});
        CHECK(reserve(state.overlay, b_to_a, 11, 0) == ResultCode::overflow);
        CHECK(reserve(state.overlay, b_to_a, 10, 0) == ResultCode::ok);
    }
    SECTION("on the creditor's side") {
        state.put(bbb, {0, 0, 0, 0, 100});
        state.put(aaa, {0, 0, 5, most - 10, 0});
        CHECK(reserve(state.overlay, b_to_a, 6, 0) == ResultCode::overflow);
        CHECK(reserve(state.overlay, b_to_a, 5, 0) == ResultCode::ok);
        resolve(state.overlay, b_to_a, 5, 5);
    }
    SECTION("with legs that are due") {
        state.put(bbb, {0, 0, 0, 0, 100});
        state.put(aaa, {0, 0, 0, 0, 0, 0, most - 5});
        CHECK(reserve(state.overlay, b_to_a, 6, 0) == ResultCode::overflow);
        CHECK_FALSE(post_exempt(state.overlay, b_to_a, 6));
        CHECK(state.account(bbb) == Account{0, 0, 0, 0, 100});
        CHECK(reserve(state.overlay, b_to_a, 5, 0) == ResultCode::ok);
    }
    SECTION("between the pair") {
        state.put(bbb, {0, 0, 0, 0, 100});
        state.overlay.put(keys::exposure(bbb, aaa, cny), encode(Exposure{0, most}));
        CHECK(reserve(state.overlay, b_to_a, 1, 0) == ResultCode::overflow);
    }
}

TEST_CASE("what the scheme posts is bound by no limit", "[state][accounts]") {
    State state;
    CHECK(post_exempt(state.overlay, b_to_a, 70));
    CHECK(state.account(bbb) == Account{0, 70});
    CHECK(state.account(aaa) == Account{0, 0, 0, 70});
    CHECK(find_exposure(state.overlay, bbb, aaa, cny) == Exposure{0, 70});
}

TEST_CASE("a share that came in does not extend what its receiver may owe", "[state][accounts]") {
    State state;
    const Pair a_to_b{aaa, bbb, cny};
    set_limit(state.overlay, aaa, cny, 100);
    REQUIRE(post_share(state.overlay, b_to_a, 70));
    CHECK(state.account(aaa) == Account{0, 0, 0, 70, 100, 0, 0, 70});
    CHECK(state.account(bbb) == Account{0, 70});
    CHECK(used_of_limit(state.account(aaa)) == 0);
    SECTION("not even while it is there to be netted") {
        CHECK(reserve(state.overlay, a_to_b, 101, 0) == ResultCode::limit_exceeded);
        REQUIRE(post_at_once(state.overlay, a_to_b, 100, 0) == ResultCode::ok);
        CHECK(used_of_limit(state.account(aaa)) == 100);
        CHECK(reserve(state.overlay, a_to_b, 1, 0) == ResultCode::limit_exceeded);
        // It goes back: still within the limit.
        REQUIRE(return_share(state.overlay, a_to_b, 70));
        CHECK(state.account(aaa) == Account{0, 170, 0, 70, 100});
        CHECK(used_of_limit(state.account(aaa)) == 100);
    }
    SECTION("other credit does") {
        REQUIRE(post_exempt(state.overlay, b_to_a, 30));
        REQUIRE(post_at_once(state.overlay, a_to_b, 100, 0) == ResultCode::ok);
        REQUIRE(post_at_once(state.overlay, a_to_b, 30, 0) == ResultCode::ok);
        CHECK(reserve(state.overlay, a_to_b, 1, 0) == ResultCode::limit_exceeded);
    }
    SECTION("nor after it was netted") {
        Account netted = state.account(aaa);
        netted.credits_posted = 0;
        state.put(aaa, netted);
        CHECK(used_of_limit(netted) == 70);
        CHECK(reserve(state.overlay, a_to_b, 31, 0) == ResultCode::limit_exceeded);
        REQUIRE(post_at_once(state.overlay, a_to_b, 30, 0) == ResultCode::ok);
        REQUIRE(return_share(state.overlay, a_to_b, 70));
        CHECK(used_of_limit(state.account(aaa)) == 100);
    }
}

TEST_CASE("a share for which there is no room, now or when it goes back, is not borne",
          "[state][accounts]") {
    State state;
    const Pair a_to_b{aaa, bbb, cny};
    SECTION("what the receiver owes and the share") {
        state.put(aaa, {0, most - 10, 0, 0, 0, 0, 0, 4});
        CHECK_FALSE(post_share(state.overlay, b_to_a, 7));
        CHECK(state.account(bbb) == Account{});
        REQUIRE(post_share(state.overlay, b_to_a, 6));
        CHECK(state.account(aaa) == Account{0, most - 10, 0, 6, 0, 0, 0, 10});
        // Everything beyond it is refused; the share itself goes back.
        CHECK_FALSE(post_exempt(state.overlay, a_to_b, 1));
        CHECK(return_share(state.overlay, a_to_b, 10));
        CHECK(state.account(aaa) == Account{0, most, 0, 6});
    }
    SECTION("what the receiver is owed") {
        state.put(aaa, {0, 0, 0, most - 5});
        CHECK_FALSE(post_share(state.overlay, b_to_a, 6));
        CHECK(post_share(state.overlay, b_to_a, 5));
    }
    SECTION("on the way back, what the other is owed") {
        REQUIRE(post_share(state.overlay, b_to_a, 6));
        state.put(bbb, {0, 6, 0, most - 5});
        const StateChanges before = state.overlay.changes();
        CHECK_FALSE(return_share(state.overlay, a_to_b, 6));
        CHECK(state.overlay.changes() == before);
    }
}

TEST_CASE("an account that is all zero leaves the state", "[state][accounts]") {
    State state;
    SECTION("when its last leg is paid") {
        owe_leg(state.overlay, b_to_a, 70);
        settle_leg(state.overlay, b_to_a, 70);
    }
    SECTION("when its limit is taken away") {
        set_limit(state.overlay, bbb, cny, 100);
        set_limit(state.overlay, bbb, cny, 0);
    }
    SECTION("when nothing was promised") {
        REQUIRE(reserve(state.overlay, b_to_a, 0, 0) == ResultCode::ok);
    }
    CHECK_FALSE(find_account(state.overlay, aaa, cny));
    CHECK_FALSE(find_account(state.overlay, bbb, cny));
    REQUIRE_FALSE(update_totals(state.overlay));
    CHECK_FALSE(find_totals(state.overlay, cny));
}

TEST_CASE("the totals of a currency stay when its last account leaves", "[state][invariants]") {
    State state;
    set_limit(state.overlay, bbb, cny, 100);
    REQUIRE_FALSE(update_totals(state.overlay));
    REQUIRE(state.base.write(test::to_batch(state.overlay.changes()), false).has_value());
    StateOverlay later{state.base, {}};
    set_limit(later, bbb, cny, 0);
    REQUIRE_FALSE(update_totals(later));
    CHECK(find_totals(later, cny) == Totals{});
}

TEST_CASE("a leg is owed until it is paid, and an empty pair leaves the state",
          "[state][accounts]") {
    State state;
    owe_leg(state.overlay, b_to_a, 70);
    CHECK(state.account(bbb) == Account{0, 0, 0, 0, 0, 70, 0});
    CHECK(state.account(aaa) == Account{0, 0, 0, 0, 0, 0, 70});
    CHECK(used_of_limit(state.account(bbb)) == 70);
    CHECK(used_of_limit(state.account(aaa)) == 0);
    settle_leg(state.overlay, b_to_a, 30);
    CHECK(find_exposure(state.overlay, bbb, aaa, cny) == Exposure{0, 0, 40});
    settle_leg(state.overlay, b_to_a, 40);
    CHECK_FALSE(state.overlay.get(keys::exposure(bbb, aaa, cny)));
}

TEST_CASE("totals follow the accounts and must balance", "[state][invariants]") {
    State state;
    set_limit(state.overlay, bbb, cny, 100);
    REQUIRE(reserve(state.overlay, b_to_a, 60, 0) == ResultCode::ok);
    CHECK_FALSE(update_totals(state.overlay));
    CHECK(find_totals(state.overlay, cny) == Totals{60, 0, 60, 0});
    SECTION("one-sided money is found") {
        Account account = state.account(aaa);
        account.credits_posted += 1;
        state.put(aaa, account);
        const auto problem = update_totals(state.overlay);
        REQUIRE(problem);
        CHECK(*problem == "debits and credits differ in CNY");
    }
}

TEST_CASE("totals are updated from block to block", "[state][invariants]") {
    State state;
    set_limit(state.overlay, bbb, cny, 100);
    REQUIRE(reserve(state.overlay, b_to_a, 60, 0) == ResultCode::ok);
    REQUIRE_FALSE(update_totals(state.overlay));
    const StateChanges first = state.overlay.changes();
    StateOverlay next{state.base, {&first}};
    resolve(next, b_to_a, 60, 25);
    CHECK_FALSE(update_totals(next));
    CHECK(find_totals(next, cny) == Totals{0, 25, 0, 25});
}

TEST_CASE("the full check names what is wrong", "[state][invariants]") {
    State state;
    write_genesis_state(test::make_genesis(), state.overlay);
    set_limit(state.overlay, bbb, cny, 100);
    REQUIRE_FALSE(update_totals(state.overlay));
    CHECK_FALSE(check_invariants(state.overlay));
    SECTION("a key of two members") {
        MemberRecord record = *find_member(state.overlay, bbb);
        record.member.link_key = find_member(state.overlay, aaa)->member.consensus_key;
        state.overlay.put(keys::member(bbb), encode(record));
        CHECK(check_invariants(state.overlay) == "a key of BBB is also another member's");
    }
    SECTION("nobody who is to vote") {
        for (MemberRecord& record : list_members(state.overlay)) {
            record.member.validator = false;
            state.overlay.put(keys::member(record.member.party), encode(record));
        }
        CHECK(check_invariants(state.overlay) == "no member is to be a validator");
    }
    SECTION("a validator who is no member") {
        state.overlay.erase(keys::member(bbb));
        CHECK(check_invariants(state.overlay) == "validator BBB is not a member");
    }
    SECTION("a reservation without an authorization") {
        REQUIRE(reserve(state.overlay, b_to_a, 60, 0) == ResultCode::ok);
        REQUIRE_FALSE(update_totals(state.overlay));
        CHECK(check_invariants(state.overlay) ==
              "pending from BBB to AAA differs from its live authorizations");
    }
    SECTION("an account that its pairs do not explain") {
        state.put(bbb, {0, 5, 0, 5, 100});
        REQUIRE(check_invariants(state.overlay));
    }
    SECTION("totals that are not the sum") {
        state.overlay.put(keys::totals(cny), encode(Totals{1, 0, 1, 0}));
        CHECK(check_invariants(state.overlay) == "totals of CNY differ from the sum of accounts");
    }
    SECTION("a deadline of nothing") {
        state.overlay.put(keys::deadline({5, {bbb, {}}, DeadlineKind::authorization}), {});
        CHECK(check_invariants(state.overlay) ==
              "deadlines differ from what they are derived from");
    }
    SECTION("a station of nothing") {
        state.overlay.put(keys::station(aaa, "ST1", 1), {0x41});
        CHECK(check_invariants(state.overlay) == "stations differ from the chargers");
    }
    SECTION("a busy charger without a charge") {
        ChargerRecord charger;
        charger.station = "ST1";
        charger.busy = AuthorizationRef{bbb, {}};
        state.overlay.put(keys::charger(aaa, "E1"), encode(charger));
        CHECK(check_invariants(state.overlay) == "busy chargers differ from the started charges");
    }
}

}  // namespace tally
