#pragma once

#include "tools/audit/report_text.h"

#include <string>

namespace tally::tools {

/// The report as one HTML page for people who know the business and not the ledger: totals, who
/// charged at whom, days, denials, findings with what they mean and what to do. Needs no script
/// and no other file, and prints on A4.
[[nodiscard]] std::string audit_report_html(const AuditOutcome& outcome);

}  // namespace tally::tools
