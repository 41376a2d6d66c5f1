#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally member`.
void add_member_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
