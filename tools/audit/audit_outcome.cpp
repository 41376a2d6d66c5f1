#include "tools/audit/audit_outcome.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <utility>

namespace tally::tools {

namespace {

void add_in_front(const std::vector<Finding>& findings, AuditReport& report) {
    report.findings_count += findings.size();
    const auto count = static_cast<std::ptrdiff_t>(std::min(findings.size(), audit_findings_max));
    report.findings.insert(report.findings.begin(), findings.begin(), findings.begin() + count);
}

}  // namespace

void AuditOutcome::take(Comparison found) {
    add_in_front(found.findings, report);
    comparison = std::move(found);
}

void AuditOutcome::take(BankMatch found) {
    add_in_front(found.findings, report);
    bank = std::move(found);
}

std::vector<std::string> AuditOutcome::gaps() const {
    std::vector<std::string> gaps;
    if (report.interrupted) {
        gaps.push_back("the audit was ended at block " + std::to_string(report.last_height));
    }
    if (!report.unreadable.empty()) {
        gaps.push_back(report.unreadable);
    }
    if (report.books_end) {
        gaps.push_back("the books end at block " + std::to_string(*report.books_end) +
                       ", because the one behind it cannot be read: totals and balances are those "
                       "up to it");
    }
    if (member && report.member_unknown) {
        gaps.push_back("no member is called " + to_text(*member));
    }
    if (receipt && !report.proven_sublog_compared) {
        gaps.push_back(receipt->file + " was not compared: the audit ended before its block " +
                       std::to_string(receipt->proven.height));
    }
    if (comparison) {
        for (const std::string& sentence : comparison->not_compared) {
            gaps.push_back("not compared: " + sentence);
        }
    }
    gaps.insert(gaps.end(), problems.begin(), problems.end());
    return gaps;
}

Verdict AuditOutcome::verdict() const {
    if (report.findings_count > 0) {
        return Verdict::wrong;
    }
    return gaps().empty() ? Verdict::verified : Verdict::incomplete;
}

int exit_code_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::verified:
            return 0;
        case Verdict::incomplete:
            return 2;
        case Verdict::wrong:
            break;
    }
    return 1;
}

std::string counted(std::uint64_t count, const char* name) {
    return std::to_string(count) + " " + name + (count == 1 ? "" : "s");
}

std::string time_text(UnixMillis time) {
    const std::chrono::sys_time<std::chrono::milliseconds> moment{std::chrono::milliseconds{time}};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(moment - day)};
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text;
}

}  // namespace tally::tools
