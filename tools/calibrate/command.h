#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally calibrate`.
void add_calibrate_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
