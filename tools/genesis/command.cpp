#include "tools/genesis/command.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "node/config/genesis_json.h"
#include "node/runtime/exit_codes.h"
#include "tools/genesis/genesis_config.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace tally::tools {

namespace {

struct Options {
    std::string config;
    std::string out;
};

int write_genesis(const Options& options) {
    const SystemClock clock;
    const auto genesis = load_genesis_config(options.config, clock.now());
    if (!genesis) {
        for (const node::ConfigProblem& problem : genesis.error()) {
            static_cast<void>(std::fprintf(stderr, "tally genesis: %s\n", problem.text().c_str()));
        }
        return node::exit_config;
    }
    PosixFileSystem files;
    if (!files.write_whole(options.out, as_bytes(node::genesis_to_json(*genesis)))) {
        static_cast<void>(
            std::fprintf(stderr, "tally genesis: %s: cannot be written\n", options.out.c_str()));
        return node::exit_io;
    }
    static_cast<void>(std::printf("%s: chain %s, %zu members, %zu validators\n",
                                  options.out.c_str(), to_hex(genesis->chain_id()).c_str(),
                                  genesis->members.size(), validators_of(genesis->members).size()));
    return 0;
}

}  // namespace

void add_genesis_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("genesis", "Make the genesis file of a new network");
    command->add_option("--config", options->config, "TOML description of the network")->required();
    command->add_option("--out", options->out, "Genesis file to write")->required();
    command->footer(
        "Every member gets the same genesis file; its chain id names the network for good.\n"
        "Example:\n"
        "  tally genesis --config network.toml --out genesis.json");
    command->callback([options, &exit_code] { exit_code = write_genesis(*options); });
}

}  // namespace tally::tools
