#pragma once

// What scenarios of all files are made of.

#include "tests/simulator/scenarios.h"

#include <vector>

namespace tally::simulator {

/// Final height of the node that is furthest behind, among those that do not lie.
[[nodiscard]] consensus::Height lowest_honest(World& world);
/// Every node that does not lie finalizes `count` heights more than anybody has now.
void honest_advance(World& world, consensus::Height count, SimTime limit);
/// A client of `node` hands in an envelope every `interval`, for as long as the world runs.
void submit_for_ever(World& world, NodeIndex node, SimTime interval);
/// All that are up and do not lie enter this epoch or a later one.
void reach_epoch(World& world, std::uint64_t epoch, SimTime limit);
void demand_that(World& world, bool holds, const char* what);

[[nodiscard]] std::vector<Scenario> liar_scenarios();
[[nodiscard]] std::vector<Scenario> epoch_scenarios();
[[nodiscard]] std::vector<Scenario> sync_scenarios();
[[nodiscard]] std::vector<Scenario> handover_scenarios();
[[nodiscard]] std::vector<Scenario> bound_scenarios();

}  // namespace tally::simulator
