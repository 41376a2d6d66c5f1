#pragma once

#include "ledger/base/expected.h"

#include <string>

namespace tally::tools {

/// Replaces the file as a whole, synced. The error names the path.
[[nodiscard]] Expected<Done, std::string> write_text(const std::string& path,
                                                     const std::string& text);

}  // namespace tally::tools
