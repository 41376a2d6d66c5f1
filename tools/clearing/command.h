#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally settle`, `tally dispute` and `tally pay`: what a finance department signs by hand.
void add_clearing_commands(CLI::App& app, int& exit_code);

}  // namespace tally::tools
