#include "tools/audit/evidence_folder.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/crypto/sha256.h"
#include "ledger/model/ids.h"
#include "ledger/store/segment_source.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <sstream>

namespace tally::tools {
namespace {

/// The bridge's chain over the texts of a charge (docs/protocol/bridge.md); nothing when the file
/// is not as docs/auditors.md says.
std::optional<Hash> hash_of(const Bytes& file) {
    std::istringstream lines{std::string{as_text(file)}};
    std::string line;
    if (!std::getline(lines, line)) {
        return std::nullopt;
    }
    const std::optional<Bytes> session = from_hex(line);
    if (!session || session->empty()) {
        return std::nullopt;
    }
    Hash hash = tagged_hash("tally/evidence/v1", *session);
    while (std::getline(lines, line)) {
        boost::json::error_code error;
        const boost::json::value text = boost::json::parse(line, error);
        if (error || !text.is_string()) {
            return std::nullopt;
        }
        const std::string raw{text.get_string()};
        hash = sha256(hash.view(), sha256(as_bytes(raw)).view());
    }
    return hash;
}

}  // namespace

Expected<std::map<std::string, Hash>, std::string> read_evidence(const std::string& folder) {
    const PosixFileSystem files;
    const auto names = files.list(folder);
    if (!names) {
        return Unexpected{folder + ": " + to_text(names.error())};
    }
    std::map<std::string, Hash> evidence;
    for (const std::string& name : *names) {
        const auto ref = transaction_ref_from_text(name.substr(0, name.find('.')));
        if (!ref) {
            continue;
        }
        if (evidence.size() == evidence_files_max) {
            return Unexpected{folder + ": more than " + std::to_string(evidence_files_max) +
                              " files"};
        }
        const std::string path = folder + "/" + name;
        const auto bytes = files.read(path, 0, evidence_file_bytes_max + 1);
        if (!bytes) {
            return Unexpected{path + ": " + to_text(bytes.error())};
        }
        if (bytes->size() > evidence_file_bytes_max) {
            return Unexpected{path + ": is too large"};
        }
        const std::optional<Hash> hash = hash_of(*bytes);
        if (!hash) {
            return Unexpected{path + ": is not a session's id and its texts, one on each line"};
        }
        if (!evidence.emplace(to_text(*ref), *hash).second) {
            return Unexpected{path + ": a second file for this charge"};
        }
    }
    if (evidence.empty()) {
        return Unexpected{folder +
                          ": has no meter data: no file is named after a charge, as in "
                          "BBB-0123456789abcdef0123456789abcdef.jsonl"};
    }
    return evidence;
}

}  // namespace tally::tools
