#pragma once

#include "ledger/audit/finding.h"
#include "ledger/chain/block.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/envelope.h"
#include "ledger/model/transaction.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// The validators of an epoch, parsed.
struct AuditValidators {
    Hash hash;                    ///< `validators_hash`
    std::vector<VerifyKey> keys;  ///< in index order
    std::vector<Validator> validators;
};

/// A bridge's signature inside a transaction of an envelope, and the key it must be of.
struct BridgeSignature {
    std::size_t index{0};  ///< of the transaction in its envelope
    VerifyKey key;
    Hash digest;  ///< what the bridge signs
    Signature signature;
    bool verified{false};
};

/// What is known about one envelope of a block. `hash` and `envelope` from level merkle on; the
/// signer's key and `signature_checked` from level signatures on; bridges' from level replay on.
struct AuditEnvelope {
    Hash hash;
    std::optional<Envelope> envelope;  ///< nothing when it does not decode
    std::vector<Hash> transaction_hashes;
    /// One for each transaction; nothing when it does not decode.
    std::vector<std::optional<Transaction>> transactions;
    std::optional<VerifyKey> signer_key;  ///< nothing: no member has the signer's name
    bool signature_checked{false};
    std::vector<BridgeSignature> bridge_signatures;
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

    [[nodiscard]] std::uint64_t height() const noexcept { return content.block.header.height; }
    [[nodiscard]] UnixMillis time() const noexcept { return content.block.header.time; }
    [[nodiscard]] Finding finding(FindingKind kind, std::string message) const {
        return {kind, height(), std::nullopt, segment, offset, std::move(message)};
    }
};

/// One transaction of a block with the result that is stored for it.
struct StoredTransaction {
    const AuditEnvelope& envelope;
    const Transaction& transaction;
    std::size_t index{0};   ///< in its envelope
    std::size_t number{0};  ///< in the block
    ResultCode result{ResultCode::ok};

    [[nodiscard]] const PartyId& signer() const { return envelope.envelope->signer; }
    [[nodiscard]] TransactionRef ref() const { return {signer(), transaction.id}; }
    /// Whether a registered bridge signed what the transaction says was metered.
    [[nodiscard]] bool is_bridge_signed() const {
        return std::any_of(envelope.bridge_signatures.begin(), envelope.bridge_signatures.end(),
                           [this](const BridgeSignature& signature) {
                               return signature.index == index && signature.verified;
                           });
    }
};

/// Visits the block's transactions in order with `visit(envelope, stored)`, those that decode and
/// have a result.
template <typename Block, typename Visit>
void for_each_transaction(Block& block, const Visit& visit) {
    std::size_t number{0};
    for (auto& envelope : block.envelopes) {
        for (std::size_t i = 0; i < envelope.transactions.size(); ++i, ++number) {
            if (envelope.transactions[i] && number < block.content.results.size()) {
                const StoredTransaction stored{envelope, *envelope.transactions[i], i, number,
                                               block.content.results[number]};
                visit(envelope, stored);
            }
        }
    }
}

}  // namespace tally
