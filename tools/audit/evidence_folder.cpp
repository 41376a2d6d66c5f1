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
std::optional<EvidenceTexts> texts_of(const Bytes& file) {
    std::istringstream lines{std::string{as_text(file)}};
    std::string line;
    if (!std::getline(lines, line)) {
        return std::nullopt;
    }
    const std::optional<Bytes> session = from_hex(line);
    if (!session || session->empty()) {
        return std::nullopt;
    }
    EvidenceTexts evidence;
    evidence.hash = tagged_hash("tally/evidence/v1", *session);
    while (std::getline(lines, line)) {
        boost::json::error_code error;
        const boost::json::value text = boost::json::parse(line, error);
        if (error || !text.is_string()) {
            return std::nullopt;
        }
        evidence.texts.emplace_back(text.get_string());
        evidence.hash =
            sha256(evidence.hash.view(), sha256(as_bytes(evidence.texts.back())).view());
    }
    return evidence;
}

}  // namespace

Expected<EvidenceTexts, std::string> read_evidence_texts(const std::string& path) {
    const PosixFileSystem files;
    const auto bytes = files.read(path, 0, evidence_file_bytes_max + 1);
    if (!bytes) {
        return Unexpected{path + ": " + to_text(bytes.error())};
    }
    if (bytes->size() > evidence_file_bytes_max) {
        return Unexpected{path + ": is too large"};
    }
    std::optional<EvidenceTexts> evidence = texts_of(*bytes);
    if (!evidence) {
        return Unexpected{path + ": is not a session's id and its texts, one on each line"};
    }
    return *std::move(evidence);
}

Expected<EvidenceFolder, std::string> read_evidence(const std::string& folder) {
    const PosixFileSystem files;
    const auto names = files.list(folder);
    if (!names) {
        return Unexpected{folder + ": " + to_text(names.error())};
    }
    EvidenceFolder evidence;
    for (const std::string& name : *names) {
        const auto ref = transaction_ref_from_text(name.substr(0, name.find('.')));
        if (!ref) {
            continue;
        }
        if (evidence.hashes.size() == evidence_files_max) {
            return Unexpected{folder + ": more than " + std::to_string(evidence_files_max) +
                              " files"};
        }
        const std::string path = folder + "/" + name;
        const auto texts = read_evidence_texts(path);
        if (!texts) {
            return Unexpected{texts.error()};
        }
        if (!evidence.hashes.emplace(to_text(*ref), texts->hash).second) {
            return Unexpected{path + ": a second file for this charge"};
        }
        evidence.paths.emplace(to_text(*ref), path);
    }
    if (evidence.hashes.empty()) {
        return Unexpected{folder +
                          ": has no meter data: no file is named after a charge, as in "
                          "BBB-0123456789abcdef0123456789abcdef.jsonl"};
    }
    return evidence;
}

}  // namespace tally::tools
