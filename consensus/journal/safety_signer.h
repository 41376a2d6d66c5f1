#pragma once

#include "consensus/journal/journal.h"
#include "ledger/crypto/signer.h"

#include <optional>

namespace tally::consensus {

/// The only holder of the consensus key (R0): checks a vote against the safety record, records it
/// in the journal, signs. The vote must not leave the process before the journal is synced.
/// `key` and `journal` must outlive it.
class SafetySigner {
public:
    SafetySigner(Signer& key, Journal& journal, const Hash& chain_id, ValidatorIndex self);

    /// The same vote again for the statement that was released last; nothing when the statement
    /// might contradict an earlier vote.
    [[nodiscard]] std::optional<Vote> sign(const VoteStatement& statement);

private:
    Signer& m_key;
    Journal& m_journal;
    Hash m_chain_id;
    ValidatorIndex m_self;
};

}  // namespace tally::consensus
