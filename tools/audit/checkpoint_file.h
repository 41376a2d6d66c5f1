#pragma once

#include "ledger/audit/checkpoint.h"
#include "ledger/base/expected.h"

#include <memory>
#include <string>

namespace tally::tools {

/// One file, replaced as a whole and durably: a line with a JSON object that names the block and
/// holds the SHA-256 of everything behind that line, which is the encoded checkpoint. The error
/// says why it could not be written; the file is then what it was.
[[nodiscard]] Expected<Done, std::string> write_checkpoint(const std::string& file,
                                                           const AuditCheckpoint& checkpoint);

/// The error says how the file is wrong.
[[nodiscard]] Expected<std::shared_ptr<const AuditCheckpoint>, std::string> read_checkpoint(
    const std::string& file);

}  // namespace tally::tools
