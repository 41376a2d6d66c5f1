#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally rebuild`: makes a node's state store anew from genesis and segments.
void add_rebuild_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
