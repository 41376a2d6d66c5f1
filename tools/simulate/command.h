#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `simulate` to the `tally` program: whole clusters of the production consensus under faults,
/// in one thread each, named by a seed.
///
/// `exit_code` is set when the subcommand runs: 0 no rule was broken, 1 one was (the output names
/// the seed and how to see it again). It must outlive `app`.
void add_simulate_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
