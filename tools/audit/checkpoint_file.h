#pragma once

#include "ledger/audit/checkpoint.h"
#include "ledger/base/expected.h"

#include <memory>
#include <string>

namespace tally::tools {

/// Writes FILE, a small JSON object that names the block, and FILE.state with everything else; the
/// first holds the SHA-256 of the second and is written last. The error says what could not be
/// written.
[[nodiscard]] Expected<Done, std::string> write_checkpoint(const std::string& file,
                                                           const AuditCheckpoint& checkpoint);

/// The error says which file is wrong, and how.
[[nodiscard]] Expected<std::shared_ptr<const AuditCheckpoint>, std::string> read_checkpoint(
    const std::string& file);

}  // namespace tally::tools
