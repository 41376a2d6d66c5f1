#pragma once

#include "tests/simulator/runner.h"

#include <string_view>
#include <vector>

namespace tally::simulator {

/// One story about a cluster, with a fixed seed, that must end well.
struct Scenario {
    const char* name;
    const char* story;
    WorldOptions options;
    std::uint64_t seed;
    void (*play)(World& world);
};

[[nodiscard]] const std::vector<Scenario>& all_scenarios();
/// Null when there is none of that name.
[[nodiscard]] const Scenario* find_scenario(std::string_view name);
[[nodiscard]] RunResult run_scenario(const Scenario& scenario, const RunOptions& options);

}  // namespace tally::simulator
