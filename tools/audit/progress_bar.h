#pragma once

#include "ledger/audit/audit.h"

namespace tally::tools {

/// A bar on standard error, drawn again at most once per percent; null when that is no terminal.
[[nodiscard]] AuditProgressCallback progress_bar();

}  // namespace tally::tools
