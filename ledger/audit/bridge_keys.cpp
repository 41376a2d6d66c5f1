#include "ledger/audit/bridge_keys.h"

#include "ledger/state/clearing_queries.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <variant>

namespace tally {
namespace {

/// What a bridge metered of a charge that two members sign; null when the action is another.
template <typename Variant>
const MeteredCharge* metered_of(const Variant& action) {
    if (const auto* late = std::get_if<LateCharge>(&action)) {
        return &late->charge.metered;
    }
    const auto* rebill = std::get_if<RebillCharge>(&action);
    return rebill == nullptr ? nullptr : &rebill->charge.metered;
}

}  // namespace

void BridgeKeys::restore(const StateView& state) {
    for (const MemberRecord& member : list_members(state)) {
        const PartyId& owner = member.member.party;
        for (const BridgeEntry& entry : list_bridges(state, owner, SIZE_MAX)) {
            if (!entry.bridge.revoked) {
                set({owner, entry.bridge_id}, entry.bridge.public_key);
            }
        }
    }
    m_waiting.clear();
    for (CountersignEntry& entry : list_countersigns(state)) {
        if (const MeteredCharge* metered = metered_of(entry.record.action)) {
            m_waiting.emplace(entry.ref, *metered);
        }
    }
}

void BridgeKeys::set(const Name& name, const PublicKey& key) {
    m_keys.erase(name);
    if (const std::optional<VerifyKey> parsed = VerifyKey::parse(key)) {
        m_keys.emplace(name, *parsed);
    }
}

void BridgeKeys::expect(const Hash& chain_id, const StoredTransaction& stored, const PartyId& owner,
                        const MeteredCharge& metered, AuditEnvelope& envelope) const {
    const auto known = m_keys.find({owner, metered.bridge_id});
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
    } else if (const MeteredCharge* metered = metered_of(action);
               metered != nullptr && m_waiting.size() < m_waiting_max) {
        m_waiting.insert_or_assign(stored.ref(), *metered);
    }
}

/// Bridges are looked up when the charge takes effect, as the state does it: nobody can make an
/// honest ledger look wrong by a first half that nobody signs the other half of.
void BridgeKeys::countersign(const Hash& chain_id, const StoredTransaction& stored,
                             const Countersign& action, AuditEnvelope& envelope) {
    const auto waiting = m_waiting.find(action.transaction);
    if (waiting == m_waiting.end() || stored.result != ResultCode::ok) {
        return;
    }
    expect(chain_id, stored, action.transaction.signer, waiting->second, envelope);
    m_waiting.erase(waiting);
}

void BridgeKeys::expire(const std::vector<Event>& events) {
    for (const Event& event : events) {
        if (event.kind == EventKind::expired && event.cause == ExpiryCause::not_countersigned) {
            m_waiting.erase(event.ref);
        }
    }
}

void BridgeKeys::follow(const Hash& chain_id, AuditBlock& block) {
    expire(block.content.events);
    for_each_transaction(block, [&](AuditEnvelope& envelope, const StoredTransaction& stored) {
        const Action& action = stored.transaction.action;
        if (const auto* record = std::get_if<RecordCharge>(&action)) {
            expect(chain_id, stored, stored.signer(), record->metered, envelope);
        } else if (const auto* second = std::get_if<Countersign>(&action)) {
            countersign(chain_id, stored, *second, envelope);
        }
        take(stored);
    });
}

}  // namespace tally
