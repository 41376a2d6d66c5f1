#pragma once

#include "tools/audit/audit_outcome.h"

#include <string>

namespace tally::tools {

/// One finding as a line for people.
[[nodiscard]] std::string finding_text(const Finding& finding);
/// The report as lines for people.
[[nodiscard]] std::string audit_report_text(const AuditOutcome& outcome);
/// The report as one JSON object, see docs/auditors.md.
[[nodiscard]] std::string audit_report_json(const AuditOutcome& outcome);

}  // namespace tally::tools
