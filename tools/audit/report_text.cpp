#include "tools/audit/report_text.h"

#include "tools/audit/report_bank.h"
#include "tools/audit/report_business.h"
#include "tools/audit/report_compare.h"
#include "tools/audit/report_member.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cstdio>
#include <sstream>

namespace tally::tools {
namespace {

namespace json = boost::json;

json::object to_json(const Finding& finding) {
    json::object object;
    object["kind"] = to_text(finding.kind);
    object["height"] = finding.height;
    if (finding.index) {
        object["index"] = *finding.index;
    }
    object["segment"] = finding.segment;
    object["offset"] = finding.offset;
    object["message"] = finding.message;
    return object;
}

std::string one_decimal(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

double per_second(std::uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

void add_verdict(std::ostringstream& out, const AuditOutcome& outcome) {
    switch (outcome.verdict()) {
        case Verdict::verified:
            out << "verified\n";
            break;
        case Verdict::incomplete:
            for (const std::string& gap : outcome.gaps()) {
                out << "incomplete: " << gap << "\n";
            }
            out << "NOT verified as a whole: nothing is wrong with what was looked at\n";
            break;
        case Verdict::wrong:
            for (const std::string& gap : outcome.gaps()) {
                out << "incomplete: " << gap << "\n";
            }
            out << "NOT verified: " << counted(outcome.report.findings_count, "finding") << "\n";
            break;
    }
}

}  // namespace

std::string finding_text(const Finding& finding) {
    std::ostringstream out;
    out << "finding: " << to_text(finding.kind) << " at height " << finding.height;
    if (finding.index) {
        out << ", index " << *finding.index;
    }
    if (!finding.segment.empty()) {
        out << " (" << finding.segment << " at byte " << finding.offset << ")";
    }
    out << ": " << finding.message << "\n";
    return out.str();
}

std::string audit_report_text(const AuditOutcome& outcome) {
    const AuditReport& report = outcome.report;
    const AuditRun& run = outcome.run;
    std::ostringstream out;
    for (const Finding& finding : report.findings) {
        out << finding_text(finding);
    }
    if (report.findings_count > report.findings.size()) {
        out << "and " << counted(report.findings_count - report.findings.size(), "more finding")
            << "\n";
    }
    out << "audited       " << time_text(run.started_at) << "\n"
        << "ledger        " << run.target << (run.live ? " (in use)" : "") << "\n"
        << "chain         " << to_hex(report.chain_id) << "\n"
        << "level         " << to_text(report.level) << "\n"
        << "blocks        " << report.blocks << " in " << report.segments << " segment files, "
        << report.bytes << " bytes\n"
        << "certificates  " << report.certificates << ", of them " << report.finalizations
        << " finalizations\n";
    if (report.level >= AuditLevel::merkle) {
        out << "envelopes     " << report.envelopes << "\n"
            << "transactions  " << report.transactions << "\n"
            << "leaves        " << report.leaves << ", checked to height " << report.log_checked_to
            << "\n";
    }
    if (report.level >= AuditLevel::replay) {
        out << "executed to   " << report.replayed_to << "\n";
    }
    if (report.from_height > 0) {
        out << "goes on from  " << report.from_height << ", " << report.transactions_in_all
            << " transactions in all\n";
    }
    if (report.level >= AuditLevel::business) {
        out << business_text(report);
    }
    out << "signatures    " << report.signatures << "\n"
        << "height        " << report.last_height << " of " << time_text(report.last_time) << "\n"
        << "digest        " << to_hex(report.last_digest) << "\n"
        << "state root    " << to_hex(report.state_root) << "\n"
        << "log root      " << to_hex(report.log_root) << "\n";
    if (report.uncovered > 0) {
        out << "not covered   the last " << report.uncovered
            << " blocks, whose finalization is still to be written\n";
    }
    out << "time          " << one_decimal(run.seconds) << " s, "
        << one_decimal(per_second(report.blocks, run.seconds)) << " blocks/s, "
        << one_decimal(per_second(report.transactions, run.seconds)) << " transactions/s\n";
    out << member_text(outcome);
    if (outcome.bank) {
        out << bank_text(*outcome.bank);
    }
    if (outcome.comparison) {
        out << comparison_text(*outcome.comparison);
    }
    add_verdict(out, outcome);
    return out.str();
}

std::string audit_report_json(const AuditOutcome& outcome) {
    const AuditReport& report = outcome.report;
    const AuditRun& run = outcome.run;
    json::array findings;
    for (const Finding& finding : report.findings) {
        findings.emplace_back(to_json(finding));
    }
    json::object object;
    object["verified"] = outcome.verdict() == Verdict::verified;
    json::array gaps;
    for (const std::string& gap : outcome.gaps()) {
        gaps.emplace_back(gap);
    }
    object["gaps"] = std::move(gaps);
    object["audited_at"] = time_text(run.started_at);
    if (json::object member = member_json(outcome); !member.empty()) {
        object["member"] = std::move(member);
    }
    if (outcome.bank) {
        object["bank"] = bank_json(*outcome.bank);
    }
    if (outcome.comparison) {
        object["comparison"] = comparison_json(*outcome.comparison);
    }
    object["interrupted"] = report.interrupted;
    object["from_height"] = report.from_height;
    object["transactions_in_all"] = report.transactions_in_all;
    if (report.level >= AuditLevel::business) {
        object["business"] = business_json(report.business);
    }
    object["target"] = run.target;
    object["live"] = run.live;
    object["level"] = to_text(report.level);
    object["chain_id"] = to_hex(report.chain_id);
    object["segments"] = report.segments;
    object["bytes"] = report.bytes;
    object["blocks"] = report.blocks;
    object["certificates"] = report.certificates;
    object["finalizations"] = report.finalizations;
    object["envelopes"] = report.envelopes;
    object["transactions"] = report.transactions;
    object["leaves"] = report.leaves;
    object["signatures"] = report.signatures;
    object["height"] = report.last_height;
    object["block_time_ms"] = report.last_time;
    object["digest"] = to_hex(report.last_digest);
    object["state_root"] = to_hex(report.state_root);
    object["log_root"] = to_hex(report.log_root);
    object["log_checked_to"] = report.log_checked_to;
    object["replayed_to"] = report.replayed_to;
    object["uncovered"] = report.uncovered;
    object["seconds"] = run.seconds;
    object["transactions_per_second"] = per_second(report.transactions, run.seconds);
    object["findings_count"] = report.findings_count;
    object["findings"] = std::move(findings);
    return json::serialize(object) + "\n";
}

}  // namespace tally::tools
