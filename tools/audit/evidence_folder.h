#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"

#include <map>
#include <string>

namespace tally::tools {

inline constexpr std::size_t evidence_files_max{1'000'000};
inline constexpr std::uint64_t evidence_file_bytes_max{64UL * 1024 * 1024};

/// The evidence hash of every file in a folder whose name begins with a charge's ("BBB-" and 32
/// hexadecimal digits) and then ends or goes on with a dot, by that name. Such a file has the
/// bridge's session id in hexadecimal on its first line and each text that the bridge received as a
/// JSON string on a line of its own. Other files are passed over; none that fits is an error,
/// too. The error names the file that cannot be read, or what there is too much of.
[[nodiscard]] Expected<std::map<std::string, Hash>, std::string> read_evidence(
    const std::string& folder);

}  // namespace tally::tools
