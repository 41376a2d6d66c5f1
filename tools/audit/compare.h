#pragma once

#include "ledger/audit/audit.h"

#include <string>
#include <vector>

namespace tally::tools {

/// Asks members for the proof of one block that all of them have, and with `audited` also of the
/// last one that was audited, and proves that all have the same. Two proven blocks of one height
/// are written to `fork_file`. Gives the exit code: 0 one ledger, 1 a fork or a proof that does not
/// hold, 2 a member did not answer.
[[nodiscard]] int compare_members(const Genesis& genesis, const std::vector<std::string>& urls,
                                  const std::string& fork_file, const AuditReport* audited);

}  // namespace tally::tools
