#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally genesis`.
void add_genesis_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
