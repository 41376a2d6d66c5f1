#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally show`.
void add_show_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
