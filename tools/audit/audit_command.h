#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally audit`: verifies a whole ledger, and reports made of such audits.
void add_audit_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
