#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally audit`, `tally receipt`, `tally verify-receipt` and `tally rebuild`.
void add_audit_commands(CLI::App& app, int& exit_code);

}  // namespace tally::tools
