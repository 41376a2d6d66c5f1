#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/state/state_view.h"

#include <map>
#include <string>

namespace tally {

/// The key of every bridge, from block to block, as the registrations that are stored as successful
/// say. Blocks come in order and are decoded.
class BridgeKeys {
public:
    /// The bridges that a state has. The genesis has none.
    void restore(const StateView& state);

    /// Gives every metered charge of the block the key that must have signed it, so that signatures
    /// are verified in parallel. A charge whose bridge is unknown or revoked gets none.
    void follow(const Hash& chain_id, AuditBlock& block);

private:
    using Name = std::pair<PartyId, std::string>;
    void expect(const Hash& chain_id, const StoredTransaction& stored, const MeteredCharge& metered,
                AuditEnvelope& envelope) const;
    void take(const StoredTransaction& stored);
    void set(const Name& name, const PublicKey& key);

    std::map<Name, VerifyKey> m_keys;
};

/// What a bridge metered for this action; null when the action has no such thing.
[[nodiscard]] const MeteredCharge* metered_of(const Action& action);

}  // namespace tally
