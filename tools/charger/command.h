#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally charger`.
void add_charger_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
