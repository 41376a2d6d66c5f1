#include "tools/audit/audit_arguments.h"

#include "ledger/crypto/secp256k1.h"
#include "ledger/model/ids.h"
#include "tools/audit/evidence_copy.h"

#include <CLI/CLI.hpp>

#include <set>

namespace tally::tools {

void add_audit_options(CLI::App& command, AuditArguments& arguments) {
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
                       "Keep in this file what the next audit goes on from");
    command.add_option("--from", arguments.from, "Go on from this checkpoint");
    command.add_option(
        "--evidence", arguments.evidence,
        "Meter data: a folder with one file for each charge, BBB-0123....EXT, or the "
        "URL of a bridge that keeps them");
    command.add_option("--evidence-token-file", arguments.evidence_token_file,
                       "File with that bridge's token for auditors (its evidence_token_file)");
    command.add_option("--lenient-meter", arguments.lenient_meters,
                       "Serial of a meter whose signatures need not be DER; repeatable");
    command.add_option("--bank", arguments.bank,
                       "A bank's statement, camt.053 or CSV, to compare with confirmed payments");
    command.add_option(
        "--member", arguments.member,
        "Check that nothing that touches this member was left out; with --bank, whose "
        "account it is");
    command.add_option("--receipt", arguments.receipt,
                       "A proof of a member's sub-log, as `tally proof sublog AAA --out FILE` "
                       "writes it: verified, and compared with the ledger at its block");
    command.add_option("--height", arguments.height, "A block of this height is known to exist");
    command.add_option("--compare", arguments.compare,
                       "URLs of members: prove that all of them have one ledger");
    command.add_option("--fork-file", arguments.fork_file, "Where the evidence of a fork goes")
        ->capture_default_str();
    command.add_option("--threads", arguments.threads, "0: one for each core")
        ->capture_default_str();
}

std::string find_problem(const AuditArguments& arguments) {
    if (!arguments.verify_report.empty()) {
        const bool is_key =
            arguments.report_key.empty() || fixed_from_hex<PublicKey>(arguments.report_key);
        return is_key ? "" : "--key must be 66 hexadecimal digits";
    }
    if (arguments.genesis.empty()) {
        return "--genesis is required";
    }
    if (arguments.target.empty() && arguments.compare.empty()) {
        return "name a ledger, or members with --compare";
    }
    const bool makes_report = !arguments.report.empty() || !arguments.json.empty();
    if (arguments.target.empty() && makes_report) {
        return "--report and --json need a ledger to report on";
    }
    if (!arguments.sign.empty() && arguments.report.empty()) {
        return "--sign needs --report";
    }
    const bool needs_books = !arguments.evidence.empty() || !arguments.bank.empty() ||
                             !arguments.member.empty() || !arguments.receipt.empty();
    if (needs_books && (arguments.target.empty() || arguments.level != "business")) {
        return "--evidence, --bank, --member and --receipt need a ledger and --level business";
    }
    if (!arguments.member.empty() && !party_from_text(arguments.member)) {
        return "--member must be three letters";
    }
    if (!arguments.lenient_meters.empty() && arguments.evidence.empty()) {
        return "--lenient-meter is about signatures in --evidence";
    }
    if (is_url(arguments.evidence) == arguments.evidence_token_file.empty()) {
        return "--evidence URL needs --evidence-token-file, and a folder none";
    }
    const std::set<std::string> urls{arguments.compare.begin(), arguments.compare.end()};
    return urls.size() < arguments.compare.size() ? "--compare names a member twice" : "";
}

}  // namespace tally::tools
