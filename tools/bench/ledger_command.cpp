#include "tools/bench/ledger_command.h"

#include "ledger/base/posix_file_system.h"
#include "node/runtime/logging.h"
#include "tools/bench/ledger_bench.h"
#include "tools/bench/state_tables.h"
#include "tools/devnet/plan.h"
#include "tools/show/render.h"

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {

namespace {

struct Arguments {
    LedgerBenchOptions bench;
    std::string json_file;
    UnixMillis end{0};
    int epoch_blocks{0};
    UnixMillis idle_interval_ms{0};
};

int fail(const std::string& error) {
    std::cerr << "tally bench ledger: " << error << "\n";
    return 1;
}

int make_ledger(Arguments& arguments) {
    static_cast<void>(node::configure_logging({node::LogLevel::error, {}}));
    LedgerBenchOptions& options = arguments.bench;
    if (arguments.end > 0) {
        options.end = arguments.end;
    }
    if (arguments.epoch_blocks > 0) {
        options.epoch_blocks_max = arguments.epoch_blocks;
    }
    if (arguments.idle_interval_ms > 0) {
        options.idle_interval_ms = arguments.idle_interval_ms;
    }
    if (options.validators > options.operators + 1) {
        return fail("there cannot be more validators than members");
    }
    const bool terminal = isatty(STDERR_FILENO) == 1;
    const auto figures = bench_ledger(options, [terminal](std::uint64_t done, std::uint64_t all) {
        if (terminal) {
            std::cerr << "\r\033[K" << done << " of " << all << " transactions" << std::flush;
        }
    });
    std::cerr << (terminal ? "\r\033[K" : "");
    if (!figures) {
        return fail(figures.error());
    }
    if (!arguments.json_file.empty()) {
        PosixFileSystem files;
        const std::string line = boost::json::serialize(*figures) + "\n";
        if (!files.write_whole(arguments.json_file, as_bytes(line))) {
            return fail(arguments.json_file + ": cannot be written");
        }
    }
    std::cout << render_fields(*figures);
    return 0;
}

struct StateArguments {
    std::string data_dir;
    bool json{false};
};

int show_state(const StateArguments& arguments) {
    const auto tables = read_state_tables(arguments.data_dir);
    if (!tables) {
        std::cerr << "tally bench state: " << tables.error() << "\n";
        return 1;
    }
    if (arguments.json) {
        std::cout << boost::json::serialize(boost::json::object{{"items", *tables}}) << "\n";
    } else {
        std::cout << render_table(*tables, {"table", "entries", "bytes", "digest"});
    }
    return 0;
}

void add_state_command(CLI::App& bench, int& exit_code) {
    auto arguments = std::make_shared<StateArguments>();
    CLI::App* command =
        bench.add_subcommand("state", "Size and digest of every table of a stopped node's state");
    command->add_option("DATA_DIR", arguments->data_dir, "The node's data folder")->required();
    command->add_flag("--json", arguments->json, "As JSON");
    command->footer(
        "A table is named by the first byte of its keys; from c0 on they are indexes of blocks\n"
        "and transactions. Nodes at the same height have the same tables below, however they got\n"
        "there, except that one that joined by a snapshot lacks finished authorizations.\n"
        "Example: tally bench state /tmp/past/AAA/data");
    command->callback([arguments, &exit_code] { exit_code = show_state(*arguments); });
}

void add_shape_options(CLI::App& command, LedgerBenchOptions& bench) {
    command.add_option("--per-block", bench.per_block, "Transactions in a block, about")
        ->check(CLI::Range(4U, 2'000U));
    command.add_option("--open", bench.open, "Charges under way, about, also at the end")
        ->check(CLI::Range(4U, 200'000U));
    command.add_option("--interval-ms", bench.interval_ms, "Between two blocks")
        ->check(CLI::Range(1U, 3'600'000U));
    command
        .add_option("--currencies", bench.currencies, "One for each pair of operators, by turns")
        ->delimiter(',');
    command.add_option("--sample-charges", bench.sample_charges,
                       "Settled charges between two measures of the state; 0: none");
    command.add_option("--keep-finished-ms", bench.keep_finished_ms,
                       "How long finished authorizations stay in the state store; 0: for ever");
    command.add_option("--seed", bench.seed, "Of keys, partners, amounts and durations");
}

}  // namespace

void add_ledger_command(CLI::App& bench, int& exit_code) {
    add_state_command(bench, exit_code);
    auto arguments = std::make_shared<Arguments>();
    LedgerBenchOptions& options = arguments->bench;
    CLI::App* command =
        bench.add_subcommand("ledger", "Make a network with a long past, ready to be started");
    command->add_option("--out", options.folder, "New or empty folder")->required();
    command->add_option("--transactions", options.transactions, "At least")
        ->check(CLI::Range(1U, 1'000'000'000U));
    command->add_option("--operators", options.operators, "Besides the hub")
        ->check(CLI::Range(2, devnet_operators_max));
    command
        ->add_option("--validators", options.validators,
                     "Hub and first operators; the others begin without a ledger")
        ->check(CLI::Range(3, devnet_operators_max + 1));
    command->add_option("--bridges", options.bridges, "Operators with a bridge, not registered")
        ->check(CLI::Range(0, devnet_operators_max));
    add_shape_options(*command, options);
    command->add_option("--end", arguments->end,
                        "Time of the last block, about, in ms since 1970; now unless told");
    command->add_option("--epoch-blocks", arguments->epoch_blocks, "Longest epoch, in blocks")
        ->check(CLI::Range(static_cast<int>(epoch_blocks_max_floor), 1'000'000));
    command
        ->add_option("--idle-ms", arguments->idle_interval_ms,
                     "Longest wait for an empty block when it runs")
        ->check(CLI::Range(1, 60'000));
    command->add_option("--base-port", options.base_port, "First of at most 100 ports")
        ->check(CLI::Range(1024, 65'000));
    command->add_option("--json", arguments->json_file, "File for the figures as JSON");
    command->footer(
        "Charges between all operators: of 100 that begin, 4 are denied, 3 released, 1 is never\n"
        "started and 92 are settled (`charges_settled`), but for those that are under way at the\n"
        "end (`open`). Registrations of chargers are transactions too.\n"
        "The keys come from the seed and are worth nothing. Open charges have to be recorded\n"
        "within 72 hours of --end, else they expire when the network runs.\n"
        "The same options with an --end give the same segments.\n"
        "Examples:\n"
        "  tally bench ledger --transactions 50000 --out /tmp/past\n"
        "  tally bench ledger --transactions 1000000 --currencies CNY,EUR --out /tmp/past\n"
        "  tally devnet start HUB --no-wait --dir /tmp/past    (then AAA, BBB, CCC)\n"
        "  tally devnet start DDD --dir /tmp/past              (joins by a snapshot)");
    command->callback([arguments, &exit_code] { exit_code = make_ledger(*arguments); });
}

}  // namespace tally::tools
