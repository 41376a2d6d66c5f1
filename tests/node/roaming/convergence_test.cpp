// Whatever is lost, repeated, delayed or crashes: every charge is settled at most once, in its full
// amount, no promise stays open, and ledger and accounts agree.

#include "tests/node/roaming/roaming_world.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

using tally::test::currency;
using tally::test::party;
using tally::test::units;

constexpr Money ten_kwh{15 * money_scale};

struct Outcome {
    std::size_t settled{0};
    std::size_t refused{0};
};

/// Drives `charges` charges on both connectors under faults, then heals everything.
Outcome run_charges(World& world, int charges) {
    CustomerPolicy policy;
    policy.concurrent_charges = 100;
    world.customer("BBB-1", units(10'000), policy);
    std::vector<SessionId> sessions;
    for (int i = 0; i < charges; ++i) {
        ChargePlan plan;
        plan.prepaid = units(50);
        plan.connector = static_cast<std::uint16_t>(1 + i % 2);
        plan.asked_connector = plan.connector;
        plan.start = i % 5 != 4;  // some approvals stay unused
        const SessionId session = world.bridge().swipe(plan);
        sessions.push_back(session);
        world.run_until([&] { return world.bridge().is_idle(); }, 15'000);
        world.run(300);
    }
    world.faults = {};
    // Until nothing is open any more; unstarted approvals expire after five minutes.
    const bool resolved = world.run_until(
        [&] {
            const auto aaa = world.member("AAA").is_up();
            const auto bbb = world.member("BBB").is_up();
            return aaa && bbb && world.bridge().is_idle() &&
                   world.member("AAA").service().load().visited_open == 0 &&
                   world.member("BBB").service().load().home_open == 0;
        },
        400'000);
    CHECK(resolved);
    world.run(3'000);
    Outcome outcome;
    for (const SessionId& session : sessions) {
        const auto view = world.view("AAA", session);
        REQUIRE(view);
        outcome.settled += view->state == SessionState::settled ? 1U : 0U;
        outcome.refused += world.bridge().charge(session).result->accepted ? 0U : 1U;
        if (view->state == SessionState::settled) {
            CHECK(view->amount == ten_kwh);
            CHECK(world.is_in("BBB", session, SessionState::settled));
        }
        const bool used = world.bridge().charge(session).plan.start &&
                          world.bridge().charge(session).result->accepted;
        CHECK(used == (view->state == SessionState::settled));
    }
    return outcome;
}

void check_books(World& world, const Outcome& outcome) {
    const Money posted = ten_kwh * static_cast<Money>(outcome.settled);
    const Account owing =
        find_account(world.chain().state(), party("BBB"), currency("CNY")).value_or(Account{});
    CHECK(owing.debits_posted == posted);
    CHECK(owing.debits_pending == 0);
    const Customer customer = world.member("BBB").accounts().find("BBB-1").value();
    CHECK(customer.balance == units(10'000) - posted);
    CHECK(customer.held == 0);
    CHECK(customer.holds == 0);
    CHECK(list_live_authorizations(world.chain().state(), {}, 10).empty());
}

}  // namespace

TEST_CASE("repeated and reordered messages change nothing", "[roaming][property]") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        INFO("seed " << seed);
        World world{seed, {.loss = 0, .repetition = 50, .delay_max = 120, .crash = 0}};
        const Outcome outcome = run_charges(world, 5);
        CHECK(outcome.refused == 0);
        CHECK(outcome.settled == 4);
        check_books(world, outcome);
    }
}

TEST_CASE("lost messages are sent again until the charge is settled", "[roaming][property]") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        INFO("seed " << seed);
        World world{seed, {.loss = 25, .repetition = 10, .delay_max = 50, .crash = 0}};
        const Outcome outcome = run_charges(world, 5);
        check_books(world, outcome);
    }
}

TEST_CASE("services that crash between any two events settle once", "[roaming][property]") {
    std::size_t settled = 0;
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        INFO("seed " << seed);
        World world{seed, {.loss = 5, .repetition = 20, .delay_max = 60, .crash = 60}};
        const Outcome outcome = run_charges(world, 5);
        check_books(world, outcome);
        settled += outcome.settled;
    }
    CHECK(settled > 16);  // the faults do not simply refuse everything
}

}  // namespace tally::node::test
