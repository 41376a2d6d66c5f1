// Bank legs: confirmed, in default, and who bears it.

#include "ledger/state/accounts.h"
#include "ledger/state/cycles.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"
#include "ledger/state/sweep.h"
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
    /// The second block after due_by, which is the first that takes defaults.
    const ExecutedBlock& pass_due() {
        chain.add_block(due_by + 1, {});
        return chain.pass(1);
    }
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

TEST_CASE("a leg is in default in the second block after due_by", "[state][leg]") {
    Closed closed;
    REQUIRE(closed.confirm(bbb) == ResultCode::ok);
    CHECK(closed.chain.add_block(closed.due_by, {}).events.empty());
    CHECK(closed.chain.pass(1).events.empty());
    CHECK(closed.status(aaa) == LegStatus::pending);
    const ExecutedBlock& block = closed.chain.pass(1);
    REQUIRE(block.events == std::vector<Event>{defaulted(aaa, units(21))});
    CHECK(closed.status(aaa) == LegStatus::defaulted);
    closed.check_books();
    CHECK(closed.chain.pass(hour_ms).events.empty());
}

TEST_CASE("the first block after a standstill over due_by still takes confirmations",
          "[state][leg]") {
    Closed closed;
    const UnixMillis back = closed.due_by + 30 * 24 * hour_ms;
    const UnixMillis step = back - closed.chain.now();
    SECTION("confirmed in it, so never in default") {
        std::vector<Bytes> envelopes;
        for (const PartyId& creditor : {aaa, bbb}) {
            Transaction confirmation =
                closed.chain.transaction(creditor, ConfirmPayment{0, cny, ccc, "statement 8/1"});
            confirmation.not_after = back + second_ms;
            envelopes.push_back(closed.chain.envelope(creditor, {confirmation}));
        }
        const ExecutedBlock& block = closed.chain.add_block(back, envelopes);
        CHECK(block.events.empty());
        CHECK(block.results == std::vector<ResultCode>(2, ResultCode::ok));
        CHECK(closed.chain.pass(hour_ms).events.empty());
        CHECK_FALSE(find_member(closed.chain.state(), ccc)->suspended);
    }
    SECTION("not confirmed in it: in default in the next one") {
        CHECK(closed.chain.pass(step).events.empty());
        CHECK(closed.chain.pass(1).events.size() == 2);
        CHECK(find_member(closed.chain.state(), ccc)->suspended);
    }
    closed.check_books();
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
    CHECK(closed.account(aaa) ==
          Account{0, 63'000, 0, 63'000, units(10'000), 0, units(21), 63'000});
    closed.check_books();
}

TEST_CASE("a default shared among one is that one's", "[state][leg]") {
    TestChain chain{genesis_with(DefaultBearer::shared), {aaa}};
    const AuthorizationRef ref = chain.charge_until_recorded(ccc, aaa, 2'000);
    REQUIRE(chain.apply(ccc, SettleCharge{ref, units(3)}) == ResultCode::ok);
    chain.add_block(genesis_time + week_ms, {});
    chain.add_block(chain.now() + 48 * hour_ms + 1, {});
    const ExecutedBlock& block = chain.pass(1);
    REQUIRE(block.events == std::vector<Event>{defaulted(aaa, units(3))});
    CHECK_FALSE(check_invariants(chain.state()));
}

namespace {

ProposeChange end_of(const LegKey& leg) {
    ProposeChange change;
    change.kind = ChangeKind::confirm_leg;
    change.leg = leg;
    return change;
}

}  // namespace

TEST_CASE("the members end a leg that its creditor does not confirm", "[state][leg]") {
    const DefaultBearer bearer = GENERATE(DefaultBearer::creditor, DefaultBearer::shared);
    Closed closed{bearer};
    TestChain& chain = closed.chain;
    const bool is_late = GENERATE(false, true);
    REQUIRE(closed.confirm(bbb) == ResultCode::ok);
    const LegKey leg{0, cny, ccc, aaa};
    REQUIRE(chain.apply(ccc, end_of(leg)) == ResultCode::ok);
    const TransactionRef proposal = chain.last_ref();
    REQUIRE(chain.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
    if (is_late) {
        closed.pass_due();
        REQUIRE(closed.status(aaa) == LegStatus::defaulted);
        // The proposal was forgotten meanwhile: windows of the same length begin anew.
        REQUIRE(chain.apply(ccc, end_of(leg)) == ResultCode::ok);
        const TransactionRef again = chain.last_ref();
        REQUIRE(chain.apply(bbb, VoteOnChange{again, true}) == ResultCode::ok);
        REQUIRE(chain.apply(hub, VoteOnChange{again, true}) == ResultCode::ok);
    } else {
        CHECK(closed.status(aaa) == LegStatus::pending);
        REQUIRE(chain.apply(hub, VoteOnChange{proposal, true}) == ResultCode::ok);
    }
    CHECK_FALSE(find_leg(chain.state(), leg));
    CHECK(closed.account(ccc).legs_owed == 0);
    CHECK(closed.account(aaa).shares_held == 0);
    CHECK(closed.account(bbb).credits_posted == closed.account(bbb).debits_posted);
    CHECK(find_member(chain.state(), ccc)->suspended == is_late);
    CHECK(closed.confirm(aaa) == ResultCode::unknown_leg);
    closed.check_books();
    for (int i = 0; i < 2; ++i) {
        for (const Event& event : chain.pass(30 * 24 * hour_ms).events) {
            CHECK(event.kind != EventKind::leg_defaulted);
        }
    }
}

TEST_CASE("a leg that was ended by vote names the vote", "[state][leg]") {
    Closed closed;
    REQUIRE(closed.chain.apply(hub, end_of({0, cny, ccc, aaa})) == ResultCode::ok);
    const TransactionRef proposal = closed.chain.last_ref();
    REQUIRE(closed.chain.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
    REQUIRE(closed.chain.apply(ccc, VoteOnChange{proposal, true}) == ResultCode::ok);
    const auto leg = find_leg(closed.chain.state(), {0, cny, ccc, aaa});
    REQUIRE(leg);
    CHECK(leg->status == LegStatus::confirmed);
    CHECK(leg->reference == "vote on " + to_text(proposal));
    CHECK(find_closed_cycle(closed.chain.state(), 0, cny)->open_legs == 1);
    closed.check_books();
}

TEST_CASE("votes on legs that are refused", "[state][leg]") {
    Closed closed;
    TestChain& chain = closed.chain;
    SECTION("unknown_leg") {
        CHECK(chain.apply(hub, end_of({1, cny, ccc, aaa})) == ResultCode::unknown_leg);
        CHECK(chain.apply(hub, end_of({0, cny, aaa, ccc})) == ResultCode::unknown_leg);
        CHECK(chain.apply(hub, end_of({0, currency("EUR"), ccc, aaa})) == ResultCode::unknown_leg);
    }
    SECTION("leg_confirmed") {
        REQUIRE(closed.confirm(aaa) == ResultCode::ok);
        CHECK(chain.apply(hub, end_of({0, cny, ccc, aaa})) == ResultCode::leg_confirmed);
    }
    SECTION("confirmed before the vote that would have passed: the proposal stays open") {
        REQUIRE(chain.apply(hub, end_of({0, cny, ccc, aaa})) == ResultCode::ok);
        const TransactionRef proposal = chain.last_ref();
        REQUIRE(chain.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
        REQUIRE(closed.confirm(aaa) == ResultCode::ok);
        CHECK(chain.apply(ccc, VoteOnChange{proposal, true}) == ResultCode::leg_confirmed);
        REQUIRE(closed.confirm(bbb) == ResultCode::ok);
        CHECK(chain.apply(ccc, VoteOnChange{proposal, true}) == ResultCode::unknown_leg);
        CHECK(find_proposal(chain.state(), proposal)->approvals == std::vector{hub, bbb});
    }
    SECTION("debtor and two more cannot do it against the hub") {
        REQUIRE(chain.apply(ccc, end_of({0, cny, ccc, aaa})) == ResultCode::ok);
        const TransactionRef proposal = chain.last_ref();
        REQUIRE(chain.apply(aaa, VoteOnChange{proposal, true}) == ResultCode::ok);
        REQUIRE(chain.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
        CHECK(closed.status(aaa) == LegStatus::pending);
        REQUIRE(chain.apply(hub, VoteOnChange{proposal, false}) == ResultCode::ok);
        CHECK_FALSE(find_proposal(chain.state(), proposal));
        CHECK(closed.status(aaa) == LegStatus::pending);
    }
    closed.check_books();
}

TEST_CASE("a payment to the hub is ended without the hub, one of the hub not by it",
          "[state][leg]") {
    const bool hub_pays = GENERATE(false, true);
    Genesis genesis = genesis_with(DefaultBearer::creditor);
    const PartyId home = hub_pays ? hub : aaa;
    const PartyId visited = hub_pays ? aaa : hub;
    for (const auto& [owner, partner] : {std::pair{home, visited}, std::pair{visited, home}}) {
        genesis.agreements.push_back({owner, {partner, true, cny, {}, 0}});
    }
    genesis.limits.push_back({hub, cny, units(1'000)});
    TestChain chain{genesis, {visited}};
    const AuthorizationRef ref = chain.charge_until_recorded(home, visited, 2'000);
    REQUIRE(chain.apply(home, SettleCharge{ref, units(3)}) == ResultCode::ok);
    chain.add_block(genesis_time + week_ms, {});
    const LegKey leg{0, cny, home, visited};
    REQUIRE(chain.apply(home, end_of(leg)) == ResultCode::ok);
    const TransactionRef proposal = chain.last_ref();
    REQUIRE(chain.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
    REQUIRE(find_leg(chain.state(), leg));
    if (hub_pays) {
        // Hub and BBB are not more than two thirds of four.
        CHECK(chain.apply(aaa, VoteOnChange{proposal, false}) == ResultCode::ok);
        CHECK(find_leg(chain.state(), leg));
    } else {
        CHECK(chain.apply(hub, VoteOnChange{proposal, false}) == ResultCode::ok);
        CHECK(find_leg(chain.state(), leg));
        CHECK(chain.apply(ccc, VoteOnChange{proposal, true}) == ResultCode::ok);
        CHECK_FALSE(find_leg(chain.state(), leg));
    }
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("who spends a share and has to give it back stays within its limit", "[state][leg]") {
    Genesis genesis = genesis_with(DefaultBearer::shared);
    genesis.limits[0].limit = units(100);  // AAA
    TestChain chain{genesis, {aaa, bbb, ccc}};
    const auto settle = [&chain](const PartyId& home, const PartyId& visited, std::int64_t wh) {
        const AuthorizationRef ref = chain.charge_until_recorded(home, visited, wh);
        REQUIRE(chain.apply(home, SettleCharge{ref, wh * 15}) == ResultCode::ok);
    };
    settle(ccc, aaa, 14'000);
    settle(ccc, bbb, 6'000);
    chain.add_block(genesis_time + week_ms, {});
    chain.add_block(chain.now() + 48 * hour_ms + 1, {});
    REQUIRE(chain.pass(1).events.size() == 2);
    const auto account = [&chain](const PartyId& member) {
        return *find_account(chain.state(), member, cny);
    };
    // BBB bears 6.3 of what AAA misses, and AAA 6.3 of what BBB misses.
    REQUIRE(account(aaa) == Account{0, 63'000, 0, 63'000, units(100), 0, units(21), 63'000});
    CHECK(used_of_limit(account(aaa)) == 63'000);
    CHECK(chain.apply(aaa, chain.approval(bbb, units(100) - 63'000 + 1)) ==
          ResultCode::limit_exceeded);
    REQUIRE(chain.apply(aaa, chain.approval(bbb, units(100) - 63'000)) == ResultCode::ok);
    REQUIRE(chain.apply(aaa, ConfirmPayment{0, cny, ccc, "late"}) == ResultCode::ok);
    CHECK(account(aaa).shares_held == 0);
    CHECK(account(aaa).debits_posted == 2 * 63'000);
    CHECK(used_of_limit(account(aaa)) == units(100));
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("one block posts so many shares of defaults, and the next goes on", "[state][leg]") {
    // Legs of CCC in cycles of their own, each shared among as many as there may be.
    constexpr std::size_t others{net_positions_max - 2};
    constexpr std::size_t fit{default_shares_max / others + 1};
    constexpr std::size_t count{fit + 3};
    static_assert(default_shares_max % others != 0);
    TestChain chain{genesis_with(DefaultBearer::shared)};
    StateOverlay state = chain.state();
    ClosedCycleRecord closed{chain.now(), chain.now(), 1, {}};
    for (std::size_t i = 0; i <= others; ++i) {
        std::string name{"QAA"};
        name[1] = static_cast<char>('A' + i / 26);
        name[2] = static_cast<char>('A' + i % 26);
        closed.creditors.push_back({party(name), 1});
    }
    for (std::uint64_t cycle = 0; cycle < count; ++cycle) {
        const LegKey key{cycle, cny, ccc, closed.creditors.front().party};
        owe_leg(state, {ccc, key.creditor, cny}, 1'000);
        state.put(keys::leg(key),
                  encode(LegRecord{1'000, chain.now(), LegStatus::pending, {}, {}}));
        state.put(keys::deadline({chain.now(), leg_ref(key), DeadlineKind::leg}), {});
        state.put(keys::closed_cycle(cycle, cny), encode(closed));
    }
    REQUIRE_FALSE(update_totals(state));
    REQUIRE_FALSE(check_invariants(state));
    REQUIRE(chain.base().write(to_batch(state.changes()), false).has_value());

    const SignatureCheck no_check = [](const auto&, const auto&, const auto&) { return false; };
    const Hash chain_id;
    const Parameters& parameters = chain.genesis().parameters;
    StateOverlay swept = chain.state();
    BlockScope early{swept, parameters, chain_id, no_check, chain.now() + 1, 1, chain.now()};
    CHECK(sweep_expired(early).empty());
    BlockScope first{swept, parameters, chain_id, no_check, chain.now() + 2, 2, chain.now() + 1};
    const std::vector<Event> events = sweep_expired(first);
    REQUIRE(events.size() == fit);
    CHECK(events.front().positions.size() == others);
    BlockScope next{swept, parameters, chain_id, no_check, chain.now() + 3, 3, chain.now() + 2};
    CHECK(sweep_expired(next).size() == count - fit);
    REQUIRE_FALSE(update_totals(swept));
    CHECK_FALSE(check_invariants(swept));
}

TEST_CASE("the deadline of a leg names it", "[state][leg]") {
    const LegKey key{0x0102030405060708, cny, ccc, aaa};
    const TransactionRef ref = leg_ref(key);
    CHECK(ref.signer == ccc);
    CHECK(to_hex(ref.id) == "0102030405060708434e594141410000");
    CHECK(leg_key_of(ref) == key);
}

}  // namespace tally::test
