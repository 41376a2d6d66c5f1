#include "tools/audit/audit_command.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/store/segment_source.h"
#include "node/config/genesis_json.h"
#include "node/runtime/key_file.h"
#include "tools/audit/audit_target.h"
#include "tools/audit/checkpoint_file.h"
#include "tools/audit/compare.h"
#include "tools/audit/evidence_folder.h"
#include "tools/audit/report_html.h"
#include "tools/audit/report_text.h"
#include "tools/audit/signed_report.h"
#include "tools/audit/thread_job_runner.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {
namespace {

constexpr int exit_verified{0};
constexpr int exit_finding{1};
constexpr int exit_unreadable{2};
constexpr std::chrono::minutes checkpoint_interval{5};
constexpr std::uint64_t report_bytes_max{256UL * 1024 * 1024};

struct Arguments {
    std::string target;
    std::string genesis;
    std::string level{"replay"};
    std::string json;
    std::string report;
    std::string sign;
    std::string verify_report;
    std::string report_key;
    std::string from;
    std::string checkpoint;
    std::string evidence;
    std::string fork_file{"fork.evidence"};
    std::vector<std::string> compare;
    std::uint64_t height{0};
    unsigned threads{0};
};

// Only set by the signal handler: the audit ends at its next batch and keeps what it has.
volatile std::sig_atomic_t stop_asked{0};

int unreadable(const std::string& message) {
    std::cerr << "tally audit: " << message << "\n";
    return exit_unreadable;
}

/// A bar on standard error, drawn again at most once per percent.
AuditProgressCallback progress_bar() {
    if (::isatty(STDERR_FILENO) == 0) {
        return nullptr;
    }
    auto shown = std::make_shared<int>(-1);
    return [shown](const AuditProgress& progress) {
        constexpr int width{40};
        const std::uint64_t total = progress.bytes_total == 0 ? 1 : progress.bytes_total;
        const int percent = static_cast<int>(100 * progress.bytes_done / total);
        if (percent == *shown) {
            return;
        }
        *shown = percent;
        const std::string bar(static_cast<std::size_t>(percent * width / 100), '#');
        std::fprintf(stderr, "\r[%-*s] %3d %%  height %llu", width, bar.c_str(), percent,
                     static_cast<unsigned long long>(progress.height));
        if (percent == 100) {
            std::fputc('\n', stderr);
        }
    };
}

/// Writes the checkpoint now and then, and at the end, so that an audit that was ended goes on
/// with `--from` of the same file.
void keep_checkpoints(const std::string& file, AuditOptions& options,
                      const std::shared_ptr<std::string>& problem) {
    using Time = std::chrono::steady_clock;
    auto last = std::make_shared<Time::time_point>(Time::now());
    options.wants_checkpoint = [last](bool at_end) {
        return at_end || Time::now() - *last >= checkpoint_interval;
    };
    options.on_checkpoint = [file, last, problem](const AuditCheckpoint& checkpoint) {
        if (const auto written = write_checkpoint(file, checkpoint); !written) {
            *problem = written.error();
        }
        *last = Time::now();
    };
}

Expected<AuditOptions, std::string> make_options(const Arguments& arguments, bool live) {
    AuditOptions options;
    options.level = *audit_level_from_text(arguments.level);
    options.live = live;
    options.expected_height = arguments.height;
    if (!arguments.from.empty()) {
        auto from = read_checkpoint(arguments.from);
        if (!from) {
            return Unexpected{from.error()};
        }
        options.from = std::move(from).value();
        options.expected_height = std::max(options.expected_height, options.from->header.height);
    }
    if (!arguments.evidence.empty()) {
        auto evidence = read_evidence(arguments.evidence);
        if (!evidence) {
            return Unexpected{evidence.error()};
        }
        options.evidence = std::move(evidence).value();
    }
    options.should_stop = [] { return stop_asked != 0; };
    return options;
}

/// Writes the reports that were asked for. The error says which could not be written.
Expected<Done, std::string> write_reports(const Arguments& arguments, const AuditReport& report,
                                          const AuditRun& run) {
    PosixFileSystem files;
    if (!arguments.json.empty() &&
        !files.write_whole(arguments.json, as_bytes(audit_report_json(report, run)))) {
        return Unexpected{"cannot write " + arguments.json};
    }
    if (arguments.report.empty()) {
        return Done{};
    }
    std::string html = audit_report_html(report, run);
    if (!arguments.sign.empty()) {
        const auto key = node::read_secret_key(arguments.sign);
        if (!key) {
            return Unexpected{key.error().text};
        }
        html = sign_report(std::move(html), *key);
    }
    if (!files.write_whole(arguments.report, as_bytes(html))) {
        return Unexpected{"cannot write " + arguments.report};
    }
    return Done{};
}

int verify_report_file(const Arguments& arguments) {
    const PosixFileSystem files;
    const auto bytes = files.read(arguments.verify_report, 0, report_bytes_max);
    if (!bytes) {
        return unreadable(arguments.verify_report + ": " + to_text(bytes.error()));
    }
    const auto key = verify_report(std::string{as_text(*bytes)});
    if (!key) {
        std::cout << "NOT verified: " << key.error() << "\n";
        return exit_finding;
    }
    std::cout << "signed by     " << to_hex(*key) << "\n";
    if (!arguments.report_key.empty() && to_hex(*key) != arguments.report_key) {
        std::cout << "NOT verified: that is not the auditor's key\n";
        return exit_finding;
    }
    std::cout << "verified\n";
    return exit_verified;
}

Expected<AuditReport, std::string> audit_target(const Arguments& arguments, const Genesis& genesis,
                                                const AuditTarget& target) {
    Expected<AuditOptions, std::string> options = make_options(arguments, target.live);
    if (!options) {
        return Unexpected{options.error()};
    }
    const auto problem = std::make_shared<std::string>();
    if (!arguments.checkpoint.empty()) {
        keep_checkpoints(arguments.checkpoint, *options, problem);
    }
    ThreadJobRunner runner{arguments.threads};
    auto report = audit_ledger(*target.source, genesis, *options, runner, progress_bar());
    if (!report) {
        return Unexpected{report.error().message};
    }
    if (!problem->empty()) {
        return Unexpected{*problem};
    }
    return std::move(report).value();
}

int audit(const Arguments& arguments) {
    if (!arguments.verify_report.empty()) {
        return verify_report_file(arguments);
    }
    const auto genesis = node::load_genesis(arguments.genesis);
    if (!genesis) {
        return unreadable(genesis.error());
    }
    if (arguments.target.empty()) {
        return compare_members(*genesis, arguments.compare, arguments.fork_file, nullptr);
    }
    const auto target = open_audit_target(arguments.target);
    if (!target) {
        return unreadable(target.error().message);
    }
    static_cast<void>(std::signal(SIGINT, [](int) { stop_asked = 1; }));
    static_cast<void>(std::signal(SIGTERM, [](int) { stop_asked = 1; }));
    const auto start = std::chrono::steady_clock::now();
    auto report = audit_target(arguments, *genesis, *target);
    if (!report) {
        return unreadable(report.error());
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    const AuditRun run{arguments.target, target->live, taken.count()};
    std::cout << audit_report_text(*report, run);
    if (const auto written = write_reports(arguments, *report, run); !written) {
        return unreadable(written.error());
    }
    int compared{exit_verified};
    if (!arguments.compare.empty()) {
        compared = compare_members(*genesis, arguments.compare, arguments.fork_file, &*report);
    }
    if (report->findings_count > 0) {
        return exit_finding;
    }
    return report->interrupted ? exit_unreadable : compared;
}

void add_options(CLI::App& command, Arguments& arguments) {
    command.add_option("LEDGER", arguments.target,
                       "A node's data folder, a folder of segments, or a node's http:// URL");
    command.add_option("--genesis", arguments.genesis, "The genesis file");
    command.add_option("--level", arguments.level, "How much to check")
        ->check(CLI::IsMember({"chain", "merkle", "signatures", "replay", "business"}))
        ->capture_default_str();
    command.add_option("--json", arguments.json, "Write the report to this file, as JSON");
    command.add_option("--report", arguments.report, "Write the report to this file, as HTML");
    command.add_option("--sign", arguments.sign, "Sign the HTML report with this secret key file");
    command.add_option("--verify-report", arguments.verify_report,
                       "Verify the signature of an HTML report, and nothing else");
    command.add_option("--key", arguments.report_key,
                       "The public key that must have signed it, hexadecimal");
    command.add_option("--checkpoint", arguments.checkpoint,
                       "Keep here (and in FILE.state) what the next audit goes on from");
    command.add_option("--from", arguments.from, "Go on from this checkpoint");
    command.add_option("--evidence", arguments.evidence,
                       "A folder with meter data, one file for each charge: BBB-0123....EXT");
    command.add_option("--height", arguments.height, "A block of this height is known to exist");
    command.add_option("--compare", arguments.compare,
                       "URLs of members: prove that all of them have one ledger");
    command.add_option("--fork-file", arguments.fork_file, "Where the evidence of a fork goes")
        ->capture_default_str();
    command.add_option("--threads", arguments.threads, "0: one for each core")
        ->capture_default_str();
}

/// What is wrong with the options together, in words; empty when nothing is.
std::string check(const Arguments& arguments) {
    if (!arguments.verify_report.empty()) {
        return {};
    }
    if (arguments.genesis.empty()) {
        return "--genesis is required";
    }
    if (arguments.target.empty() && arguments.compare.empty()) {
        return "name a ledger, or members with --compare";
    }
    return !arguments.sign.empty() && arguments.report.empty() ? "--sign needs --report" : "";
}

}  // namespace

void add_audit_command(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    CLI::App* command = app.add_subcommand("audit", "Verify a whole ledger");
    add_options(*command, *arguments);
    command->footer(
        "An audit that is ended (Ctrl-C) keeps its checkpoint and goes on with --from.\n"
        "Exit codes: 0 verified, 1 something is wrong, 2 cannot read, or ended before its end.\n"
        "Example: tally audit /var/lib/tallyd --genesis genesis.json --level business \\\n"
        "             --report audit.html --sign auditor.key --checkpoint audit.json");
    command->callback([arguments, &exit_code] {
        const std::string problem = check(*arguments);
        exit_code = problem.empty() ? audit(*arguments) : unreadable(problem);
    });
}

}  // namespace tally::tools
