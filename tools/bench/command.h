#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally bench` and `tally bench verify`.
void add_bench_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
