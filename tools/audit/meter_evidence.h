#pragma once

#include "ledger/audit/meter_evidence.h"

#include <map>
#include <set>
#include <string>

namespace tally::tools {

inline constexpr std::size_t signed_records_max{10'000};

/// Finds what meters signed (OCMF) in the meter data of a charge and holds it against its record
/// (docs/protocol/metering.md). A `MeterVerifier`: reads one file at a time, again for each
/// question, so that memory does not grow with the folder.
class MeterEvidence {
public:
    /// `paths`: files by the names of their charges. `lenient`: serials of meters whose signatures
    /// need not be DER.
    MeterEvidence(std::map<std::string, std::string> paths, std::set<std::string> lenient)
        : m_paths{std::move(paths)}, m_lenient{std::move(lenient)} {}

    [[nodiscard]] MeterAnswer operator()(const MeterQuestion& question) const;

private:
    std::map<std::string, std::string> m_paths;
    std::set<std::string> m_lenient;
};

/// The same for texts that are at hand.
[[nodiscard]] MeterAnswer verify_meter_texts(const MeterQuestion& question,
                                             const std::vector<std::string>& texts,
                                             const std::set<std::string>& lenient);

}  // namespace tally::tools
