#pragma once

#include "tools/simulate/mutant_command.h"

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `simulate` to the `tally` program: whole clusters of the production consensus under faults,
/// in one thread each, named by a seed.
///
/// `plant` is null but in the program that has planted bugs.
///
/// `exit_code` is set when the subcommand runs: 0 no rule was broken, 1 one was (the output names
/// the seed and how to see it again), 2 `--mutant` was used wrongly. It must outlive `app`.
void add_simulate_command(CLI::App& app, int& exit_code, PlantBug plant = nullptr);

}  // namespace tally::tools
