#include "tools/bench/command.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_random.h"
#include "tools/bench/charge_bench.h"
#include "tools/bench/verify_bench.h"
#include "tools/devnet/devnet.h"
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

    Expected<std::string, Done> start(int base_port) {
        DevnetOptions options;
        options.folder = m_folder;
        options.base_port = base_port;
        const auto up = devnet_up(
            options, [](const std::string& step) { std::cerr << "bench: " << step << "\n"; });
        m_up = up.has_value();
        if (!up) {
            report(up.error());
            return Unexpected{Done{}};
        }
        return m_folder;
    }

private:
    std::string m_folder;
    bool m_up{false};
};

int finish(const json::object& figures, const Options& options) {
    if (!options.json_file.empty()) {
        PosixFileSystem files;
        const std::string text = json::serialize(figures) + "\n";
        if (!files.write_whole(options.json_file, as_bytes(text))) {
            return report(options.json_file + ": cannot be written");
        }
    }
    std::cout << render_fields(figures);
    return 0;
}

int bench(Options& options) {
    TemporaryDevnet own;
    if (options.bench.devnet.empty()) {
        const auto folder = own.start(options.base_port);
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
        "  tally bench verify");
    CLI::App* verify_command =
        command->add_subcommand("verify", "Raw secp256k1 verifications per second");
    verify_command->add_option("--seconds", options->seconds, "For each of the two measurements")
        ->check(CLI::Range(1U, 600U));
    verify_command->add_option("--json", options->json_file, "File for the figures as JSON");
    command->callback([options, verify_command, &exit_code] {
        exit_code = verify_command->parsed() ? verify(*options) : bench(*options);
    });
}

}  // namespace tally::tools
