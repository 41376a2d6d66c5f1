#include "tools/audit/audit_command.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "node/config/genesis_json.h"
#include "node/runtime/key_file.h"
#include "tools/audit/audit_arguments.h"
#include "tools/audit/audit_target.h"
#include "tools/audit/checkpoint_file.h"
#include "tools/audit/evidence_copy.h"
#include "tools/audit/evidence_folder.h"
#include "tools/audit/meter_evidence.h"
#include "tools/audit/progress_bar.h"
#include "tools/audit/report_compare.h"
#include "tools/audit/report_html.h"
#include "tools/audit/report_text.h"
#include "tools/audit/segments_copy.h"
#include "tools/audit/signed_report.h"
#include "tools/audit/sublog_receipt.h"
#include "tools/audit/thread_job_runner.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tally::tools {
namespace {

constexpr int exit_verified{0};
constexpr int exit_finding{1};
constexpr int exit_incomplete{2};
constexpr std::chrono::minutes checkpoint_interval{5};
constexpr std::uint64_t evidence_told_every{1000};
constexpr std::uint64_t report_bytes_max{256UL * 1024 * 1024};

// Only set by the signal handler: the audit ends at its next batch and keeps what it has.
volatile std::sig_atomic_t stop_asked{0};

int unreadable(const std::string& message) {
    std::cerr << "tally audit: " << message << "\n";
    return exit_incomplete;
}

/// Writes the checkpoint now and then, and at the end, so that an audit that was ended goes on
/// with `--from` of the same file. `problem` gets why the last one could not be written.
void keep_checkpoints(const std::string& file, AuditOptions& options,
                      const std::shared_ptr<std::string>& problem) {
    using Time = std::chrono::steady_clock;
    auto last = std::make_shared<Time::time_point>(Time::now());
    options.wants_checkpoint = [last](bool at_end) {
        return at_end || Time::now() - *last >= checkpoint_interval;
    };
    options.on_checkpoint = [file, last, problem](const AuditCheckpoint& checkpoint) {
        const auto written = write_checkpoint(file, checkpoint);
        *problem = written ? std::string{} : written.error();
        *last = Time::now();
    };
}

Expected<Done, std::string> go_on_from(const std::string& file, AuditOptions& options) {
    auto from = read_checkpoint(file);
    if (!from) {
        return Unexpected{from.error()};
    }
    if ((*from)->has_business && options.level != AuditLevel::business) {
        return Unexpected{file +
                          ": was written at --level business: go on at that level, else the "
                          "sums that it carries would be lost"};
    }
    options.from = std::move(from).value();
    options.expected_height = std::max(options.expected_height, options.from->header.height);
    return Done{};
}

/// Meter data of a folder, or of a bridge through `copy`, which must outlive the audit.
Expected<Done, std::string> take_evidence(const AuditArguments& arguments, EvidenceCopy& copy,
                                          AuditOptions& options) {
    std::string folder = arguments.evidence;
    if (is_url(arguments.evidence)) {
        const auto token = node::read_secret_text(arguments.evidence_token_file);
        if (!token) {
            return Unexpected{token.error().text};
        }
        const auto fetched = copy.fetch(arguments.evidence, *token, [](std::uint64_t charges) {
            if (charges % evidence_told_every == 0) {
                std::cerr << "tally audit: meter data of " << charges << " charges fetched\n";
            }
        });
        if (!fetched) {
            return Unexpected{fetched.error()};
        }
        if (copy.not_whole() > 0) {
            std::cerr << "tally audit: " << copy.not_whole()
                      << " charges had more meter data than the bridge keeps; they are not among "
                         "what was supplied\n";
        }
        folder = copy.folder();
    }
    auto evidence = read_evidence(folder);
    if (!evidence) {
        return Unexpected{is_url(arguments.evidence) ? arguments.evidence + ": has no meter data"
                                                     : evidence.error()};
    }
    options.evidence = std::move(evidence->hashes);
    options.verify_meter =
        MeterEvidence{std::move(evidence->paths),
                      {arguments.lenient_meters.begin(), arguments.lenient_meters.end()}};
    return Done{};
}

Expected<AuditOptions, std::string> make_options(const AuditArguments& arguments, bool live,
                                                 EvidenceCopy& copy) {
    AuditOptions options;
    options.level = *audit_level_from_text(arguments.level);
    options.live = live;
    options.expected_height = arguments.height;
    if (!arguments.from.empty()) {
        if (const auto read = go_on_from(arguments.from, options); !read) {
            return Unexpected{read.error()};
        }
    }
    if (!arguments.evidence.empty()) {
        if (const auto taken = take_evidence(arguments, copy, options); !taken) {
            return Unexpected{taken.error()};
        }
    }
    if (!arguments.member.empty()) {
        options.member = party_from_text(arguments.member);
    }
    options.should_stop = [] { return stop_asked != 0; };
    return options;
}

/// The receipt to compare with, and whose sub-log it is of.
Expected<std::optional<SublogReceipt>, std::string> take_receipt(const std::string& file,
                                                                 const Genesis& genesis,
                                                                 AuditOptions& options) {
    if (file.empty()) {
        return std::optional<SublogReceipt>{};
    }
    auto receipt = read_sublog_receipt(file, genesis);
    if (!receipt) {
        return Unexpected{receipt.error()};
    }
    if (options.member && *options.member != receipt->member) {
        return Unexpected{file + ": is of the sub-log of " + to_text(receipt->member)};
    }
    const std::uint64_t height = receipt->proven.height;
    if (options.from && height <= options.from->header.height) {
        return Unexpected{file + ": is of block " + std::to_string(height) +
                          ", and the audit goes on behind block " +
                          std::to_string(options.from->header.height) + ": audit without --from"};
    }
    options.member = receipt->member;
    options.proven_sublog = receipt->proven;
    return std::optional{std::move(receipt).value()};
}

/// Meter data that fit no record were supplied in vain, which must not look like a clean result.
void check_evidence(const AuditArguments& arguments, const AuditOptions& options,
                    AuditOutcome& outcome) {
    const std::vector<Finding>& findings = outcome.report.findings;
    const bool was_compared = outcome.report.business.evidence_matched > 0 ||
                              std::any_of(findings.begin(), findings.end(), [](const Finding& one) {
                                  return one.kind == FindingKind::evidence;
                              });
    if (!options.evidence.empty() && !was_compared) {
        outcome.problems.push_back("none of the " + std::to_string(options.evidence.size()) +
                                   " files of meter data in " + arguments.evidence +
                                   " is named after a charge that was recorded in these blocks");
    }
}

Expected<std::optional<BankStatement>, std::string> read_bank(const std::string& file) {
    if (file.empty()) {
        return std::optional<BankStatement>{};
    }
    const PosixFileSystem files;
    const auto bytes = files.read(file, 0, bank_file_bytes_max + 1);
    if (!bytes) {
        return Unexpected{file + ": " + to_text(bytes.error())};
    }
    auto statement = read_bank_statement(*bytes);
    if (!statement) {
        return Unexpected{file + ": " + statement.error()};
    }
    return std::optional{std::move(statement).value()};
}

void match_payments(const std::string& file, BankStatement statement, AuditOutcome& outcome) {
    const BusinessReport& business = outcome.report.business;
    BankMatch match = match_bank(std::move(statement), business.payments, outcome.member);
    match.file = file;
    if (business.payments.size() == payments_max) {
        outcome.problems.push_back("only the first " + std::to_string(payments_max) +
                                   " payments were compared with the bank's statement");
    }
    outcome.take(std::move(match));
}

/// The audit and what is compared with it. The error says why nothing can be said.
Expected<AuditOutcome, std::string> run_audit(const AuditArguments& arguments,
                                              const Genesis& genesis, const AuditTarget& target) {
    EvidenceCopy evidence;
    Expected<AuditOptions, std::string> options = make_options(arguments, target.live, evidence);
    if (!options) {
        return Unexpected{options.error()};
    }
    auto receipt = take_receipt(arguments.receipt, genesis, *options);
    if (!receipt) {
        return Unexpected{receipt.error()};
    }
    auto statement = read_bank(arguments.bank);
    if (!statement) {
        return Unexpected{statement.error()};
    }
    const auto checkpoint_problem = std::make_shared<std::string>();
    if (!arguments.checkpoint.empty()) {
        keep_checkpoints(arguments.checkpoint, *options, checkpoint_problem);
    }
    AuditOutcome outcome;
    outcome.run = {arguments.target, target.live, 0, SystemClock{}.now()};
    const auto start = std::chrono::steady_clock::now();
    ThreadJobRunner runner{arguments.threads};
    auto report = audit_ledger(*target.source, genesis, *options, runner, progress_bar());
    if (!report) {
        return Unexpected{report.error().message};
    }
    outcome.report = std::move(report).value();
    outcome.run.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!checkpoint_problem->empty()) {
        outcome.problems.push_back(*checkpoint_problem);
    }
    check_evidence(arguments, *options, outcome);
    outcome.member = options->member;
    outcome.receipt = std::move(receipt).value();
    if (*statement) {
        match_payments(arguments.bank, std::move(**statement), outcome);
    }
    return outcome;
}

/// Keeps the evidence of forks; gives what could not be written.
std::vector<std::string> write_forks(const std::string& file, Comparison& comparison) {
    PosixFileSystem files;
    std::vector<std::string> problems;
    for (std::size_t i = 0; i < comparison.forks.size(); ++i) {
        const std::string name = i == 0 ? file : file + "." + std::to_string(i + 1);
        if (files.write_whole(name, comparison.forks[i].encode())) {
            comparison.evidence_files.push_back(name);
        } else {
            problems.push_back("cannot write " + name);
        }
    }
    return problems;
}

void compare(const AuditArguments& arguments, const Genesis& genesis, AuditTarget& target,
             AuditOutcome& outcome) {
    SegmentsCopy copy{*target.source, outcome.report};
    Comparison comparison = compare_ledgers(genesis, http_proof_sources(arguments.compare), &copy);
    for (std::string& problem : write_forks(arguments.fork_file, comparison)) {
        outcome.problems.push_back(std::move(problem));
    }
    outcome.take(std::move(comparison));
}

int compare_only(const AuditArguments& arguments, const Genesis& genesis) {
    Comparison comparison =
        compare_ledgers(genesis, http_proof_sources(arguments.compare), nullptr);
    for (const std::string& problem : write_forks(arguments.fork_file, comparison)) {
        std::cerr << "tally audit: " << problem << "\n";
    }
    for (const Finding& finding : comparison.findings) {
        std::cout << finding_text(finding);
    }
    std::cout << comparison_text(comparison);
    if (!comparison.findings.empty()) {
        return exit_finding;
    }
    return comparison.is_complete() ? exit_verified : exit_incomplete;
}

/// Writes the reports that were asked for. The error says which could not be written.
Expected<Done, std::string> write_reports(const AuditArguments& arguments,
                                          const AuditOutcome& outcome) {
    PosixFileSystem files;
    if (!arguments.json.empty() &&
        !files.write_whole(arguments.json, as_bytes(audit_report_json(outcome)))) {
        return Unexpected{"cannot write " + arguments.json};
    }
    if (arguments.report.empty()) {
        return Done{};
    }
    std::string html = audit_report_html(outcome);
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

int verify_report_file(const AuditArguments& arguments) {
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
    if (arguments.report_key.empty()) {
        std::cout << "The signature is that of the key " << to_hex(*key)
                  << ".\nAnybody can sign a report: you must know that this key is the auditor's, "
                     "and say so with --key.\n";
        return exit_incomplete;
    }
    std::cout << "signed by     " << to_hex(*key) << "\n";
    if (to_hex(*key) != arguments.report_key) {
        std::cout << "NOT verified: that is not the auditor's key\n";
        return exit_finding;
    }
    std::cout << "verified\n";
    return exit_verified;
}

int audit(const AuditArguments& arguments) {
    if (!arguments.verify_report.empty()) {
        return verify_report_file(arguments);
    }
    const auto genesis = node::load_genesis(arguments.genesis);
    if (!genesis) {
        return unreadable(genesis.error());
    }
    if (arguments.target.empty()) {
        return compare_only(arguments, *genesis);
    }
    auto target = open_audit_target(arguments.target);
    if (!target) {
        return unreadable(target.error().message);
    }
    static_cast<void>(std::signal(SIGINT, [](int) { stop_asked = 1; }));
    static_cast<void>(std::signal(SIGTERM, [](int) { stop_asked = 1; }));
    auto outcome = run_audit(arguments, *genesis, *target);
    if (!outcome) {
        return unreadable(outcome.error());
    }
    if (!arguments.compare.empty()) {
        compare(arguments, *genesis, *target, *outcome);
    }
    if (const auto written = write_reports(arguments, *outcome); !written) {
        static_cast<void>(unreadable(written.error()));
        outcome->problems.push_back(written.error());
    }
    std::cout << audit_report_text(*outcome);
    return exit_code_of(outcome->verdict());
}

}  // namespace

void add_audit_command(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<AuditArguments>();
    CLI::App* command = app.add_subcommand("audit", "Verify a whole ledger");
    add_audit_options(*command, *arguments);
    command->footer(
        "An audit that is ended (Ctrl-C) keeps its checkpoint and goes on with --from.\n"
        "Exit codes: 0 verified, 1 something is wrong (whatever else could not be done), 2 cannot\n"
        "read, or not all that was asked for could be checked.\n"
        "Example: tally audit /var/lib/tallyd --genesis genesis.json --level business \\\n"
        "             --report audit.html --sign auditor.key --checkpoint audit.json");
    command->callback([arguments, &exit_code] {
        const std::string problem = find_problem(*arguments);
        exit_code = problem.empty() ? audit(*arguments) : unreadable(problem);
    });
}

}  // namespace tally::tools
