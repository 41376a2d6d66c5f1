#include "ledger/audit/epoch_tracker.h"

#include "ledger/chain/finality.h"

namespace tally {
namespace {

std::shared_ptr<const AuditValidators> parse(const std::vector<Validator>& validators) {
    std::optional<std::vector<VerifyKey>> keys = validator_keys(validators);
    if (!keys) {
        return nullptr;
    }
    return std::make_shared<const AuditValidators>(
        AuditValidators{validators_hash(validators), std::move(*keys), validators});
}

}  // namespace

EpochTracker::EpochTracker(const Genesis& genesis)
    : m_validators{parse(validators_of(genesis.members))} {}

void EpochTracker::restore(std::uint64_t epoch, const std::vector<Validator>& validators) {
    m_epoch = epoch;
    m_validators = parse(validators);
}

void EpochTracker::follow(AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    if (header.epoch == m_epoch) {
        block.validators = m_validators;
    }
    if (!header.seals_epoch) {
        return;
    }
    const Event* seal = find_seal(block.content.events);
    const bool known = seal != nullptr && header.epoch == m_epoch &&
                       validators_hash(seal->validators) == header.next_validators_hash;
    m_validators = known ? parse(seal->validators) : nullptr;
    m_epoch = header.epoch + 1;
}

}  // namespace tally
