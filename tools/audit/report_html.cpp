#include "tools/audit/report_html.h"

#include "tools/audit/finding_help.h"
#include "tools/audit/report_bank.h"
#include "tools/audit/report_business.h"
#include "tools/audit/report_compare.h"
#include "tools/audit/report_member.h"
#include "tools/audit/svg_chart.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace tally::tools {
namespace {

constexpr const char* style{
    "body{font:15px/1.45 Georgia,serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111}"
    "h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #999}"
    "table{border-collapse:collapse;margin:.6em 0;font-size:.92em}"
    "th,td{border:1px solid #bbb;padding:.25em .6em;text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".good{background:#e4f3e4;border:1px solid #4a4;padding:.6em 1em}"
    ".bad{background:#fbe4e4;border:1px solid #b33;padding:.6em 1em}"
    ".hash{font-family:monospace;font-size:.8em;word-break:break-all}"
    "svg.chart{width:100%;height:auto;margin:.8em 0}svg.chart rect{fill:#47719c}"
    "svg.chart text{font:11px sans-serif;fill:#222}svg.chart text.title{font-weight:bold}"
    "@media print{body{max-width:none;margin:0;font-size:10pt}h2{break-after:avoid}"
    "table,svg{break-inside:avoid}@page{size:A4;margin:18mm}}"};

void row(std::ostringstream& out, const std::string& name, const std::string& value) {
    out << "<tr><th>" << escape_html(name) << "</th><td>" << escape_html(value) << "</td></tr>\n";
}

void figure(std::ostringstream& out, const std::string& value) {
    out << "<td class=\"n\">" << escape_html(value) << "</td>";
}

void add_gaps(std::ostringstream& out, const AuditOutcome& outcome) {
    out << "<ul>\n";
    for (const std::string& gap : outcome.gaps()) {
        out << "<li>" << escape_html(gap) << "</li>\n";
    }
    out << "</ul>\n";
}

void add_verdict(std::ostringstream& out, const AuditOutcome& outcome) {
    switch (outcome.verdict()) {
        case Verdict::verified:
            out << "<p class=\"good\"><b>Verified.</b> Everything that was checked holds; there "
                   "are no findings.</p>\n";
            return;
        case Verdict::incomplete:
            out << "<div class=\"bad\"><b>Not finished.</b> Nothing is wrong with what was looked "
                   "at, but not everything was:";
            add_gaps(out, outcome);
            out << "</div>\n";
            return;
        case Verdict::wrong:
            break;
    }
    out << "<div class=\"bad\"><b>NOT verified.</b> "
        << counted(outcome.report.findings_count, "finding") << ", explained below.";
    if (!outcome.gaps().empty()) {
        out << " And not everything could be looked at:";
        add_gaps(out, outcome);
    }
    out << "</div>\n";
}

void add_facts(std::ostringstream& out, const AuditReport& report, const AuditRun& run) {
    out << "<h2>What was audited</h2>\n<table>\n";
    row(out, "Audited", time_text(run.started_at));
    row(out, "Ledger", run.target + (run.live ? " (in use)" : ""));
    row(out, "Network (chain)", to_hex(report.chain_id));
    row(out, "Level", to_text(report.level));
    row(out, "Blocks",
        std::to_string(report.blocks) + ", up to height " + std::to_string(report.last_height));
    if (report.from_height > 0) {
        row(out, "Goes on from an earlier audit",
            "behind block " + std::to_string(report.from_height));
    }
    row(out, "Transactions", std::to_string(report.transactions_in_all));
    row(out, "Signatures verified", std::to_string(report.signatures));
    if (report.level >= AuditLevel::business) {
        row(out, "Charges rated again", std::to_string(report.business.records_rated));
    }
    if (report.level >= AuditLevel::merkle) {
        row(out, "Log of entries checked up to", "height " + std::to_string(report.log_checked_to));
    }
    if (report.level >= AuditLevel::replay) {
        row(out, "Executed again up to", "height " + std::to_string(report.replayed_to));
    }
    row(out, "Last block",
        "height " + std::to_string(report.last_height) + " of " + time_text(report.last_time) +
            ", " + to_hex(report.last_digest));
    row(out, "State root", to_hex(report.state_root));
    out << "</table>\n<p>A copy cannot tell by itself what comes after it, nor whether others have "
           "another one: that is what comparing with other members is for.</p>\n";
}

void add_findings(std::ostringstream& out, const AuditReport& report) {
    if (report.findings_count == 0) {
        return;
    }
    out << "<h2>Findings</h2>\n";
    std::map<FindingKind, FindingHelp> kinds;
    for (const Finding& finding : report.findings) {
        kinds.emplace(finding.kind, help_of(finding));
    }
    for (const auto& [kind, help] : kinds) {
        out << "<h3>" << words_of(to_text(kind)) << "</h3>\n<p>" << escape_html(help.meaning)
            << " <b>What to do:</b> " << escape_html(help.action)
            << "</p>\n<table><tr><th class=\"n\">Block</th><th>What</th><th>Where</th></tr>\n";
        for (const Finding& finding : report.findings) {
            if (finding.kind != kind) {
                continue;
            }
            out << "<tr>";
            figure(out, std::to_string(finding.height));
            out << "<td>" << escape_html(finding.message) << "</td><td>"
                << escape_html(finding.segment.empty()
                                   ? std::string{}
                                   : finding.segment + ", byte " + std::to_string(finding.offset))
                << "</td></tr>\n";
        }
        out << "</table>\n";
    }
    if (report.findings_count > report.findings.size()) {
        out << "<p>and " << report.findings_count - report.findings.size() << " more.</p>\n";
    }
}

void add_totals(std::ostringstream& out, const AuditReport& report) {
    out << "<h2>Totals</h2>\n<p>Sums " << sums_end_text(report) << ".</p>\n";
    for (const auto& [currency, figures] : totals_of(report.business)) {
        out << "<h3>" << to_text(currency) << ": " << wide_money_to_text(figures.posted)
            << " posted for " << energy_text(figures.energy_wh)
            << "</h3>\n<table><tr><th>Step</th><th class=\"n\">Times</th>"
               "<th class=\"n\">Amount</th></tr>\n";
        for (std::size_t i = 0; i < charge_steps; ++i) {
            const StepFigures& step = figures.steps[i];
            if (step.count > 0) {
                out << "<tr><td>" << step_words(static_cast<ChargeStep>(i)) << "</td>";
                figure(out, std::to_string(step.count));
                figure(out, wide_money_to_text(step.amount));
                out << "</tr>\n";
            }
        }
        out << "</table>\n";
    }
}

void add_matrix(std::ostringstream& out, const BusinessReport& report) {
    std::map<Currency, std::set<PartyId>> parties;
    for (const auto& [pair, figures] : report.pairs) {
        parties[pair.currency].insert(pair.home);
        parties[pair.currency].insert(pair.visited);
    }
    out << "<h2>Who owes whom</h2>\n<p>Posted in all. Rows owe (their drivers charged), columns "
           "are owed (at their chargers).</p>\n";
    for (const auto& [currency, members] : parties) {
        out << "<table><tr><th>" << to_text(currency) << "</th>";
        for (const PartyId& visited : members) {
            out << "<th class=\"n\">" << to_text(visited) << "</th>";
        }
        out << "</tr>\n";
        for (const PartyId& home : members) {
            out << "<tr><th>" << to_text(home) << "</th>";
            for (const PartyId& visited : members) {
                const auto found = report.pairs.find({home, visited, currency});
                figure(out,
                       found == report.pairs.end() ? "" : wide_money_to_text(found->second.posted));
            }
            out << "</tr>\n";
        }
        out << "</table>\n";
    }
    out << "<table><tr><th>Member</th><th>Currency</th><th class=\"n\">Owes</th>"
           "<th class=\"n\">Is owed</th><th class=\"n\">Net</th>"
           "<th class=\"n\">Promised, still open</th></tr>\n";
    for (const auto& [account, position] : report.positions) {
        out << "<tr><td>" << to_text(account.party) << "</td><td>" << to_text(account.currency)
            << "</td>";
        figure(out, wide_money_to_text(position.debits));
        figure(out, wide_money_to_text(position.credits));
        figure(out, wide_money_to_text(position.credits - position.debits));
        figure(out, wide_money_to_text(position.debits_pending));
        out << "</tr>\n";
    }
    out << "</table>\n";
}

void add_days(std::ostringstream& out, const BusinessReport& report) {
    std::map<Currency, std::vector<std::pair<std::string, double>>> charges;
    for (const auto& [day, figures] : report.days) {
        charges[day.currency].emplace_back(
            day_text(day.day), static_cast<double>(figures.of(ChargeStep::recorded).count));
    }
    if (charges.empty()) {
        return;
    }
    out << "<h2>Charges per day</h2>\n";
    for (auto& [currency, values] : charges) {
        out << vertical_bars("Charges recorded per day, " + to_text(currency), std::move(values));
    }
}

void add_denials(std::ostringstream& out, const BusinessReport& report) {
    if (report.denials.empty() && report.refusals.empty()) {
        return;
    }
    std::map<DenyReason, double> by_reason;
    for (const auto& [denial, count] : report.denials) {
        by_reason[denial.reason] += static_cast<double>(count);
    }
    std::vector<std::pair<std::string, double>> bars;
    for (const auto& [reason, count] : by_reason) {
        bars.emplace_back(words_of(to_text(reason)), count);
    }
    out << "<h2>Denials and refusals</h2>\n" << horizontal_bars("Denials by reason", bars);
    if (!report.denials.empty()) {
        out << "<table><tr><th>Home</th><th>Visited</th><th>Reason</th>"
               "<th class=\"n\">Times</th></tr>\n";
        for (const auto& [denial, count] : report.denials) {
            out << "<tr><td>" << to_text(denial.home) << "</td><td>" << to_text(denial.visited)
                << "</td><td>" << words_of(to_text(denial.reason)) << "</td>";
            figure(out, std::to_string(count));
            out << "</tr>\n";
        }
        out << "</table>\n";
    }
    bars.clear();
    for (const auto& [code, count] : report.refusals) {
        bars.emplace_back(words_of(to_text(code)), static_cast<double>(count));
    }
    out << horizontal_bars("Transactions that the rules refused", bars);
}

void add_open(std::ostringstream& out, const BusinessReport& report) {
    const bool is_empty = std::all_of(report.open.begin(), report.open.end(),
                                      [](const auto& one) { return one.empty(); });
    if (is_empty) {
        return;
    }
    out << "<h2>Open at the end</h2>\n<table><tr><th>Charges</th><th>Currency</th>"
           "<th class=\"n\">Number</th><th class=\"n\">Amount</th></tr>\n";
    for (std::size_t i = 0; i < report.open.size(); ++i) {
        for (const auto& [currency, figures] : report.open[i]) {
            out << "<tr><td>" << open_names[i] << "</td><td>" << to_text(currency) << "</td>";
            figure(out, std::to_string(figures.count));
            figure(out, wide_money_to_text(figures.amount));
            out << "</tr>\n";
        }
    }
    out << "</table>\n";
}

void add_notes(std::ostringstream& out, const BusinessReport& report) {
    const bool is_empty = std::all_of(report.notes_count.begin(), report.notes_count.end(),
                                      [](std::uint64_t count) { return count == 0; });
    if (is_empty && report.meter_gaps == 0) {
        return;
    }
    out << "<h2>Worth knowing</h2>\n";
    for (std::size_t i = 0; i < note_kinds; ++i) {
        if (report.notes_count[i] == 0) {
            continue;
        }
        const auto kind = static_cast<NoteKind>(i);
        out << "<h3>" << words_of(to_text(kind)) << ": " << report.notes_count[i] << "</h3>\n<p>"
            << escape_html(help_of(kind)) << "</p>\n<ul>\n";
        for (const Note& note : report.notes) {
            if (note.kind == kind) {
                out << "<li>Block " << note.height << ": " << escape_html(note.message)
                    << "</li>\n";
            }
        }
        out << "</ul>\n";
    }
    if (report.meter_gaps > 0) {
        out << "<p>Gaps of registers: " << report.meter_gaps << ", "
            << energy_text(report.meter_gap_wh) << " together.</p>\n";
    }
}

void add_governance(std::ostringstream& out, const BusinessReport& report) {
    if (report.governance.empty()) {
        return;
    }
    out << "<h2>Who decided what</h2>\n<p>Every vote is a signed transaction; signatures were "
           "verified and votes counted again.</p>\n<table><tr><th class=\"n\">Block</th>"
           "<th>Day</th><th>What</th></tr>\n";
    for (const GovernanceEntry& entry : report.governance) {
        out << "<tr>";
        figure(out, std::to_string(entry.height));
        out << "<td>" << day_text(entry.time / 86'400'000) << "</td><td>" << escape_html(entry.what)
            << "</td></tr>\n";
    }
    out << "</table>\n";
    if (report.governance_count > report.governance.size()) {
        out << "<p>and " << report.governance_count - report.governance.size() << " more.</p>\n";
    }
}

}  // namespace

std::string audit_report_html(const AuditOutcome& outcome) {
    const AuditReport& report = outcome.report;
    std::ostringstream out;
    out << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<title>Audit of a Tallystick ledger</title><style>"
        << style << "</style></head><body>\n<h1>Audit of a Tallystick ledger</h1>\n";
    out << "<p>Of " << time_text(outcome.run.started_at) << ", up to block " << report.last_height
        << " of " << time_text(report.last_time) << ".</p>\n";
    add_verdict(out, outcome);
    add_findings(out, report);
    if (report.level >= AuditLevel::business) {
        add_totals(out, report);
        add_matrix(out, report.business);
        add_days(out, report.business);
        add_denials(out, report.business);
        add_open(out, report.business);
        add_notes(out, report.business);
        add_governance(out, report.business);
    }
    if (outcome.bank) {
        out << bank_html(*outcome.bank);
    }
    if (outcome.comparison) {
        out << comparison_html(*outcome.comparison);
    }
    out << member_html(outcome);
    add_facts(out, report, outcome.run);
    out << "</body></html>\n";
    return out.str();
}

}  // namespace tally::tools
