#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// `tally meter verify`: whether a signed meter record is right and can be billed.
void add_meter_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
