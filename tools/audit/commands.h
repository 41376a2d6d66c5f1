#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally audit`, `tally receipt` and `tally verify-receipt`.
void add_audit_commands(CLI::App& app, int& exit_code);

}  // namespace tally::tools
