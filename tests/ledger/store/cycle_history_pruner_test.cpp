// The figures of closed cycles can be asked for as long as the node is told to keep them, or a leg
// of theirs is open, and what is kept does not grow with the history.

#include "ledger/store/cycle_history_pruner.h"

#include "ledger/model/day_bands.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/keys.h"
#include "tests/ledger/store/keeper.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const Currency cny = currency("CNY");
constexpr UnixMillis week_ms{7 * 24 * hour_ms};
constexpr std::int64_t kept_weeks{3};
constexpr std::uint64_t weeks{12};

/// One charge a week, netted at its end; the leg is confirmed, or not in the first week.
struct Weeks {
    TestChain chain{genesis()};
    std::vector<Block> blocks;

    Weeks() {
        RegisterBridge bridge;
        bridge.bridge_id = "bridge-1";
        bridge.public_key = public_key_of(secret_of("AAA/bridge-1"));
        sign(aaa, bridge);
        RegisterCharger charger;
        charger.evse_id = TestChain::evse(aaa, 1);
        charger.station = "ST1";
        charger.bridge_id = "bridge-1";
        charger.rated_power_w = 60'000;
        charger.meter_serial = "M1";
        sign(aaa, charger);
        PublishTariff tariff;
        tariff.ref = {"std", 1};
        tariff.tariff = day_tariff(cny, {{0, units(1), units(1) / 2}});
        sign(aaa, tariff);
    }

    static Genesis genesis() {
        Genesis genesis = make_genesis();
        genesis.parameters.cycle_length = week_ms;
        genesis.parameters.payment_window = 50 * week_ms;  // nobody is in default
        return genesis;
    }
    void put(UnixMillis time, const std::vector<Bytes>& envelopes) {
        blocks.push_back(chain.add_block(time, envelopes).block);
    }
    void sign(const PartyId& signer, const Action& action) {
        put(chain.now() + second_ms, {chain.envelope(signer, {chain.transaction(signer, action)})});
    }
    void week(bool confirmed) {
        sign(bbb, chain.approval(aaa, units(50)));
        const AuthorizationRef ref = chain.last_ref();
        sign(aaa, StartCharge{ref, TestChain::evse(aaa, 1), {"std", 1}});
        const RecordCharge record = chain.record(ref, 12'000);
        sign(aaa, record);
        sign(bbb, SettleCharge{ref, record.amount});
        const CycleRecord open = find_cycle(chain.state());
        put(genesis_time + (static_cast<UnixMillis>(open.period) + 1) * week_ms, {});
        if (confirmed) {
            sign(aaa, ConfirmPayment{open.number, cny, bbb, "paid"});
        }
    }
};

bool has_history(const StateView& view, std::uint64_t cycle) {
    const auto found = list_cycle_history(view, cycle, 1);
    return !found.empty() && found.front().cycle == cycle;
}

CycleHistory history_of(UnixMillis closed_at) {
    return CycleHistory{closed_at, closed_at, {{aaa, 1}, {bbb, -1}}, {{bbb, aaa, 1}}};
}

}  // namespace

TEST_CASE("figures of closed cycles leave after their time, and none before", "[store][cycle]") {
    Weeks made;
    for (std::uint64_t week = 0; week < weeks; ++week) {
        made.week(true);
    }
    Keeper few{kept_weeks * week_ms, Weeks::genesis()};
    Keeper all{0, Weeks::genesis()};
    const Bytes table = keys::table(Table::cycle_history);
    for (const Block& block : made.blocks) {
        few.add(block);
        all.add(block);
        REQUIRE(few.count(table) <= kept_weeks + 1);
        for (const HistoryEntry& entry : list_cycle_history(all.ledger->final_state(), 0, weeks)) {
            const bool is_due = entry.history.closed_at + kept_weeks * week_ms < block.header.time;
            REQUIRE(has_history(few.ledger->final_state(), entry.cycle) == !is_due);
        }
    }
    CHECK(all.count(table) == weeks);
    CHECK(few.count(table) < weeks);
    CHECK(all.ledger->final_header().state_root == few.ledger->final_header().state_root);
}

TEST_CASE("a cycle with a leg that is not confirmed can be asked for until it is") {
    Weeks made;
    for (std::uint64_t week = 0; week < weeks; ++week) {
        made.week(week > 0);
    }
    Keeper keeper{kept_weeks * week_ms, Weeks::genesis()};
    for (const Block& block : made.blocks) {
        keeper.add(block);
    }
    const StateView& state = keeper.ledger->final_state();
    CHECK(has_history(state, 0));
    CHECK_FALSE(has_history(state, 1));
    CHECK(keeper.count(keys::table(Table::cycle_history)) <= kept_weeks + 2);

    const std::size_t before = made.blocks.size();
    made.sign(aaa, ConfirmPayment{0, cny, bbb, "late"});
    made.week(true);
    made.week(true);
    for (std::size_t i = before; i < made.blocks.size(); ++i) {
        keeper.add(made.blocks[i]);
    }
    CHECK_FALSE(has_history(state, 0));
}

TEST_CASE("a block looks at a bounded number of past cycles, and the next goes on") {
    constexpr std::size_t entries{2 * cycle_history_looked_at_per_block + 5};
    MemoryStore store;
    WriteBatch first;
    for (std::uint64_t cycle = 0; cycle < entries; ++cycle) {
        first.put(keys::cycle_history(cycle, cny), encode(history_of(1000)));
    }
    REQUIRE(store.write(first, true));
    CycleHistoryPruner pruner{store};
    pruner.set_keep(week_ms);
    const auto prune = [&](UnixMillis now) {
        WriteBatch batch;
        REQUIRE(pruner.prune({}, now, batch));
        REQUIRE(store.write(batch, true));
        return batch.operations.size();
    };
    CHECK(prune(1000 + week_ms) == 0);
    CHECK(prune(1001 + week_ms) == cycle_history_looked_at_per_block);
    CHECK(prune(1001 + week_ms) == cycle_history_looked_at_per_block);
    CHECK(prune(1001 + week_ms) == 5);
    CHECK(prune(1002 + week_ms) == 0);
    CHECK(store.scan({}, {}, 1)->empty());
}
}  // namespace tally::test
