#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally submit`.
void add_submit_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
