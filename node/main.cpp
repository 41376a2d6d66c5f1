// tallyd: one member's node. `init` makes its data folder once, `run` runs it.

#include "ledger/base/posix_file_system.h"
#include "node/process/node.h"
#include "node/process/node_files.h"
#include "node/process/state_sync.h"
#include "node/runtime/asio.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/logging.h"
#include "node/runtime/process.h"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace tally::node {

namespace {

/// What this program can execute. The test of an upgrade builds a program that knows one feature
/// more than the release.
FeatureList features_of_this_program() {
    FeatureList features{known_features.begin(), known_features.end()};
#ifdef TALLY_EXTRA_FEATURE
    features.push_back(TALLY_EXTRA_FEATURE);
#endif
    return features;
}

int fail(const StartError& error) {
    static_cast<void>(std::fprintf(stderr, "tallyd: %s\n", error.text.c_str()));
    return error.exit_code;
}

int init(const std::string& config_path, InitMode mode) {
    const Expected<NodeInputs, StartError> inputs = load_inputs(config_path);
    if (!inputs) {
        return fail(inputs.error());
    }
    PosixFileSystem files;
    const Expected<Done, StartError> done = initialize_node(*inputs, files, mode);
    if (!done) {
        return fail(done.error());
    }
    static_cast<void>(std::printf("tallyd: %s: data folder ready for member %s of chain %s\n",
                                  inputs->config.data_dir.c_str(),
                                  to_text(inputs->config.member).c_str(),
                                  to_hex(inputs->genesis.chain_id()).c_str()));
    return 0;
}

int run(const std::string& config_path) {
    Expected<NodeInputs, StartError> inputs = load_inputs(config_path);
    if (!inputs) {
        return fail(inputs.error());
    }
    const LogConfig log{log_level_from_text(inputs->config.log_level).value_or(LogLevel::info),
                        inputs->config.log_file};
    if (!configure_logging(log)) {
        return fail({exit_io, inputs->config.log_file + ": cannot be opened for the log"});
    }
    inputs->version = TALLY_VERSION;
    inputs->known_features = features_of_this_program();
    const Expected<StateSyncEnd, StartError> synced = sync_state(*inputs);
    if (!synced) {
        return fail(synced.error());
    }
    if (*synced == StateSyncEnd::stopped) {
        log_info("node", "stopped");
        return 0;
    }
    boost::asio::io_context io{1};
    Expected<std::unique_ptr<Node>, StartError> node = Node::open(io, std::move(inputs).value());
    if (!node) {
        return fail(node.error());
    }
    const std::unique_ptr<Node> running = std::move(node).value();
    const SignalWatcher signals{io, [&running] { running->stop(); }};
    if (const Expected<Done, StartError> started = running->start(); !started) {
        return fail(started.error());
    }
    io.run();
    log_info("node", "stopped");
    return running->exit_code();
}

int main_with(int argc, char** argv) {
    CLI::App app{"Tallystick node: one member's copy of the ledger, its links and its roaming."};
    app.require_subcommand(1);
    app.set_version_flag("--version", TALLY_VERSION);
    app.footer(
        "Examples:\n"
        "  tallyd init --config /etc/tally/node.toml   make the data folder, once\n"
        "  tallyd run --config /etc/tally/node.toml    run until SIGTERM\n\n"
        "Exit codes: 0 stopped as asked, 64 usage, 70 broken invariant, 74 storage or network,\n"
        "76 the chain needs a newer release, 78 configuration (file, line and key are named).");
    std::string config_path;
    bool after_loss{false};
    CLI::App* init_command = app.add_subcommand("init", "Make an empty data folder");
    init_command->add_option("--config", config_path, "TOML file")->required();
    init_command->add_flag("--after-loss", after_loss,
                           "The data folder was lost: vote only from the next epoch on");
    CLI::App* run_command = app.add_subcommand("run", "Run the node");
    run_command->add_option("--config", config_path, "TOML file")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    if (init_command->parsed()) {
        return init(config_path, after_loss ? InitMode::after_loss : InitMode::first);
    }
    return run(config_path);
}

}  // namespace

}  // namespace tally::node

int main(int argc, char** argv) {
    tally::node::protect_process_memory();
    try {
        return tally::node::main_with(argc, argv);
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "tallyd: %s\n", error.what()));
        return tally::node::exit_internal;
    }
}
