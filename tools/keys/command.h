#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally keygen`.
void add_keygen_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
