// The validator set changes.

#include "tests/simulator/scenario_parts.h"

namespace tally::simulator {

namespace {

using namespace std::chrono_literals;

std::vector<Seat> seats(const std::vector<NodeIndex>& machines, std::size_t key = 0) {
    std::vector<Seat> result;
    for (const NodeIndex machine : machines) {
        result.push_back({machine, key});
    }
    return result;
}

void begin(World& world) {
    world.boot_all();
    submit_for_ever(world, 0, 50ms);
    honest_advance(world, 5, 20s);
}

void add_validator(World& world) {
    begin(world);
    world.change_set(seats({0, 1, 2, 3, 4}));
    reach_epoch(world, 1, 20s);
    honest_advance(world, 10, 20s);
    demand_that(world, world.node(4).status().role == consensus::Role::validator,
                "the new validator does not vote");
}

void remove_validator(World& world) {
    begin(world);
    world.change_set(seats({0, 1, 2, 3}));
    reach_epoch(world, 1, 20s);
    honest_advance(world, 10, 20s);
    demand_that(world, world.node(4).status().role == consensus::Role::follower,
                "a former validator still has a vote");
}

void replace_all(World& world) {
    begin(world);
    world.change_set(seats({4, 5, 6, 7}));
    reach_epoch(world, 1, 20s);
    honest_advance(world, 10, 20s);
}

void rotate_keys(World& world) {
    begin(world);
    for (std::size_t key = 1; key < keys_per_machine; ++key) {
        world.change_set(seats({0, 1, 2, 3}, key));
        reach_epoch(world, key, 20s);
        honest_advance(world, 5, 20s);
    }
}

void unready_joiner(World& world) {
    begin(world);
    world.change_set(seats({0, 1, 2, 3, 4}), true);
    honest_advance(world, 20, 30s);
    demand_that(world, world.node(0).status().epoch == 0, "an unready set took over");
    world.say_ready();
    reach_epoch(world, 1, 20s);
    honest_advance(world, 5, 20s);
}

/// Epochs of a few blocks, and leaders that lose power all the time.
void boundary_crashes(World& world) {
    world.boot_all();
    submit_for_ever(world, 0, 40ms);
    world.set_restart_delay(10ms, 300ms);
    for (std::uint64_t effects = 0; effects < 60; ++effects) {
        world.node(effects % world.size()).arm({.kind = {}, .effects_before = effects});
        world.run_for(700ms);
    }
    for (NodeIndex i = 0; i < world.size(); ++i) {
        world.node(i).disarm();
    }
    honest_advance(world, 10, 60s);
    demand_that(world, world.node(0).status().epoch > 10, "epochs do not end");
}

void lag_over_epochs(World& world) {
    world.boot_all();
    submit_for_ever(world, 0, 30ms);
    honest_advance(world, 3, 20s);
    for (NodeIndex i = 0; i < 3; ++i) {
        world.network().set_cut(i, 3, true);
        world.network().set_cut(3, i, true);
    }
    const std::uint64_t epoch = world.node(3).status().epoch;
    world.run_until([&] { return world.node(0).status().epoch >= epoch + 4; }, 120s,
                    "three nodes go through four epochs");
    world.network().heal();
    honest_advance(world, 10, 60s);
}

/// The sealing block is notarized but FINALIZE votes are lost: it has to be proposed again.
void seal_not_final(World& world) {
    begin(world);
    world.network().set_filter([](NodeIndex, NodeIndex, const consensus::Message& message) {
        const auto* vote = std::get_if<consensus::Vote>(&message);
        return vote != nullptr && vote->statement.kind == VoteKind::finalize;
    });
    world.change_set(seats({0, 1, 2, 4}));
    world.run_for(5s);
    world.network().heal();
    reach_epoch(world, 1, 30s);
    honest_advance(world, 5, 30s);
}

/// One that left goes on lying with its old key.
void former_validator_lies(World& world) {
    world.boot_all();
    submit_for_ever(world, 0, 50ms);
    honest_advance(world, 5, 30s);
    world.change_set(seats({0, 2, 3, 4}));
    reach_epoch(world, 1, 30s);
    honest_advance(world, 20, 60s);
}

WorldOptions of(std::size_t nodes, std::size_t spares, std::uint64_t blocks_max = 0) {
    WorldOptions options;
    options.nodes = nodes;
    options.spares = spares;
    options.epoch_blocks_max = blocks_max;
    return options;
}

WorldOptions with_former_liar() {
    WorldOptions options = of(4, 1);
    options.actors.emplace_back(1, ActorKind::equivocator);
    return options;
}

}  // namespace

std::vector<Scenario> epoch_scenarios() {
    return {
        {"add_validator", "a follower becomes the fifth validator", of(4, 1), 80, add_validator},
        {"remove_validator", "a fifth validator becomes a follower", of(5, 0), 81,
         remove_validator},
        {"replace_all_validators", "four go, four others come", of(4, 4), 82, replace_all},
        {"rotate_keys", "all keys change, three times", of(4, 0), 83, rotate_keys},
        {"unready_joiner", "a set that is not ready does not take over", of(4, 1), 84,
         unready_joiner},
        {"boundary_crashes", "power fails at every effect around the ends of epochs", of(4, 0, 3),
         85, boundary_crashes},
        {"lag_over_epochs", "a node is cut off for four epochs and catches up", of(4, 0, 10), 86,
         lag_over_epochs},
        {"seal_not_final", "a sealing block is notarized for long and final late", of(4, 1), 87,
         seal_not_final},
        {"former_validator_lies", "a liar leaves the set and goes on", with_former_liar(), 88,
         former_validator_lies},
    };
}

}  // namespace tally::simulator
