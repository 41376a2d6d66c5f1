#pragma once

#include "ledger/audit/finding.h"
#include "ledger/chain/block.h"
#include "ledger/model/envelope.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// What is known about one envelope of a block. `hash` and `envelope` from level merkle on,
/// `signature_checked` from level signatures on.
struct AuditEnvelope {
    Hash hash;
    std::optional<Envelope> envelope;  ///< nothing when it does not decode
    std::vector<Hash> transaction_hashes;
    bool signature_checked{false};
    std::vector<Finding> findings;  ///< without segment and offset
};

/// A block on its way through the audit.
struct AuditBlock {
    FinalizedBlock content;
    Hash digest;
    std::string segment;
    std::uint64_t offset{0};
    /// The block before it was readable, so that links and logs can be checked.
    bool follows{true};
    std::vector<AuditEnvelope> envelopes;
    std::optional<Finding> certificate_finding;  ///< without segment and offset

    [[nodiscard]] Finding finding(FindingKind kind, std::string message) const {
        return {kind,   content.block.header.height, std::nullopt, segment,
                offset, std::move(message)};
    }
};

}  // namespace tally
