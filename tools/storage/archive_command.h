#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// `tally archive`. `exit_code` must outlive the parse.
void add_archive_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
