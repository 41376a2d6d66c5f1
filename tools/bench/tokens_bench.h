#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally bench tokens`: registration and look-ups of cards without a prefix.
void add_tokens_bench(CLI::App& bench, int& exit_code);

}  // namespace tally::tools
