#include "ledger/audit/member_keys.h"

#include "ledger/state/apply.h"
#include "ledger/state/epochs.h"
#include "ledger/state/genesis_state.h"
#include "ledger/state/queries.h"
#include "ledger/state/sweep.h"

namespace tally {
namespace {

/// The only signatures that members' keys depend on are those that prove possession of a new one.
bool is_signed(const PublicKey& key, const Hash& digest, const Signature& signature) {
    const std::optional<VerifyKey> parsed = VerifyKey::parse(key);
    return parsed && parsed->verify(digest, signature);
}

}  // namespace

MemberKeys::MemberKeys(const Genesis& genesis)
    : m_chain_id{genesis.chain_id()}, m_state{m_nothing, {}} {
    write_genesis_state(genesis, m_state);
}

std::optional<VerifyKey> MemberKeys::key_of(const PartyId& party) {
    const std::optional<MemberRecord> record = find_member(m_state, party);
    if (!record) {
        return std::nullopt;
    }
    const PublicKey& key = record->member.member_key;
    const auto known = m_parsed.find(key);
    if (known != m_parsed.end()) {
        return known->second;
    }
    const std::optional<VerifyKey> parsed = VerifyKey::parse(key);
    if (parsed) {
        m_parsed.emplace(key, *parsed);
    }
    return parsed;
}

void MemberKeys::apply(const AuditBlock& block, const AuditEnvelope& envelope,
                       std::size_t first_result) {
    const BlockHeader& header = block.content.block.header;
    const Parameters parameters = find_parameters(m_state);
    const SignatureCheck check{is_signed};
    BlockScope scope{m_state, parameters, m_chain_id, check, header.time, header.height};
    for (const MembershipAction& change : envelope.membership) {
        const std::size_t at = first_result + change.index;
        if (at >= block.content.results.size() || block.content.results[at] != ResultCode::ok) {
            continue;
        }
        Context context{scope,
                        {envelope.envelope->signer, change.id},
                        envelope.transaction_hashes[change.index]};
        // That the result is right is for the replay to say.
        static_cast<void>(apply_action(context, change.action));
    }
}

void MemberKeys::follow(AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    const Parameters parameters = find_parameters(m_state);
    const SignatureCheck check{is_signed};
    BlockScope scope{m_state, parameters, m_chain_id, check, header.time, header.height};
    static_cast<void>(sweep_expired(scope));
    std::size_t first_result{0};
    for (AuditEnvelope& envelope : block.envelopes) {
        if (envelope.envelope) {
            envelope.signer_key = key_of(envelope.envelope->signer);
            apply(block, envelope, first_result);
        }
        first_result += envelope.transaction_hashes.size();
    }
    if (const Event* seal = find_seal(block.content.events)) {
        static_cast<void>(seal_epoch(m_state, header.height, {seal->validators, seal->features}));
    }
}

}  // namespace tally
