#pragma once

#include "ledger/audit/audit.h"

#include <string>

namespace tally::tools {

/// What was audited and how long it took, for the report.
struct AuditRun {
    std::string target;
    bool live{false};
    double seconds{0};
};

/// The report as lines for people.
[[nodiscard]] std::string audit_report_text(const AuditReport& report, const AuditRun& run);
/// The report as one JSON object, see docs/auditors.md.
[[nodiscard]] std::string audit_report_json(const AuditReport& report, const AuditRun& run);

}  // namespace tally::tools
