// Bank legs: confirmed, in default, and who bears it.

#include "ledger/state/cycles.h"
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
constexpr UnixMillis week_ms{7 * 24 * hour_ms};

Genesis genesis_with(DefaultBearer bearer) {
    Genesis genesis = make_genesis();
    genesis.parameters.cycle_length = week_ms;
    genesis.parameters.payment_window = 48 * hour_ms;
    genesis.parameters.default_bearer = bearer;
    return genesis;
}

/// After the first cycle, in which CCC owed AAA 21 and BBB 9.
struct Closed {
    TestChain chain;
    UnixMillis due_by{0};

    explicit Closed(DefaultBearer bearer = DefaultBearer::creditor)
        : chain{genesis_with(bearer), {aaa, bbb, ccc}} {
        settle(aaa, 14'000);
        settle(bbb, 6'000);
        chain.add_block(genesis_time + week_ms, {});
        due_by = chain.now() + 48 * hour_ms;
    }
    void settle(const PartyId& visited, std::int64_t wh) {
        const AuthorizationRef ref = chain.charge_until_recorded(ccc, visited, wh);
        REQUIRE(chain.apply(ccc, SettleCharge{ref, wh * 15}) == ResultCode::ok);
    }
    ResultCode confirm(const PartyId& by, const PartyId& debtor = ccc, std::uint64_t cycle = 0) {
        return chain.apply(by, ConfirmPayment{cycle, cny, debtor, "statement 7/2"});
    }
    [[nodiscard]] Account account(const PartyId& member) const {
        return find_account(chain.state(), member, cny).value_or(Account{});
    }
    [[nodiscard]] LegStatus status(const PartyId& creditor) const {
        const auto leg = find_leg(chain.state(), {0, cny, ccc, creditor});
        REQUIRE(leg);
        return leg->status;
    }
    /// The first block after due_by.
    const ExecutedBlock& pass_due() { return chain.add_block(due_by + 1, {}); }
    void check_books() const { CHECK_FALSE(check_invariants(chain.state())); }
};

Event defaulted(const PartyId& creditor, Money amount) {
    Event event;
    event.kind = EventKind::leg_defaulted;
    event.currency = cny;
    event.debtor = ccc;
    event.creditor = creditor;
    event.amount = amount;
    return event;
}

}  // namespace

TEST_CASE("a creditor confirms its leg, with a reference", "[state][leg]") {
    Closed closed;
    CHECK(closed.confirm(aaa) == ResultCode::ok);
    CHECK(closed.account(aaa).legs_due == 0);
    CHECK(closed.account(ccc).legs_owed == units(9));
    CHECK(used_of_limit(closed.account(ccc)) == units(9));
    const auto leg = find_leg(closed.chain.state(), {0, cny, ccc, aaa});
    REQUIRE(leg);
    CHECK(leg->status == LegStatus::confirmed);
    CHECK(leg->reference == "statement 7/2");
    CHECK(find_closed_cycle(closed.chain.state(), 0, cny)->open_legs == 1);
    closed.check_books();
    // The last one takes the cycle out of the state.
    CHECK(closed.confirm(bbb) == ResultCode::ok);
    CHECK(list_legs(closed.chain.state(), 0, 10).empty());
    CHECK_FALSE(find_closed_cycle(closed.chain.state(), 0, cny));
    CHECK(find_exposure(closed.chain.state(), ccc, aaa, cny) == Exposure{});
    closed.check_books();
    CHECK(closed.pass_due().events.empty());
}

TEST_CASE("confirmations that are refused", "[state][leg]") {
    Closed closed;
    SECTION("unknown_leg: by the debtor") { CHECK(closed.confirm(ccc) == ResultCode::unknown_leg); }
    SECTION("unknown_leg: by the hub") { CHECK(closed.confirm(hub) == ResultCode::unknown_leg); }
    SECTION("unknown_leg: of another debtor") {
        CHECK(closed.confirm(aaa, bbb) == ResultCode::unknown_leg);
    }
    SECTION("unknown_leg: of another cycle") {
        CHECK(closed.confirm(aaa, ccc, 1) == ResultCode::unknown_leg);
    }
    SECTION("unknown_leg: in another currency") {
        CHECK(closed.chain.apply(aaa, ConfirmPayment{0, currency("EUR"), ccc, "x"}) ==
              ResultCode::unknown_leg);
    }
    SECTION("leg_confirmed") {
        REQUIRE(closed.confirm(aaa) == ResultCode::ok);
        CHECK(closed.confirm(aaa) == ResultCode::leg_confirmed);
    }
    SECTION("unknown_leg: after the last one of the cycle") {
        REQUIRE(closed.confirm(aaa) == ResultCode::ok);
        REQUIRE(closed.confirm(bbb) == ResultCode::ok);
        CHECK(closed.confirm(aaa) == ResultCode::unknown_leg);
    }
    closed.check_books();
}

TEST_CASE("a leg is in default in the first block after due_by", "[state][leg]") {
    Closed closed;
    REQUIRE(closed.confirm(bbb) == ResultCode::ok);
    CHECK(closed.chain.add_block(closed.due_by, {}).events.empty());
    CHECK(closed.status(aaa) == LegStatus::pending);
    const ExecutedBlock& block = closed.chain.pass(1);
    REQUIRE(block.events == std::vector<Event>{defaulted(aaa, units(21))});
    CHECK(closed.status(aaa) == LegStatus::defaulted);
    closed.check_books();
    CHECK(closed.chain.pass(hour_ms).events.empty());
}

TEST_CASE("who does not pay is suspended, and still owes", "[state][leg]") {
    Closed closed;
    closed.pass_due();
    CHECK(find_member(closed.chain.state(), ccc)->suspended);
    CHECK(closed.account(ccc).legs_owed == units(30));
    CHECK(closed.account(aaa) == Account{0, 0, 0, 0, units(10'000), 0, units(21)});
    CHECK(closed.chain.apply(ccc, closed.chain.approval(aaa, units(2))) ==
          ResultCode::member_suspended);
    SECTION("a late payment ends the default, not the suspension") {
        CHECK(closed.confirm(aaa) == ResultCode::ok);
        CHECK(closed.confirm(bbb) == ResultCode::ok);
        CHECK(closed.account(ccc).legs_owed == 0);
        CHECK(find_member(closed.chain.state(), ccc)->suspended);
        CHECK(list_legs(closed.chain.state(), 0, 10).empty());
    }
    closed.check_books();
}

TEST_CASE("a shared default is borne by all creditors of the cycle", "[state][leg]") {
    Closed closed{DefaultBearer::shared};
    REQUIRE(closed.confirm(bbb) == ResultCode::ok);
    // 21 to AAA are missing: by 21 : 9 AAA bears 14.7000 and BBB 6.3000.
    Event expected = defaulted(aaa, units(21));
    expected.positions = {{bbb, 63'000}};
    REQUIRE(closed.pass_due().events == std::vector<Event>{expected});
    CHECK(closed.account(bbb).debits_posted == 63'000);
    CHECK(closed.account(aaa).credits_posted == 63'000);
    CHECK(closed.account(ccc).legs_owed == units(21));
    closed.check_books();
    SECTION("paid late: who bore a share has it back") {
        CHECK(closed.confirm(aaa) == ResultCode::ok);
        CHECK(closed.account(bbb) == Account{0, 63'000, 0, 63'000, units(10'000)});
        CHECK(closed.account(aaa) == Account{0, 63'000, 0, 63'000, units(10'000)});
        CHECK(closed.account(ccc) == Account{0, 0, 0, 0, units(10'000)});
    }
    SECTION("never paid: the share is netted with the next cycle") {
        closed.chain.add_block(genesis_time + 2 * week_ms, {});
        REQUIRE(closed.chain.tip().events.size() == 1);
        CHECK(closed.chain.tip().events.front().positions ==
              std::vector<NetPosition>{{aaa, 63'000}, {bbb, -63'000}});
        CHECK(closed.account(aaa).legs_due == units(21) + 63'000);
    }
    closed.check_books();
}

TEST_CASE("several legs of one debtor in default", "[state][leg]") {
    Closed closed{DefaultBearer::shared};
    const ExecutedBlock& block = closed.pass_due();
    REQUIRE(block.events.size() == 2);
    // AAA misses 21 and BBB 9: each pays the other's part, which is the same.
    CHECK(block.events[0].positions == std::vector<NetPosition>{{bbb, 63'000}});
    CHECK(block.events[1].positions == std::vector<NetPosition>{{aaa, 63'000}});
    CHECK(closed.account(aaa) == Account{0, 63'000, 0, 63'000, units(10'000), 0, units(21)});
    closed.check_books();
}

TEST_CASE("a default shared among one is that one's", "[state][leg]") {
    TestChain chain{genesis_with(DefaultBearer::shared), {aaa}};
    const AuthorizationRef ref = chain.charge_until_recorded(ccc, aaa, 2'000);
    REQUIRE(chain.apply(ccc, SettleCharge{ref, units(3)}) == ResultCode::ok);
    chain.add_block(genesis_time + week_ms, {});
    const ExecutedBlock& block = chain.add_block(chain.now() + 48 * hour_ms + 1, {});
    REQUIRE(block.events == std::vector<Event>{defaulted(aaa, units(3))});
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("the deadline of a leg names it", "[state][leg]") {
    const LegKey key{0x0102030405060708, cny, ccc, aaa};
    const TransactionRef ref = leg_ref(key);
    CHECK(ref.signer == ccc);
    CHECK(to_hex(ref.id) == "0102030405060708434e594141410000");
    CHECK(leg_key_of(ref) == key);
}

}  // namespace tally::test
