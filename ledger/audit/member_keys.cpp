#include "ledger/audit/member_keys.h"

#include "ledger/state/apply.h"
#include "ledger/state/epochs.h"
#include "ledger/state/genesis_state.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/sweep.h"

#include <set>
#include <variant>

namespace tally {
namespace {

/// Whether who is a member, with which keys, may depend on it.
bool is_about_members(const Action& action) {
    return std::holds_alternative<AdmitFollower>(action) ||
           std::holds_alternative<ProposeChange>(action) ||
           std::holds_alternative<VoteOnChange>(action) ||
           std::holds_alternative<RotateKey>(action);
}

/// The only signatures that members' keys depend on are those that prove possession of a new one.
bool is_signed(const PublicKey& key, const Hash& digest, const Signature& signature) {
    const std::optional<VerifyKey> parsed = VerifyKey::parse(key);
    return parsed && parsed->verify(digest, signature);
}

}  // namespace

MemberKeys::MemberKeys(const Genesis& genesis)
    : m_chain_id{genesis.chain_id()}, m_state{m_base, {}} {
    write_genesis_state(genesis, m_state);
}

void MemberKeys::restore(const MemoryStore& state) {
    for (const auto& [key, value] : m_state.changes()) {
        m_state.erase(Bytes{key});
    }
    const std::set<Table> needed{Table::member, Table::epoch, Table::proposal, Table::scheme};
    for (const auto& [key, value] : state.entries()) {
        const auto deadline = keys::decode_deadline(key);
        const bool of_proposal = deadline && deadline->kind == DeadlineKind::proposal;
        if (of_proposal || needed.contains(static_cast<Table>(key.front()))) {
            m_state.put(key, value);
        }
    }
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
    for (std::size_t i = 0; i < envelope.transactions.size(); ++i) {
        const std::optional<Transaction>& change = envelope.transactions[i];
        const std::size_t at = first_result + i;
        const bool succeeded =
            at < block.content.results.size() && block.content.results[at] == ResultCode::ok;
        if (!succeeded || !change || !is_about_members(change->action)) {
            continue;
        }
        Context context{
            scope, {envelope.envelope->signer, change->id}, envelope.transaction_hashes[i]};
        // That the result is right is for the replay to say.
        static_cast<void>(apply_action(context, change->action));
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
