#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"

#include <map>
#include <string>
#include <vector>

namespace tally::tools {

inline constexpr std::size_t evidence_files_max{1'000'000};
inline constexpr std::uint64_t evidence_file_bytes_max{64UL * 1024 * 1024};

/// The meter data in a folder, by the name of their charge.
struct EvidenceFolder {
    std::map<std::string, Hash> hashes;
    std::map<std::string, std::string> paths;
};

/// Takes the evidence hash of every file in a folder whose name begins with a charge's ("BBB-" and
/// 32 hexadecimal digits) and then ends or goes on with a dot. Such a file has the bridge's session
/// id in hexadecimal on its first line and each text that the bridge received as a JSON string on a
/// line of its own. Other files are passed over. The error names the file that cannot be read, or
/// what there is too much of.
[[nodiscard]] Expected<EvidenceFolder, std::string> read_evidence(const std::string& folder);

/// One such file.
struct EvidenceTexts {
    Hash hash;
    std::vector<std::string> texts;
};
/// The error says what is wrong with it, and names it.
[[nodiscard]] Expected<EvidenceTexts, std::string> read_evidence_texts(const std::string& path);

}  // namespace tally::tools
