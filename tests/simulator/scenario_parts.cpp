#include "tests/simulator/scenario_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace tally::simulator {

consensus::Height lowest_honest(World& world) {
    consensus::Height lowest = world.oracle().highest_final();
    for (NodeIndex i = 0; i < world.size(); ++i) {
        if (!world.node(i).is_corrupt()) {
            lowest = std::min(lowest, world.oracle().final_height(i));
        }
    }
    return lowest;
}

void honest_advance(World& world, consensus::Height count, SimTime limit) {
    const consensus::Height goal = world.oracle().highest_final() + count;
    world.run_until([&] { return lowest_honest(world) >= goal; }, limit,
                    fmt::format("all honest nodes at height {}", goal));
}

void reach_epoch(World& world, std::uint64_t epoch, SimTime limit) {
    world.run_until(
        [&] {
            for (NodeIndex i = 0; i < world.size(); ++i) {
                if (!world.node(i).is_corrupt() && world.node(i).is_up() &&
                    world.node(i).status().epoch < epoch) {
                    return false;
                }
            }
            return true;
        },
        limit, fmt::format("all nodes in epoch {}", epoch));
}

void submit_for_ever(World& world, NodeIndex node, SimTime interval) {
    world.scheduler().after(interval, [&world, node, interval] {
        world.submit(node);
        submit_for_ever(world, node, interval);
    });
}

void demand_that(World& world, bool holds, const char* what) {
    if (!holds) {
        world.oracle().report(what);
    }
}

}  // namespace tally::simulator
