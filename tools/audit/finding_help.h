#pragma once

#include "ledger/audit/business_report.h"
#include "ledger/audit/finding.h"

namespace tally::tools {

/// What a kind of finding means and what to do about it, for readers who know the business and not
/// the ledger. docs/auditors.md says more.
struct FindingHelp {
    const char* meaning;
    const char* action;
};
[[nodiscard]] FindingHelp help_of(FindingKind kind);
/// The same, and more where the finding itself tells what it is.
[[nodiscard]] FindingHelp help_of(const Finding& finding);

/// What a note says, in one sentence.
[[nodiscard]] const char* help_of(NoteKind kind);

}  // namespace tally::tools
