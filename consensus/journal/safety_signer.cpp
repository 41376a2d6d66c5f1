#include "consensus/journal/safety_signer.h"

namespace tally::consensus {

SafetySigner::SafetySigner(Signer& key, Journal& journal, const Hash& chain_id, ValidatorIndex self)
    : m_key{key}, m_journal{journal}, m_chain_id{chain_id}, m_self{self} {}

std::optional<Vote> SafetySigner::sign(const VoteStatement& statement) {
    SafetyRecord record = m_journal.safety();
    if (!record.allows(statement)) {
        return std::nullopt;
    }
    ReleasedVote& released = record.of(statement.kind);
    if (released.view == statement.view && released.parent_view == statement.parent_view &&
        released.digest == statement.digest) {
        return record.vote(statement.kind, m_self);
    }
    released = {statement.view, statement.parent_view, statement.digest,
                m_key.sign(statement.signing_digest(m_chain_id))};
    ++record.sequence;
    m_journal.append_safety(record);
    return record.vote(statement.kind, m_self);
}

}  // namespace tally::consensus
