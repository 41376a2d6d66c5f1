#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally bench ledger` and `tally bench state`.
void add_ledger_command(CLI::App& bench, int& exit_code);

}  // namespace tally::tools
