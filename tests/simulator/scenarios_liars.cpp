// One liar of each kind among four, and two among seven: the honest ones go on.

#include "tests/simulator/scenario_parts.h"

#include <array>

namespace tally::simulator {

namespace {

using namespace std::chrono_literals;

/// Honest nodes restart and fall behind while liars talk to them.
void live_with_liars(World& world) {
    world.boot_all();
    NodeIndex honest{0};
    while (world.node(honest).is_corrupt()) {
        ++honest;
    }
    submit_for_ever(world, honest, 50ms);
    honest_advance(world, 10, 60s);
    for (int i = 0; i < 4; ++i) {
        world.node(honest).keep_down(true);
        world.node(honest).crash();
        world.run_for(3s);
        world.node(honest).keep_down(false);
        world.node(honest).boot();
        world.run_for(3s);
    }
    honest_advance(world, 20, 120s);
}

WorldOptions with_liars(std::size_t nodes, ActorKind kind, std::size_t count) {
    WorldOptions options;
    options.nodes = nodes;
    for (NodeIndex i = 0; i < count; ++i) {
        options.actors.emplace_back(2 * i + 1, kind);
    }
    return options;
}

/// A disk copy of an hour ago is brought back: the node notices and votes no more.
void restored_backup(World& world) {
    world.boot_all();
    submit_for_ever(world, 0, 50ms);
    honest_advance(world, 5, 20s);
    const auto files = world.node(3).disk().files.backup();
    const auto store = world.node(3).disk().store.backup();
    honest_advance(world, 20, 30s);
    world.restore(3, files, store);
    world.node(3).boot();
    world.run_for(5s);
    demand_that(world, world.node(3).status().role == consensus::Role::observer,
                "a restored node does not know that it is one");
    honest_advance(world, 10, 30s);
}

}  // namespace

std::vector<Scenario> liar_scenarios() {
    std::vector<Scenario> scenarios;
    WorldOptions four;
    scenarios.push_back({"restored_backup", "an old disk copy comes back: observer, and catches up",
                         four, 40, restored_backup});
    struct Entry {
        const char* name;
        const char* pair;
        const char* story;
        ActorKind kind;
    };
    static constexpr std::array<Entry, all_actor_kinds.size()> entries{{
        {"equivocator", "two_of_equivocator", "a leader with two blocks in each of its views",
         ActorKind::equivocator},
        {"withholder", "two_of_withholder", "bodies, votes and answers kept from some",
         ActorKind::withholder},
        {"split_certificates", "two_of_split_certificates", "certificates shown to a few, late",
         ActorKind::split_certificates},
        {"late_leader", "two_of_late_leader", "proposals when others are about to give up",
         ActorKind::late_leader},
        {"impersonator", "two_of_impersonator",
         "votes in the names of others, epochs and chains, odd signatures",
         ActorKind::impersonator},
        {"nullify_and_finalize", "two_of_nullify_and_finalize", "NULLIFY and FINALIZE in one view",
         ActorKind::nullify_and_finalize},
        {"flooder", "two_of_flooder", "as much of everything as the links carry",
         ActorKind::flooder},
        {"lying_sync_peer", "two_of_lying_sync_peer",
         "wrong answers to a node that catches up, over and over", ActorKind::lying_sync_peer},
        {"invariant_breaker", "two_of_invariant_breaker",
         "blocks against the rules of application and headers", ActorKind::invariant_breaker},
        {"hostile_leader", "two_of_hostile_leader",
         "leaders that give up at once, and rubbish as justification", ActorKind::hostile_leader},
    }};
    std::uint64_t seed{50};
    for (const Entry& entry : entries) {
        scenarios.push_back(
            {entry.name, entry.story, with_liars(4, entry.kind, 1), seed++, live_with_liars});
        scenarios.push_back(
            {entry.pair, entry.story, with_liars(7, entry.kind, 2), seed++, live_with_liars});
    }
    return scenarios;
}

}  // namespace tally::simulator
