#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally tokens`: shared keys and registered cards without a prefix.
void add_tokens_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
