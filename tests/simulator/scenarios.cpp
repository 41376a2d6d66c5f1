// Stories that a random seed would tell too rarely. Each ends with the same demand: the healed
// cluster finalizes again, on every node.

#include "tests/simulator/scenarios.h"

#include "tests/simulator/scenario_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace tally::simulator {

namespace {

using namespace std::chrono_literals;
using consensus::Height;
using consensus::Message;

Height lowest_final(World& world) {
    Height lowest = world.oracle().highest_final();
    for (NodeIndex i = 0; i < world.size(); ++i) {
        lowest = std::min(lowest, world.oracle().final_height(i));
    }
    return lowest;
}

/// Every node finalizes `count` heights more than anybody has now.
void all_advance(World& world, Height count, SimTime limit) {
    const Height goal = world.oracle().highest_final() + count;
    world.run_until([&] { return lowest_final(world) >= goal; }, limit,
                    fmt::format("all nodes at height {}", goal));
}

/// A client of `node` hands in an envelope every `interval`, for as long as the world runs.
void keep_submitting(World& world, NodeIndex node, SimTime interval) {
    world.scheduler().after(interval, [&world, node, interval] {
        world.submit(node);
        keep_submitting(world, node, interval);
    });
}

void demand(World& world, bool holds, const char* what) {
    if (!holds) {
        world.oracle().report(what);
    }
}

NodeIndex leader_now(World& world) {
    consensus::DriverStatus newest;
    for (NodeIndex i = 0; i < world.size(); ++i) {
        const consensus::DriverStatus status = world.node(i).status();
        if (status.view > newest.view) {
            newest = status;
        }
    }
    return newest.leader;
}

bool is_nullify(const Message& message) {
    const auto* vote = std::get_if<consensus::Vote>(&message);
    return vote != nullptr && vote->statement.kind == VoteKind::nullify;
}

bool is_proposal(const Message& message) {
    return std::holds_alternative<consensus::Proposal>(message);
}

void calm(World& world) {
    world.boot_all();
    world.run_for(50ms);  // Until all are connected: an envelope is gossiped once.
    world.schedule_workload(60, 4s);
    all_advance(world, 10, 10s);
    world.run_for(10s);
    demand(world, world.oracle().nullified_views() == 0, "a calm cluster nullified a view");
    demand(world, world.final_envelopes() >= 50, "a calm cluster lost envelopes");
}

void idle_cluster(World& world) {
    world.boot_all();
    world.run_for(60s);
    const Height height = lowest_final(world);
    demand(world, height >= 30, "an idle cluster stands still");
    demand(world, height <= 70, "an idle cluster makes blocks without need");
    world.submit(2);
    world.run_until([&] { return world.final_envelopes() == 1; }, 500ms,
                    "an envelope wakes the idle cluster");
}

void leader_crash(World& world) {
    world.boot_all();
    keep_submitting(world, 0, 20ms);
    world.run_for(1s);
    for (int i = 0; i < 20; ++i) {
        world.node(leader_now(world)).crash();
        world.run_for(700ms);
    }
    all_advance(world, 5, 60s);
}

void cluster_crash_after_nullify(World& world) {
    world.boot_all();
    world.run_for(3s);
    // Nobody hears a proposal, so all nullify; each loses power when its NULLIFY is on disk, some
    // before the first peer gets it, some after.
    world.network().set_filter(
        [](NodeIndex, NodeIndex, const Message& message) { return is_proposal(message); });
    for (NodeIndex i = 0; i < world.size(); ++i) {
        world.node(i).arm({.kind = EffectKind::send, .effects_before = i, .frame = is_nullify});
    }
    world.run_for(30s);
    world.network().heal();
    all_advance(world, 5, 60s);
}

void crash_before_sending_proposal(World& world) {
    world.boot_all();
    keep_submitting(world, 1, 30ms);
    for (std::uint64_t round = 0; round < 20; ++round) {
        for (NodeIndex i = 0; i < world.size(); ++i) {
            world.node(i).arm(
                {.kind = EffectKind::send, .effects_before = round % 4, .frame = is_proposal});
        }
        world.run_for(2s);
    }
    for (NodeIndex i = 0; i < world.size(); ++i) {
        world.node(i).disarm();
    }
    all_advance(world, 5, 60s);
}

void cut_groups(World& world, NodeIndex first_of_second, bool one_way) {
    for (NodeIndex from = 0; from < world.size(); ++from) {
        for (NodeIndex to = 0; to < world.size(); ++to) {
            const bool out = from < first_of_second && to >= first_of_second;
            const bool back = to < first_of_second && from >= first_of_second;
            world.network().set_cut(from, to, out || (back && !one_way));
        }
    }
}

void partition_and_heal(World& world) {
    world.boot_all();
    keep_submitting(world, 0, 50ms);
    all_advance(world, 5, 10s);
    cut_groups(world, world.size() / 2, false);
    world.run_for(1s);
    const Height before = world.oracle().highest_final();
    world.run_for(20s);
    demand(world, world.oracle().highest_final() <= before + 1, "half a cluster went on");
    world.network().heal();
    all_advance(world, 5, 60s);
}

void asymmetric_partition(World& world) {
    world.boot_all();
    keep_submitting(world, 2, 50ms);
    all_advance(world, 5, 10s);
    cut_groups(world, 1, true);  // node 0 hears all and is heard by nobody
    world.run_for(10s);
    const Height middle = world.oracle().highest_final();
    demand(world, world.oracle().final_height(0) + 3 >= middle, "a node that hears all lags");
    world.network().heal();
    for (NodeIndex i = 1; i < world.size(); ++i) {
        world.network().set_cut(i, 0, true);  // now it is heard and hears nobody
    }
    world.run_for(10s);
    demand(world, world.oracle().highest_final() > middle + 5, "a deaf node stops the others");
    world.network().heal();
    all_advance(world, 5, 60s);
}

void lag(World& world, Height heights, bool crash) {
    world.boot_all();
    keep_submitting(world, 0, 10ms);
    all_advance(world, 3, 10s);
    if (crash) {
        world.node(3).keep_down(true);
        world.node(3).crash();
    } else {
        for (NodeIndex i = 0; i < 3; ++i) {
            world.network().set_cut(i, 3, true);
            world.network().set_cut(3, i, true);
        }
    }
    const Height goal = world.oracle().highest_final() + heights;
    world.run_until([&] { return world.oracle().highest_final() >= goal; }, 600s,
                    "three nodes go on without the fourth");
    world.network().heal();
    world.node(3).keep_down(false);
    world.node(3).boot();
    world.run_until([&] { return world.oracle().final_height(3) >= goal; }, 30s,
                    "the lagging node catches up");
    all_advance(world, 5, 30s);
}

void lag_10_after_crash(World& world) { lag(world, 10, true); }
void lag_1000_after_crash(World& world) { lag(world, 1000, true); }
void lag_1000_cut_off(World& world) { lag(world, 1000, false); }
void lag_10000_cut_off(World& world) { lag(world, 10'000, false); }

void missing_bodies(World& world) {
    world.boot_all();
    // Node 3 gets no envelope by gossip: it must fetch what proposals name.
    world.network().set_filter([](NodeIndex, NodeIndex to, const Message& message) {
        return to == 3 && std::holds_alternative<consensus::EnvelopeGossip>(message);
    });
    keep_submitting(world, 0, 20ms);
    all_advance(world, 50, 30s);
    demand(world, world.node(3).status().envelopes_fetched > 20, "no envelope was fetched");
    // Now it gets neither proposals nor envelopes, only votes and certificates.
    world.network().set_filter([](NodeIndex, NodeIndex to, const Message& message) {
        return to == 3 &&
               (std::holds_alternative<consensus::EnvelopeGossip>(message) || is_proposal(message));
    });
    all_advance(world, 50, 60s);
}

void missing_certificates(World& world) {
    world.boot_all();
    keep_submitting(world, 1, 20ms);
    // Certificates reach nobody; votes do, but not those to node 3.
    world.network().set_filter([](NodeIndex, NodeIndex to, const Message& message) {
        return std::holds_alternative<QuorumCertificate>(message) ||
               (to == 3 && std::holds_alternative<consensus::Vote>(message));
    });
    world.run_for(20s);
    demand(world, world.oracle().highest_final() > 20, "votes alone do not carry the cluster");
    world.network().heal();
    all_advance(world, 5, 60s);
}

void restart_loops(World& world) {
    world.boot_all();
    keep_submitting(world, 0, 100ms);
    world.set_restart_delay(100ms, 2s);
    for (int i = 0; i < 200; ++i) {
        const auto node = static_cast<NodeIndex>(world.random().between(0, world.size() - 1));
        world.node(node).arm({.kind = {}, .effects_before = world.random().between(0, 80)});
        world.run_for(world.random().between(SimTime{20ms}, SimTime{400ms}));
    }
    for (NodeIndex i = 0; i < world.size(); ++i) {
        world.node(i).disarm();
    }
    all_advance(world, 5, 90s);
}

void two_of_seven_dead(World& world) {
    world.node(2).keep_down(true);
    world.node(5).keep_down(true);
    world.boot_all();
    keep_submitting(world, 0, 20ms);
    const Height goal = 30;
    world.run_until([&] { return world.oracle().highest_final() >= goal; }, 60s,
                    "five of seven go on");
    world.node(2).keep_down(false);
    world.node(5).keep_down(false);
    world.boot_all();
    all_advance(world, 10, 60s);
}

void heavy_loss(World& world) {
    world.network().set_faults(
        {.loss = 300, .duplication = 200, .lateness = 50, .in_order = false});
    world.boot_all();
    keep_submitting(world, 0, 50ms);
    all_advance(world, 20, 300s);
}

void paused_leaders(World& world) {
    world.boot_all();
    keep_submitting(world, 0, 50ms);
    for (int i = 0; i < 15; ++i) {
        world.run_for(300ms);
        const NodeIndex leader = leader_now(world);
        world.node(leader).pause_until(world.scheduler().now() + 3s);
        world.run_for(1s);
    }
    all_advance(world, 5, 60s);
}

void clock_ahead(World& world) {
    world.boot_all();
    keep_submitting(world, 0, 50ms);
    world.run_for(1s);
    world.node(1).set_clock_offset(20'000);
    world.run_for(20s);
    world.node(2).set_clock_offset(-20'000);
    world.run_for(20s);
    demand(world, lowest_final(world) > 50, "one wrong clock stops the cluster");
    all_advance(world, 5, 30s);
}

void crash_in_recovery(World& world) {
    world.boot_all();
    keep_submitting(world, 0, 50ms);
    world.set_restart_delay(50ms, 200ms);
    for (std::uint64_t effects = 0; effects < 40; ++effects) {
        SimNode& node = world.node(effects % world.size());
        node.crash();
        node.arm({.kind = {}, .effects_before = effects / 4});
        world.run_for(500ms);
        node.disarm();
    }
    all_advance(world, 5, 60s);
}

/// The whole cluster loses power at its k-th effect, for every k.
void cluster_crash_at_every_effect(World& world) {
    world.boot_all();
    keep_submitting(world, 0, 40ms);
    world.set_restart_delay(10ms, 300ms);
    for (std::uint64_t effects = 0; effects < 120; ++effects) {
        for (NodeIndex i = 0; i < world.size(); ++i) {
            world.node(i).arm({.kind = {}, .effects_before = effects});
        }
        world.run_for(1500ms);
    }
    for (NodeIndex i = 0; i < world.size(); ++i) {
        world.node(i).disarm();
    }
    all_advance(world, 5, 90s);
}

WorldOptions of_size(std::size_t nodes) {
    WorldOptions options;
    options.nodes = nodes;
    return options;
}

}  // namespace

const std::vector<Scenario>& all_scenarios() {
    static const std::vector<Scenario> scenarios{
        {"calm", "60 envelopes, no fault: all final, no view nullified", of_size(4), 1, calm},
        {"idle_cluster", "without envelopes a block a second; an envelope wakes it at once",
         of_size(4), 2, idle_cluster},
        {"leader_crash", "the leader of the moment loses power, twenty times", of_size(4), 3,
         leader_crash},
        {"cluster_crash_after_nullify", "all lose power when their NULLIFY is on disk", of_size(4),
         4, cluster_crash_after_nullify},
        {"crash_before_sending_proposal", "leaders lose power between persisting and sending",
         of_size(4), 5, crash_before_sending_proposal},
        {"partition_and_heal", "two halves finalize nothing, then go on together", of_size(4), 6,
         partition_and_heal},
        {"asymmetric_partition", "a node is heard by nobody, then hears nobody", of_size(4), 7,
         asymmetric_partition},
        {"lag_10_after_crash", "a node comes back 10 heights behind", of_size(4), 8,
         lag_10_after_crash},
        {"lag_1000_after_crash", "a node comes back 1000 heights behind", of_size(4), 9,
         lag_1000_after_crash},
        {"lag_1000_cut_off", "a node that was cut off for 1000 heights, not restarted", of_size(4),
         10, lag_1000_cut_off},
        {"lag_10000_cut_off", "the same for 10000 heights", of_size(4), 20, lag_10000_cut_off},
        {"missing_bodies", "a node gets no envelopes, then no proposals: it fetches", of_size(4),
         11, missing_bodies},
        {"missing_certificates", "certificates are lost, votes carry on", of_size(4), 12,
         missing_certificates},
        {"restart_loops", "nodes crash at random effects, over and over", of_size(4), 13,
         restart_loops},
        {"two_of_seven_dead", "five of seven finalize; the two join late", of_size(7), 14,
         two_of_seven_dead},
        {"heavy_loss", "30 % loss, 20 % duplicates, any order", of_size(6), 15, heavy_loss},
        {"paused_leaders", "leaders stop for three seconds and wake up with old mail", of_size(4),
         16, paused_leaders},
        {"clock_ahead", "a clock 20 s ahead, then another 20 s behind", of_size(4), 17,
         clock_ahead},
        {"crash_in_recovery", "power fails again while a node recovers", of_size(4), 18,
         crash_in_recovery},
        {"cluster_crash_at_every_effect", "all lose power at their k-th effect, for each k",
         of_size(4), 19, cluster_crash_at_every_effect},
    };
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> joined = scenarios;
        for (const auto& more : {liar_scenarios(), epoch_scenarios(), sync_scenarios(),
                                 handover_scenarios(), bound_scenarios()}) {
            joined.insert(joined.end(), more.begin(), more.end());
        }
        return joined;
    }();
    return all;
}

const Scenario* find_scenario(std::string_view name) {
    const auto& scenarios = all_scenarios();
    const auto found = std::find_if(scenarios.begin(), scenarios.end(),
                                    [&](const Scenario& one) { return one.name == name; });
    return found == scenarios.end() ? nullptr : &*found;
}

RunResult run_scenario(const Scenario& scenario, const RunOptions& options) {
    WorldOptions world_options = scenario.options;
    world_options.real_ledger = world_options.real_ledger || options.real_ledger;
    World world{scenario.seed, std::move(world_options)};
    world.trace().set_sink(options.sink);
    scenario.play(world);
    world.check_end();
    return result_of(world, scenario.seed);
}

}  // namespace tally::simulator
