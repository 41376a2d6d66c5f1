#pragma once

#include "ledger/audit/finding.h"
#include "ledger/chain/block.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/envelope.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// The validators of an epoch, parsed.
struct AuditValidators {
    Hash hash;                    ///< `validators_hash`
    std::vector<VerifyKey> keys;  ///< in index order
};

/// A transaction that decides who the members are and which keys they have.
struct MembershipAction {
    std::size_t index{0};  ///< in its envelope
    TransactionId id;
    Action action;
};

/// What is known about one envelope of a block. `hash` and `envelope` from level merkle on,
/// the signer's key and `signature_checked` from level signatures on.
struct AuditEnvelope {
    Hash hash;
    std::optional<Envelope> envelope;  ///< nothing when it does not decode
    std::vector<Hash> transaction_hashes;
    std::vector<MembershipAction> membership;
    std::optional<VerifyKey> signer_key;  ///< nothing: no member has the signer's name
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
    std::shared_ptr<const AuditValidators> validators;  ///< of its epoch; null: not known
    std::vector<AuditEnvelope> envelopes;
    std::optional<Finding> certificate_finding;  ///< without segment and offset

    [[nodiscard]] Finding finding(FindingKind kind, std::string message) const {
        return {kind,   content.block.header.height, std::nullopt, segment,
                offset, std::move(message)};
    }
};

}  // namespace tally
