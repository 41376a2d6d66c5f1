#include "tools/audit/report_member.h"

#include "tools/audit/svg_chart.h"

#include <sstream>

namespace tally::tools {
namespace {

namespace json = boost::json;

bool has_member(const AuditOutcome& outcome) { return outcome.member && outcome.report.sublog; }

std::string state_text(const SublogState& state) {
    return "the state after block " + std::to_string(state.height) + ", with the root " +
           to_hex(state.state_root);
}

/// Where the same was found, a sentence each.
std::vector<std::string> sources(const AuditOutcome& outcome) {
    const AuditReport& report = outcome.report;
    std::vector<std::string> sentences;
    if (const auto& state = report.sublog_state) {
        sentences.push_back(
            "found in " + state_text(*state) + ", under the certificate of that " +
            (report.uncovered > 0 ? "block; its finalization is still to be written" : "block"));
    } else {
        sentences.emplace_back("not found in the state of the last block");
    }
    if (const auto& receipt = outcome.receipt) {
        sentences.push_back(
            (report.proven_sublog_compared ? "compared with " : "NOT compared with ") +
            receipt->file + ", which proves " + std::to_string(receipt->proven.record.log.size()) +
            " entries in " + state_text(receipt->state));
    }
    return sentences;
}

json::object state_json(const SublogState& state) {
    return {{"height", state.height},
            {"digest", to_hex(state.digest)},
            {"state_root", to_hex(state.state_root)}};
}

}  // namespace

std::string member_text(const AuditOutcome& outcome) {
    if (!has_member(outcome)) {
        return {};
    }
    const MerkleFrontier& log = outcome.report.sublog->log;
    std::ostringstream out;
    out << "member        " << to_text(*outcome.member) << ": " << log.size()
        << " entries touch it, root " << to_hex(log.root()) << "\n";
    for (const std::string& sentence : sources(outcome)) {
        out << "    " << sentence << "\n";
    }
    return out.str();
}

std::string member_html(const AuditOutcome& outcome) {
    if (!has_member(outcome)) {
        return {};
    }
    const std::string party = to_text(*outcome.member);
    const MerkleFrontier& log = outcome.report.sublog->log;
    std::ostringstream out;
    out << "<h2>Everything about " << party << "</h2>\n<p>" << log.size()
        << " entries of the ledger touch " << party
        << ". Whoever was given as many, with this root of their hashes, was told everything: "
           "<span class=\"hash\">"
        << to_hex(log.root()) << "</span></p>\n<ul>\n";
    for (const std::string& sentence : sources(outcome)) {
        out << "<li>" << escape_html(sentence) << "</li>\n";
    }
    out << "</ul>\n";
    return out.str();
}

json::object member_json(const AuditOutcome& outcome) {
    if (!has_member(outcome)) {
        return {};
    }
    const MerkleFrontier& log = outcome.report.sublog->log;
    json::object member{{"party", to_text(*outcome.member)},
                        {"sublog_count", log.size()},
                        {"sublog_root", to_hex(log.root())}};
    if (const auto& state = outcome.report.sublog_state) {
        member["state"] = state_json(*state);
    }
    if (const auto& receipt = outcome.receipt) {
        json::object shown = state_json(receipt->state);
        shown["file"] = receipt->file;
        shown["sublog_count"] = receipt->proven.record.log.size();
        shown["sublog_root"] = to_hex(receipt->proven.record.log.root());
        shown["compared"] = outcome.report.proven_sublog_compared;
        member["receipt"] = std::move(shown);
    }
    return member;
}

}  // namespace tally::tools
