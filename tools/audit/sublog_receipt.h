#pragma once

#include "ledger/audit/audit.h"

#include <string>

namespace tally::tools {

/// What a state receipt, as `tally proof sublog` writes it, says of a member's sub-log.
struct SublogReceipt {
    std::string file;
    PartyId member;
    ProvenSublog proven;
    SublogState state;
};

/// Reads and verifies it from the genesis alone. The error names the file and says why it proves no
/// sub-log.
[[nodiscard]] Expected<SublogReceipt, std::string> read_sublog_receipt(const std::string& file,
                                                                       const Genesis& genesis);

}  // namespace tally::tools
