#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally join`.
void add_join_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
