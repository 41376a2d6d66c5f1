#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally charge`.
void add_charge_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
