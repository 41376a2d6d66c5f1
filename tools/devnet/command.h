#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally devnet`.
void add_devnet_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
