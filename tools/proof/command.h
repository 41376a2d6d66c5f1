#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// `tally proof`: what the state holds, verified with the genesis alone.
void add_proof_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
