#pragma once

namespace CLI {
class App;
}

namespace tally::tools {

/// `tally rate`: prices a charge detail record of OCPI under a tariff.
void add_rate_command(CLI::App& app, int& exit_code);

}  // namespace tally::tools
