#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// Adds `tally receipt`, which fetches the proof of a transaction, and `tally verify-receipt`.
void add_receipt_commands(CLI::App& app, int& exit_code);

}  // namespace tally::tools
