#include "ledger/audit/bridge_keys.h"

#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <variant>

namespace tally {

const MeteredCharge* metered_of(const Action& action) {
    if (const auto* record = std::get_if<RecordCharge>(&action)) {
        return &record->metered;
    }
    if (const auto* late = std::get_if<LateCharge>(&action)) {
        return &late->charge.metered;
    }
    const auto* rebill = std::get_if<RebillCharge>(&action);
    return rebill == nullptr ? nullptr : &rebill->charge.metered;
}

void BridgeKeys::restore(const StateView& state) {
    for (const MemberRecord& member : list_members(state)) {
        const PartyId& owner = member.member.party;
        for (const BridgeEntry& entry : list_bridges(state, owner, SIZE_MAX)) {
            if (!entry.bridge.revoked) {
                set({owner, entry.bridge_id}, entry.bridge.public_key);
            }
        }
    }
}

void BridgeKeys::set(const Name& name, const PublicKey& key) {
    m_keys.erase(name);
    if (const std::optional<VerifyKey> parsed = VerifyKey::parse(key)) {
        m_keys.emplace(name, *parsed);
    }
}

void BridgeKeys::expect(const Hash& chain_id, const StoredTransaction& stored,
                        const MeteredCharge& metered, AuditEnvelope& envelope) const {
    const auto known = m_keys.find({stored.signer(), metered.bridge_id});
    if (known != m_keys.end()) {
        envelope.bridge_signatures.push_back({stored.index, known->second,
                                              metered_signing_digest(chain_id, metered),
                                              metered.bridge_signature, false});
    }
}

void BridgeKeys::take(const StoredTransaction& stored) {
    if (stored.result != ResultCode::ok) {
        return;
    }
    const Action& action = stored.transaction.action;
    if (const auto* registered = std::get_if<RegisterBridge>(&action)) {
        set({stored.signer(), registered->bridge_id}, registered->public_key);
    } else if (const auto* revoked = std::get_if<RevokeBridge>(&action)) {
        m_keys.erase({stored.signer(), revoked->bridge_id});
    }
}

void BridgeKeys::follow(const Hash& chain_id, AuditBlock& block) {
    for_each_transaction(block, [&](AuditEnvelope& envelope, const StoredTransaction& stored) {
        if (const MeteredCharge* metered = metered_of(stored.transaction.action)) {
            expect(chain_id, stored, *metered, envelope);
        }
        take(stored);
    });
}

}  // namespace tally
