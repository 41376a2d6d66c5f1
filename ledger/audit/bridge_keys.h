#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/state/records.h"
#include "ledger/state/state_view.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tally {

/// The key of every bridge, from block to block, as the registrations that are stored as successful
/// say, and what bridges metered of charges that wait for their second signature. Blocks come in
/// order and are decoded.
class BridgeKeys {
public:
    /// Half-signed charges that are kept at the same time: as many as all members may have waiting.
    /// What comes when that many wait has no key to be checked with, which is found.
    static constexpr std::size_t waiting_max{members_max * countersigns_of_member_max};

    explicit BridgeKeys(std::size_t waiting = waiting_max) : m_waiting_max{waiting} {}

    /// The bridges and half-signed charges that a state has. The genesis has none.
    void restore(const StateView& state);

    /// Gives every transaction by which a metered charge takes effect (a record; the Countersign of
    /// a late or rebilled charge, not its first half) the key that must have signed it, so that
    /// signatures are verified in parallel. One whose bridge is unknown or revoked gets none.
    void follow(const Hash& chain_id, AuditBlock& block);

private:
    using Name = std::pair<PartyId, std::string>;
    void expect(const Hash& chain_id, const StoredTransaction& stored, const PartyId& owner,
                const MeteredCharge& metered, AuditEnvelope& envelope) const;
    void take(const StoredTransaction& stored);
    void countersign(const Hash& chain_id, const StoredTransaction& stored,
                     const Countersign& action, AuditEnvelope& envelope);
    void expire(const std::vector<Event>& events);
    void set(const Name& name, const PublicKey& key);

    std::size_t m_waiting_max;
    std::map<Name, VerifyKey> m_keys;
    std::map<TransactionRef, MeteredCharge> m_waiting;
};

}  // namespace tally
