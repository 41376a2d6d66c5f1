#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/model/genesis.h"

namespace tally {

/// Which validators vote in which epoch: first the genesis' own, then those that the seal of each
/// epoch names. Blocks come in order.
class EpochTracker {
public:
    explicit EpochTracker(const Genesis& genesis);

    /// Goes on in this epoch, in which these vote.
    void restore(std::uint64_t epoch, const std::vector<Validator>& validators);
    /// Tells the block who may vote on it, and follows the seal if it has one.
    void follow(AuditBlock& block);

private:
    std::uint64_t m_epoch{0};
    std::shared_ptr<const AuditValidators> m_validators;  ///< null: not known
};

}  // namespace tally
