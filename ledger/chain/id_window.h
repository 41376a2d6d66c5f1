#pragma once

#include "ledger/base/clock.h"
#include "ledger/model/ids.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tally {

/// The transaction ids and envelope roots of the finalized blocks of the last 120 s before a
/// block's time: what makes a repetition harmless. A function of those blocks alone, so it is
/// rebuilt from them at start and needs no place in the state.
class IdWindow {
public:
    /// What one block adds.
    struct BlockIds {
        UnixMillis time{0};
        std::map<TransactionRef, Hash> transactions;  ///< to the transaction's hash
        std::set<Hash> envelope_roots;                ///< tagged with the signer's party, see .cpp
    };

    /// Adds the next finalized block and forgets those at or before its time - 120 s.
    void add(const BlockIds& ids);
    [[nodiscard]] std::optional<Hash> transaction(const TransactionRef& ref) const;
    [[nodiscard]] bool has_envelope_root(const Hash& root) const;

private:
    std::deque<BlockIds> m_blocks;
};

}  // namespace tally
