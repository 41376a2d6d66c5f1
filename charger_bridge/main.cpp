#include "charger_bridge/program.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/process.h"

#include <CLI/CLI.hpp>

#include <string>

int main(int argc, char** argv) {
    tally::node::protect_process_memory();
    CLI::App app{"The on-site charger bridge: OCPP 1.6J towards chargers, one link to the node."};
    app.require_subcommand(1);
    std::string config;
    CLI::App* const run = app.add_subcommand("run", "Serve the chargers of this site.");
    run->add_option("--config", config, "Configuration file (TOML)")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : tally::node::exit_usage;
    }
    return tally::bridge::run_bridge(config);
}
