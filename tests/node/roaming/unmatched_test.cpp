// The record of a charge that the node does not know, as after it was restored from an old backup:
// taken up from the ledger, or kept, and never acknowledged before one of the two is on disk.

#include "tests/node/roaming/roaming_world.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

using tally::test::party;
using tally::test::units;

/// 10 kWh at 1.5000 a kWh.
constexpr Money ten_kwh{15 * money_scale};

RoamingService& visited(World& world) { return world.member("AAA").service(); }

std::size_t unmatched(World& world) { return visited(world).load().unmatched; }

void restore(World& world, const MemoryStore& backup) {
    world.member("AAA").crash();
    world.member("AAA").disk() = backup;
    world.member("AAA").start();
}

AuthorizationRef unknown_ref() { return {party("BBB"), TransactionId{}}; }

/// The bridge's charge of a session that nobody but the bridge knows.
SessionId end_unknown(World& world, const AuthorizationRef& ref) {
    const auto session = world.random().fixed<SessionId>();
    const ChargeEnded ended = world.bridge().make_end(session, ref, {});
    world.bridge().put(ended.sequence, ended);
    return session;
}

}  // namespace

TEST_CASE("a charge goes on at a node that was restored from before its approval", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const MemoryStore backup = world.member("AAA").disk();
    ChargePlan plan;
    plan.end = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::charging); }));
    restore(world, backup);
    REQUIRE_FALSE(world.view("AAA", session));

    world.bridge().end_charge(session);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::settled); }));
    CHECK(world.view("AAA", session)->amount == ten_kwh);
    CHECK(world.member("BBB").accounts().find("BBB-1")->balance == units(100) - ten_kwh);
    CHECK(world.member("AAA").counts()["roaming_session_adopted"] == 1);
    CHECK(world.bridge().charge(session).stops.empty());
    CHECK(unmatched(world) == 0);
    REQUIRE(world.run_until([&] { return world.bridge().is_idle(); }));

    // Restored once more, the node finds the record on the ledger when it comes again.
    restore(world, backup);
    const ChargeEnded& again = *world.bridge().charge(session).ended;
    world.bridge().put(again.sequence, again);
    REQUIRE(world.run_until([&] { return world.bridge().is_idle(); }));
    CHECK(unmatched(world) == 0);
    CHECK(world.member("AAA").counts()["roaming_session_adopted"] == 1);
}

TEST_CASE("a charge that begins at a restored node is not stopped", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const MemoryStore backup = world.member("AAA").disk();
    ChargePlan plan;
    plan.end = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.bridge().charge(session).result.has_value(); }));
    restore(world, backup);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::charging); }));
    CHECK(world.bridge().charge(session).stops.empty());
    world.bridge().end_charge(session);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::settled); }));
    CHECK(world.view("AAA", session)->amount == ten_kwh);
}

TEST_CASE("a recorded charge is claimed by a node that was restored from before it", "[roaming]") {
    Genesis genesis = World::default_genesis();
    genesis.parameters.settle_window = 30'000;
    World world{1, {}, genesis};
    world.customer("BBB-1", units(100));
    const MemoryStore backup = world.member("AAA").disk();
    ChargePlan plan;
    plan.end = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::charging); }));
    world.member("BBB").crash();
    world.bridge().end_charge(session);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::recorded); }));
    // With the backup, or with nothing at all.
    const bool has_backup = GENERATE(true, false);
    restore(world, has_backup ? backup : MemoryStore{});

    SessionId adopted;
    adopted.data = world.bridge().charge(session).result->authorization.id.data;
    REQUIRE(world.is_in("AAA", adopted, SessionState::recorded));
    CHECK(world.view("AAA", adopted)->amount == ten_kwh);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", adopted, SessionState::settled); },
                            60'000));
    CHECK(world.view("AAA", adopted)->reason == "claimed");
}

TEST_CASE("a record that nobody knows is kept over restarts until it can be taken up",
          "[roaming]") {
    World world;
    const Transaction approval =
        world.chain().transaction(party("BBB"), world.chain().approval(party("AAA"), units(50)));
    const AuthorizationRef ref{party("BBB"), approval.id};
    const SessionId session = end_unknown(world, ref);
    REQUIRE(world.run_until([&] { return world.bridge().is_idle(); }));
    REQUIRE(unmatched(world) == 1);
    CHECK(world.member("AAA").counts()["roaming_unmatched"] >= 1);

    world.member("AAA").crash();
    world.member("AAA").start();
    REQUIRE(unmatched(world) == 1);
    const auto& kept = visited(world).unmatched().all().begin()->second;
    CHECK(kept.bridge_id == "bridge-1");
    CHECK(kept.reason == UnmatchedReason::unknown_charge);
    CHECK(kept.ended.session == session);
    CHECK(kept.ended.metered.authorization == ref);
    CHECK(kept.ended.metered.bridge_signature != Signature{});

    world.offer(world.chain().envelope(party("BBB"), {approval}));
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::recorded); }));
    CHECK(world.view("AAA", session)->amount == ten_kwh);
    CHECK(unmatched(world) == 0);
    world.member("AAA").crash();
    world.member("AAA").start();
    CHECK(unmatched(world) == 0);
}

TEST_CASE("a second record of one charge is kept beside the first", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const SessionView view = world.charge({});
    REQUIRE(view.state == SessionState::settled);
    ChargePlan more;
    more.energy_wh = 20'000;
    const ChargeEnded second = world.bridge().make_end(view.id, view.authorization.value(), more);
    world.bridge().put(second.sequence, second);
    REQUIRE(world.run_until([&] { return world.bridge().is_idle(); }));
    REQUIRE(unmatched(world) == 1);
    CHECK(visited(world).unmatched().all().begin()->second.reason ==
          UnmatchedReason::another_record);
    CHECK(world.view("AAA", view.id)->amount == ten_kwh);
}

TEST_CASE("a record that the ledger could not decode is kept", "[roaming]") {
    World world;
    ChargeEnded ended =
        world.bridge().make_end(world.random().fixed<SessionId>(), unknown_ref(), {});
    ended.metered.readings.resize(1);
    visited(world).on_bridge_message("bridge-1", ended);
    CHECK(visited(world).unmatched().all().begin()->second.reason == UnmatchedReason::bad_record);
}

TEST_CASE("without room for a record neither it nor what follows is acknowledged", "[roaming]") {
    World world;
    for (std::size_t i = 0; i < unmatched_charges_max; ++i) {
        end_unknown(world, unknown_ref());
    }
    REQUIRE(world.run_until([&] { return world.bridge().is_idle(); }));
    REQUIRE(unmatched(world) == unmatched_charges_max);

    end_unknown(world, unknown_ref());
    const std::uint64_t later = world.bridge().next_sequence();
    world.bridge().put(later, ApprovalUnused{.sequence = later, .session = {}});
    world.run(3'000);
    CHECK(world.bridge().waiting() == 2);
    CHECK(unmatched(world) == unmatched_charges_max);
    CHECK(world.member("AAA").counts()["roaming_unmatched_full"] > 0);

    // A person has looked at one of them.
    const Hash seen = visited(world).unmatched().all().begin()->first;
    CHECK(visited(world).unmatched().forget(seen));
    CHECK_FALSE(visited(world).unmatched().forget(seen));
    REQUIRE(world.run_until([&] { return world.bridge().is_idle(); }));
    CHECK(unmatched(world) == unmatched_charges_max);
}

}  // namespace tally::node::test
