#pragma once

#include "ledger/base/expected.h"
#include "tools/audit/evidence_folder.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace tally::tools {

/// The meter data that a bridge keeps, fetched into a folder of their own that goes with the
/// object. Each text of a charge is what the bridge says: the audit compares its hash with the
/// record's.
class EvidenceCopy {
public:
    /// Takes `files_max` charges at most.
    explicit EvidenceCopy(std::size_t files_max = evidence_files_max) : m_files_max{files_max} {}
    ~EvidenceCopy();
    EvidenceCopy(const EvidenceCopy&) = delete;
    EvidenceCopy& operator=(const EvidenceCopy&) = delete;

    using Progress = std::function<void(std::uint64_t fetched)>;
    /// All charges of `url` ("http://bridge:7103"), at most `files_max`. The error names what
    /// was asked for and what came.
    [[nodiscard]] Expected<Done, std::string> fetch(const std::string& url,
                                                    const std::string& bearer_token,
                                                    const Progress& progress);
    [[nodiscard]] const std::string& folder() const noexcept { return m_folder; }
    /// Charges whose data were longer than what the bridge keeps.
    [[nodiscard]] std::uint64_t not_whole() const noexcept { return m_not_whole; }

private:
    [[nodiscard]] Expected<Done, std::string> make_folder();

    std::size_t m_files_max;
    std::string m_folder;
    std::uint64_t m_not_whole{0};
};

/// Whether `--evidence` names a bridge and not a folder.
[[nodiscard]] bool is_url(const std::string& target);

}  // namespace tally::tools
