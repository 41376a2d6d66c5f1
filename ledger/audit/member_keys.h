#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/base/memory_store.h"
#include "ledger/model/genesis.h"
#include "ledger/state/state_overlay.h"

#include <map>

namespace tally {

/// Which key each member signs with, from block to block: the genesis' members, and what the
/// actions on membership that are stored as successful did to them. Only those are executed, on a
/// state of members, proposals and epochs alone. Blocks come in order and are decoded.
class MemberKeys {
public:
    explicit MemberKeys(const Genesis& genesis);

    /// Goes on with the members, proposals and epoch of this state instead of the genesis'.
    void restore(const MemoryStore& state);
    /// Gives every envelope of the block the key that must have signed it.
    void follow(AuditBlock& block);

private:
    void apply(const AuditBlock& block, const AuditEnvelope& envelope, std::size_t first_result);
    [[nodiscard]] std::optional<VerifyKey> key_of(const PartyId& party);

    Hash m_chain_id;
    MemoryStore m_base;  ///< nothing, or of the state that it goes on from
    StateOverlay m_state;
    std::map<PublicKey, VerifyKey> m_parsed;
};

}  // namespace tally
