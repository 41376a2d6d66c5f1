#include "tools/audit/rebuild.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "ledger/store/ledger.h"
#include "ledger/store/leveldb_store.h"
#include "node/config/genesis_json.h"
#include "tools/audit/audit_target.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {
namespace {

constexpr int exit_rebuilt{0};
constexpr int exit_refused{1};
constexpr int exit_unreadable{2};

struct Arguments {
    std::string data_dir;
    std::string genesis;
};

int fail(int code, const std::string& message) {
    std::cerr << "tally rebuild: " << message << "\n";
    return code;
}

/// Moves the old state aside, unless a node is using it. The error is a text.
Expected<Done, std::string> set_aside(const std::filesystem::path& state) {
    const std::filesystem::path old = state.string() + ".old";
    std::error_code error;
    if (!std::filesystem::exists(state, error)) {
        return Done{};
    }
    if (std::filesystem::exists(old, error)) {
        return Unexpected{old.string() + " is there from an earlier rebuild; remove it first"};
    }
    if (is_state_locked(state.string())) {
        return Unexpected{state.string() + " is in use; stop the node first"};
    }
    std::filesystem::rename(state, old, error);
    if (error) {
        return Unexpected{state.string() + ": " + error.message()};
    }
    return Done{};
}

int rebuild(const Arguments& arguments) {
    const auto genesis = node::load_genesis(arguments.genesis);
    if (!genesis) {
        return fail(exit_unreadable, genesis.error());
    }
    const std::filesystem::path ledger_folder =
        std::filesystem::path{arguments.data_dir} / "ledger";
    const std::string segments = (ledger_folder / "segments").string();
    const std::string state = (ledger_folder / "state").string();
    std::error_code error;
    if (!std::filesystem::is_directory(segments, error)) {
        return fail(exit_unreadable, "there is no ledger in " + arguments.data_dir);
    }
    if (const auto moved = set_aside(state); !moved) {
        return fail(exit_refused, moved.error());
    }
    const auto store = LevelDbStore::open(state);
    if (!store) {
        return fail(exit_unreadable, store.error());
    }
    if (const auto reset = Ledger::reset_state(**store, *genesis); !reset) {
        return fail(exit_refused, reset.error().message);
    }
    PosixFileSystem files;
    DirectSignatureChecker signatures;
    const SystemClock clock;
    const auto ledger = Ledger::open(files, **store, segments, *genesis, signatures, clock);
    if (!ledger) {
        return fail(exit_refused, ledger.error().message);
    }
    const BlockHeader& header = (*ledger)->final_header();
    std::cout << "rebuilt to height " << header.height << ", state root "
              << to_hex(header.state_root) << "; the old state is in " << state << ".old\n";
    return exit_rebuilt;
}

}  // namespace

void add_rebuild_command(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    CLI::App* command = app.add_subcommand("rebuild", "Make a node's state anew from its segments");
    command->add_option("DATA_DIR", arguments->data_dir, "The data folder of a stopped node")
        ->required();
    command->add_option("--genesis", arguments->genesis, "The genesis file")->required();
    command->footer(
        "The old state is kept as ledger/state.old. Certificates are not verified again: run\n"
        "tally audit for that.\n"
        "Exit codes: 0 rebuilt, 1 refused (in use, or the segments are wrong), 2 cannot read.");
    command->callback([arguments, &exit_code] { exit_code = rebuild(*arguments); });
}

}  // namespace tally::tools
