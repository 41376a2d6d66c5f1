#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// `tally backup` and `tally restore`. `exit_code` must outlive the parse.
void add_backup_commands(CLI::App& app, int& exit_code);

}  // namespace tally::tools
