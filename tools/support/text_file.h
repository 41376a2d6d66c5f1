#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"

#include <cstddef>
#include <string>

namespace tally::tools {

/// Replaces the file as a whole, synced. The error names the path.
[[nodiscard]] Expected<Done, std::string> write_text(const std::string& path,
                                                     const std::string& text);

/// The whole file, but at most `bytes_max` + 1 bytes of it, so that whoever parses it can refuse
/// what is longer. The error names the path.
[[nodiscard]] Expected<Bytes, std::string> read_text(const std::string& path,
                                                     std::size_t bytes_max);

}  // namespace tally::tools
