#include "tools/bench/command.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_random.h"
#include "node/runtime/logging.h"
#include "tools/bench/charge_bench.h"
#include "tools/bench/finality_bench.h"
#include "tools/bench/ledger_command.h"
#include "tools/bench/tokens_bench.h"
#include "tools/bench/verify_bench.h"
#include "tools/devnet/devnet.h"
#include "tools/devnet/plan.h"
#include "tools/show/render.h"

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

struct Options {
    BenchOptions bench;
    std::string via{"api"};
    std::string json_file;
    int base_port{7300};
    std::uint32_t seconds{3};
    FinalityOptions finality;
    int nodes{4};
};

int report(const std::string& error) {
    std::cerr << "tally bench: " << error << "\n";
    return 1;
}

/// A devnet of the bench's own, gone with it.
class TemporaryDevnet {
public:
    TemporaryDevnet() {
        SystemRandom random;
        const std::string name =
            "tally-bench-" + to_hex(random.fixed<FixedBytes<6, struct BenchNameTag>>());
        m_folder = (std::filesystem::temp_directory_path() / name).string();
    }
    ~TemporaryDevnet() {
        if (m_up && !devnet_down(m_folder)) {
            return;
        }
        std::error_code ignored;
        std::filesystem::remove_all(m_folder, ignored);
    }
    TemporaryDevnet(const TemporaryDevnet&) = delete;
    TemporaryDevnet& operator=(const TemporaryDevnet&) = delete;

    Expected<std::string, Done> start(DevnetOptions options) {
        options.folder = m_folder;
        const auto up = devnet_up(
            options, [](const std::string& step) { std::cerr << "bench: " << step << "\n"; });
        m_up = up.has_value();
        if (!up) {
            report(up.error());
            return Unexpected{Done{}};
        }
        return m_folder;
    }

    [[nodiscard]] const std::string& folder() const { return m_folder; }

private:
    std::string m_folder;
    bool m_up{false};
};

int finish(const json::object& figures, const Options& options, const std::string& text) {
    if (!options.json_file.empty()) {
        PosixFileSystem files;
        const std::string line = json::serialize(figures) + "\n";
        if (!files.write_whole(options.json_file, as_bytes(line))) {
            return report(options.json_file + ": cannot be written");
        }
    }
    std::cout << text;
    return 0;
}

int finish(const json::object& figures, const Options& options) {
    return finish(figures, options, render_fields(figures));
}

int bench(Options& options) {
    TemporaryDevnet own;
    if (options.bench.devnet.empty()) {
        DevnetOptions devnet;
        devnet.base_port = options.base_port;
        const auto folder = own.start(devnet);
        if (!folder) {
            return 1;
        }
        options.bench.devnet = *folder;
    }
    const bool terminal = isatty(STDERR_FILENO) == 1;
    BenchProgress progress;
    if (terminal) {
        progress = [&options](std::uint32_t settled) {
            std::cerr << "\r\033[K" << settled << " of " << options.bench.charges << " settled"
                      << std::flush;
        };
    }
    const auto figures = options.via == "ocpp" ? bench_via_ocpp(options.bench, progress)
                                               : bench_via_api(options.bench, progress);
    std::cerr << (terminal ? "\r\033[K" : "");
    return figures ? finish(*figures, options) : report(figures.error());
}

int verify(const Options& options) {
    const VerifyRate rate = measure_verify_rate(std::chrono::seconds{options.seconds});
    return finish({{"verifications_per_second_one_core", rate.per_second_one_core},
                   {"verifications_per_second_all_cores", rate.per_second_all_cores},
                   {"cores", rate.cores}},
                  options);
}

/// The parts are measured first, on a machine that does nothing else, and on the devnet's disk.
int finality(Options& options) {
    static_cast<void>(node::configure_logging({node::LogLevel::error, {}}));  // of the own link
    TemporaryDevnet own;
    MachineParts parts;
    const std::string parts_folder = own.folder() + "-parts";
    std::error_code error;
    std::filesystem::create_directories(parts_folder, error);
    const auto measured = measure_parts(parts_folder, parts);
    std::filesystem::remove_all(parts_folder, error);
    if (!measured) {
        return report(measured.error());
    }
    DevnetOptions devnet;
    devnet.operators = options.nodes - 1;
    devnet.bridges = 0;
    devnet.base_port = options.base_port;
    const auto folder = own.start(devnet);
    if (!folder) {
        return 1;
    }
    options.finality.devnet = *folder;
    const auto figures = bench_finality(options.finality, parts);
    return figures ? finish(*figures, options, finality_text(*figures)) : report(figures.error());
}

void add_finality_command(CLI::App& bench_command, const std::shared_ptr<Options>& options,
                          int& exit_code) {
    CLI::App* command = bench_command.add_subcommand(
        "finality", "Block interval and finality on loopback, beside what they are made of");
    command->add_option("--nodes", options->nodes, "Validators of an own network")
        ->check(CLI::Range(3, devnet_operators_max + 1));
    command->add_option("--seconds", options->finality.seconds, "To measure for")
        ->check(CLI::Range(2U, 3'600U));
    command->add_option("--base-port", options->base_port, "Of the network");
    command->add_option("--json", options->json_file, "File for the figures as JSON");
    command->footer(
        "Half of the time one transaction at a time, half eight at once. The second table\n"
        "counts hops, signatures and syncs on the way of one transaction, each measured alone.");
    command->callback([options, &exit_code] { exit_code = finality(*options); });
}

}  // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("bench", "Measure settled charges per second");
    command->add_option("--devnet", options->bench.devnet,
                        "Folder of a devnet; one is made and removed unless told");
    command->add_option("--charges", options->bench.charges, "How many")
        ->check(CLI::Range(1U, 100'000'000U));
    command->add_option("--concurrency", options->bench.concurrency, "At once")
        ->check(CLI::Range(1U, 100'000U));
    command->add_option("--via", options->via, "Where they enter")
        ->check(CLI::IsMember({"api", "ocpp"}));
    command->add_option("--base-port", options->base_port, "Of an own devnet");
    command->add_option("--json", options->json_file, "File for the figures as JSON");
    command->footer(
        "via api: the operators' signed envelopes enter at POST /api/v1/envelopes.\n"
        "via ocpp: whole charges from the swipe on; gives the time to the final approval.\n"
        "Examples:\n"
        "  tally bench --devnet /tmp/net --charges 10000 --concurrency 500\n"
        "  tally bench --devnet /tmp/net --charges 200 --concurrency 4 --via ocpp\n"
        "  tally bench finality --nodes 7 --seconds 20\n"
        "  tally bench ledger --transactions 1000000 --out /tmp/past\n"
        "  tally bench verify");
    CLI::App* verify_command =
        command->add_subcommand("verify", "Raw secp256k1 verifications per second");
    verify_command->add_option("--seconds", options->seconds, "For each of the two measurements")
        ->check(CLI::Range(1U, 600U));
    verify_command->add_option("--json", options->json_file, "File for the figures as JSON");
    add_finality_command(*command, options, exit_code);
    add_ledger_command(*command, exit_code);
    add_tokens_bench(*command, exit_code);
    command->callback([options, command, verify_command, &exit_code] {
        if (verify_command->parsed()) {
            exit_code = verify(*options);
        } else if (command->get_subcommands().empty()) {
            exit_code = bench(*options);
        }
    });
}

}  // namespace tally::tools
