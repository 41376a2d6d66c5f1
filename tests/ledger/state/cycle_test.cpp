// The end of a cycle: when it comes, what it nets, and what stays.

#include "ledger/state/accounts.h"
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

/// Cycles of a week from genesis on.
Genesis weekly_genesis() {
    Genesis genesis = make_genesis();
    genesis.parameters.cycle_length = week_ms;
    return genesis;
}

/// 18 units for 12 kWh, and in proportion.
void settle(TestChain& chain, const PartyId& home, const PartyId& visited, std::int64_t wh) {
    const AuthorizationRef ref = chain.charge_until_recorded(home, visited, wh);
    REQUIRE(chain.apply(home, SettleCharge{ref, wh * 15}) == ResultCode::ok);
}

/// The block that begins cycle `number`, at `after` past its begin.
const ExecutedBlock& begin_cycle(TestChain& chain, std::int64_t number, UnixMillis after = 0) {
    return chain.add_block(genesis_time + number * week_ms + after, {});
}

Account account_of(const TestChain& chain, const PartyId& member) {
    return find_account(chain.state(), member, cny).value_or(Account{});
}

const std::vector<PartyId> sites{aaa, bbb, ccc};

/// Makes changes beside the chain part of it, as a block does: the totals are those of its end.
void keep(TestChain& chain, StateOverlay state) {
    REQUIRE_FALSE(update_totals(state));
    REQUIRE(chain.base().write(to_batch(state.changes()), false).has_value());
}

}  // namespace

TEST_CASE("a cycle ends with the first block of the next period", "[state][cycle]") {
    TestChain chain{weekly_genesis(), sites};
    settle(chain, bbb, aaa, 12'000);
    CHECK(chain.add_block(genesis_time + week_ms - 1, {}).events.empty());
    CHECK(find_cycle(chain.state()) == CycleRecord{0, 0, genesis_time, {}});
    const ExecutedBlock& block = begin_cycle(chain, 1);
    REQUIRE(block.events.size() == 1);
    CHECK(block.events.front().kind == EventKind::cycle_closed);
    CHECK(find_cycle(chain.state()) == CycleRecord{1, 1, genesis_time + week_ms, {}});
    CHECK(chain.pass(1).events.empty());
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("everybody's posted sums become one figure and legs", "[state][cycle]") {
    TestChain chain{weekly_genesis(), sites};
    settle(chain, bbb, aaa, 12'000);  // BBB owes AAA 18
    settle(chain, aaa, bbb, 4'000);   // AAA owes BBB 6
    settle(chain, ccc, bbb, 2'000);   // CCC owes BBB 3
    settle(chain, ccc, aaa, 6'000);   // CCC owes AAA 9
    // AAA +21, BBB -9, CCC -12.
    const ExecutedBlock& block = begin_cycle(chain, 1, 5);
    Event expected;
    expected.kind = EventKind::cycle_closed;
    expected.cycle = 0;
    expected.currency = cny;
    expected.positions = {{aaa, units(21)}, {bbb, -units(9)}, {ccc, -units(12)}};
    const std::vector<Debt> matrix{
        {aaa, bbb, units(6)}, {bbb, aaa, units(18)}, {ccc, aaa, units(9)}, {ccc, bbb, units(3)}};
    expected.matrix = matrix_hash(0, cny, matrix);
    REQUIRE(block.events == std::vector<Event>{expected});

    const UnixMillis due_by = chain.now() + chain.genesis().parameters.payment_window;
    const std::vector<LegEntry> legs = legs_of(chain.state(), 0, cny);
    REQUIRE(legs.size() == 2);
    CHECK(legs[0].key == LegKey{0, cny, bbb, aaa});
    CHECK(legs[0].leg == LegRecord{units(9), due_by, LegStatus::pending, {}, {}});
    CHECK(legs[1].key == LegKey{0, cny, ccc, aaa});
    CHECK(legs[1].leg.amount == units(12));

    const Money limit = units(10'000);
    CHECK(account_of(chain, aaa) == Account{0, 0, 0, 0, limit, 0, units(21)});
    CHECK(account_of(chain, bbb) == Account{0, 0, 0, 0, limit, units(9), 0});
    CHECK(account_of(chain, ccc) == Account{0, 0, 0, 0, limit, units(12), 0});
    CHECK(find_exposure(chain.state(), bbb, aaa, cny) == Exposure{0, 0, units(9)});
    CHECK(find_exposure(chain.state(), aaa, bbb, cny) == Exposure{});
    CHECK(find_totals(chain.state(), cny)->legs_owed == units(21));
    CHECK(find_totals(chain.state(), cny)->balanced());
    CHECK(find_closed_cycle(chain.state(), 0, cny) ==
          ClosedCycleRecord{chain.now(), due_by, 2, {{aaa, units(21)}}});
    const std::vector<HistoryEntry> history = list_cycle_history(chain.state(), 0, 10);
    REQUIRE(history.size() == 1);
    CHECK(history[0].history == CycleHistory{chain.now(), due_by, expected.positions, matrix});
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("what is pending stays pending over the end of a cycle", "[state][cycle]") {
    TestChain chain{weekly_genesis(), sites};
    settle(chain, bbb, aaa, 12'000);
    chain.add_block(genesis_time + week_ms - 20 * second_ms, {});
    const AuthorizationRef ref = chain.approve_and_start(bbb, aaa, units(50), 2);
    begin_cycle(chain, 1);
    CHECK(account_of(chain, bbb) == Account{units(50), 0, 0, 0, units(10'000), units(18), 0});
    CHECK(find_exposure(chain.state(), bbb, aaa, cny) == Exposure{units(50), 0, units(18)});
    REQUIRE(chain.apply(aaa, chain.record(ref, 2'000)) == ResultCode::ok);
    REQUIRE(chain.apply(bbb, SettleCharge{ref, units(3)}) == ResultCode::ok);
    CHECK(account_of(chain, bbb) == Account{0, units(3), 0, 0, units(10'000), units(18), 0});
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("a cycle in which everybody is even has no legs", "[state][cycle]") {
    TestChain chain{weekly_genesis(), sites};
    settle(chain, bbb, aaa, 12'000);
    settle(chain, aaa, bbb, 12'000);
    const ExecutedBlock& block = begin_cycle(chain, 1);
    REQUIRE(block.events.size() == 1);
    CHECK(block.events.front().positions == std::vector<NetPosition>{{aaa, 0}, {bbb, 0}});
    CHECK(list_legs(chain.state(), 0, 10).empty());
    CHECK_FALSE(find_closed_cycle(chain.state(), 0, cny));
    CHECK(find_exposure(chain.state(), bbb, aaa, cny) == Exposure{});
    CHECK_FALSE(check_invariants(chain.state()));
}

TEST_CASE("a cycle without entries leaves nothing but its successor", "[state][cycle]") {
    TestChain chain{weekly_genesis()};
    CHECK(begin_cycle(chain, 1).events.empty());
    CHECK(find_cycle(chain.state()).number == 1);
    CHECK(list_cycle_history(chain.state(), 0, 10).empty());
}

TEST_CASE("a chain that stood still for three cycles closes one", "[state][cycle]") {
    TestChain chain{weekly_genesis(), sites};
    settle(chain, bbb, aaa, 12'000);
    const ExecutedBlock& block = begin_cycle(chain, 4);
    REQUIRE(block.events.size() == 1);
    CHECK(block.events.front().cycle == 0);
    CHECK(find_cycle(chain.state()) == CycleRecord{4, 4, genesis_time + 4 * week_ms, {}});
}

TEST_CASE("the net figure of a cycle uses the limit until its leg is paid", "[state][cycle]") {
    Genesis genesis = weekly_genesis();
    genesis.limits[1].limit = units(120);  // BBB
    TestChain chain{genesis, sites};
    settle(chain, bbb, aaa, 12'000);
    begin_cycle(chain, 1);
    CHECK(used_of_limit(account_of(chain, bbb)) == units(18));
    CHECK(chain.apply(bbb, chain.approval(ccc, units(103))) == ResultCode::limit_exceeded);
    CHECK(chain.apply(bbb, chain.approval(ccc, units(102))) == ResultCode::ok);
    // What AAA is owed does not extend what it may owe.
    CHECK(used_of_limit(account_of(chain, aaa)) == 0);
    CHECK(account_of(chain, aaa).legs_due == units(18));
}

TEST_CASE("an unpaid leg uses the exposure cap of its pair", "[state][cycle]") {
    Genesis genesis = weekly_genesis();
    for (GenesisAgreement& half : genesis.agreements) {
        half.agreement.exposure_cap = units(120);
    }
    TestChain chain{genesis, sites};
    settle(chain, bbb, aaa, 12'000);
    begin_cycle(chain, 1);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(103))) == ResultCode::exposure_exceeded);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(102))) == ResultCode::ok);
    CHECK(chain.apply(bbb, chain.approval(ccc, units(120))) == ResultCode::ok);
}

TEST_CASE("currencies are netted side by side, in order", "[state][cycle]") {
    Genesis genesis = weekly_genesis();
    const Currency eur = currency("EUR");
    for (const PartyId& member : sites) {
        genesis.limits.push_back({member, eur, units(1'000)});
    }
    TestChain chain{genesis, sites};
    settle(chain, bbb, aaa, 12'000);
    StateOverlay posted = chain.state();
    REQUIRE(post_at_once(posted, {aaa, ccc, eur}, units(5), 0) == ResultCode::ok);
    REQUIRE(post_at_once(posted, {ccc, bbb, eur}, units(5), 0) == ResultCode::ok);
    keep(chain, std::move(posted));
    StateOverlay state = chain.state();
    const SignatureCheck no_check = [](const auto&, const auto&, const auto&) { return false; };
    const Hash chain_id;
    BlockScope block{state, genesis.parameters, chain_id, no_check, genesis_time + week_ms, 9};
    const std::vector<Event> events = close_cycle(block);
    REQUIRE(events.size() == 2);
    CHECK(events[0].currency == cny);
    CHECK(events[0].positions == std::vector<NetPosition>{{aaa, units(18)}, {bbb, -units(18)}});
    CHECK(events[1].currency == eur);
    CHECK(events[1].positions ==
          std::vector<NetPosition>{{aaa, -units(5)}, {bbb, units(5)}, {ccc, 0}});
    REQUIRE(legs_of(state, 0, eur).size() == 1);
    CHECK(legs_of(state, 0, eur)[0].key == LegKey{0, eur, aaa, bbb});
    REQUIRE_FALSE(update_totals(state));
    CHECK_FALSE(check_invariants(state));
}

TEST_CASE("one block nets so many currencies, and the next goes on", "[state][cycle]") {
    const Genesis genesis = weekly_genesis();
    TestChain chain{genesis, sites};
    StateOverlay posted = chain.state();
    const std::size_t count = cycle_currencies_per_block_max + 2;
    for (std::size_t i = 0; i < count; ++i) {
        const Currency one = currency(std::string{"X"} + static_cast<char>('A' + i / 26) +
                                      static_cast<char>('A' + i % 26));
        REQUIRE(post_exempt(posted, {aaa, bbb, one}, 7));
    }
    keep(chain, std::move(posted));
    StateOverlay state = chain.state();
    const SignatureCheck no_check = [](const auto&, const auto&, const auto&) { return false; };
    const Hash chain_id;
    BlockScope first{state, genesis.parameters, chain_id, no_check, genesis_time + week_ms, 9};
    CHECK(close_cycle(first).size() == cycle_currencies_per_block_max);
    CycleRecord record = find_cycle(state);
    REQUIRE(record.closing);
    CHECK(record.number == 1);
    CHECK(record.closing->number == 0);
    // Meanwhile more is posted in a currency that is still to be netted: it goes with the rest.
    REQUIRE(post_exempt(state, {aaa, bbb, record.closing->from}, 1));
    keep(chain, std::move(state));
    StateOverlay later = chain.state();
    BlockScope next{later, genesis.parameters, chain_id, no_check, genesis_time + week_ms + 1, 10};
    const std::vector<Event> rest = close_cycle(next);
    REQUIRE(rest.size() == 2);
    CHECK(rest[0].cycle == 0);
    CHECK(rest[0].positions == std::vector<NetPosition>{{aaa, -8}, {bbb, 8}});
    record = find_cycle(later);
    CHECK_FALSE(record.closing);
    CHECK(record.opened_at == genesis_time + week_ms);
    BlockScope after{later, genesis.parameters, chain_id, no_check, genesis_time + week_ms + 2, 11};
    CHECK(close_cycle(after).empty());
    REQUIRE_FALSE(update_totals(later));
    CHECK_FALSE(check_invariants(later));
}

TEST_CASE("another length of cycles begins a cycle and never repeats a number", "[state][cycle]") {
    Genesis genesis = weekly_genesis();
    genesis.parameters.cycle_length = week_ms / 7;
    genesis.parameters.payment_window = parameter_duration_max;
    TestChain chain{genesis, sites};
    settle(chain, bbb, aaa, 12'000);
    chain.add_block(genesis_time + 3 * week_ms, {});
    CHECK(find_cycle(chain.state()).number == 21);
    settle(chain, bbb, aaa, 4'000);
    ProposeChange change;
    change.kind = ChangeKind::set_parameters;
    change.parameters = genesis.parameters;
    change.parameters->cycle_length = week_ms;
    REQUIRE(chain.apply(hub, change) == ResultCode::ok);
    const TransactionRef proposal = chain.last_ref();
    REQUIRE(chain.apply(aaa, VoteOnChange{proposal, true}) == ResultCode::ok);
    REQUIRE(chain.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
    CHECK(find_cycle(chain.state()).number == 21);
    REQUIRE(chain.pass(1).events.size() == 1);
    CHECK(chain.tip().events.front().cycle == 21);
    const CycleRecord record = find_cycle(chain.state());
    CHECK(record.number == 22);
    CHECK(record.period == 3);
    CHECK(begin_cycle(chain, 4).events.empty());
    CHECK(find_cycle(chain.state()).number == 23);
}

TEST_CASE("a block that seals its epoch may close a cycle too", "[state][cycle]") {
    Genesis genesis = weekly_genesis();
    genesis.parameters.epoch_blocks_max = 20;
    TestChain chain{genesis, sites};
    settle(chain, bbb, aaa, 12'000);
    while (chain.tip().block.header.height < 19) {
        chain.pass(1);
    }
    const ExecutedBlock& block = begin_cycle(chain, 1);
    REQUIRE(block.block.header.seals_epoch);
    REQUIRE(block.events.size() == 2);
    CHECK(block.events[0].kind == EventKind::cycle_closed);
    CHECK(block.events[1].kind == EventKind::epoch_sealed);
    CHECK(find_seal(block.events) == &block.events[1]);
    CHECK(events_before_transactions(block.events) == 1);
}

TEST_CASE("times before the first cycle belong to cycle 0", "[state][cycle]") {
    Parameters parameters;
    CHECK(period_of(parameters, 0) == 0);
    CHECK(period_of(parameters, parameters.cycle_start) == 0);
    CHECK(period_of(parameters, parameters.cycle_start + parameters.cycle_length - 1) == 0);
    CHECK(period_of(parameters, parameters.cycle_start + parameters.cycle_length) == 1);
    // Monday, 2025-06-02T00:00Z begins a cycle by the default parameters.
    CHECK(period_of(parameters, 1'748'822'400'000) ==
          period_of(parameters, 1'748'822'400'000 - 1) + 1);
}

}  // namespace tally::test
