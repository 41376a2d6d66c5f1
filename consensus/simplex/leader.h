#pragma once

#include "consensus/simplex/messages.h"

#include <vector>

namespace tally::consensus {

/// Who leads which view of one epoch: a permutation of the validators, repeated. The permutation
/// is a Fisher-Yates shuffle seeded by tagged_hash("tally/leader/v2", chain_id | epoch |
/// previous_seal), so whoever proposes who votes next does not know in what order they will lead.
class LeaderSchedule {
public:
    /// `previous_seal` is the digest of the block that sealed the epoch before, zero in the first.
    /// `count` is 1 to `validators_max`.
    LeaderSchedule(const Hash& chain_id, std::uint64_t epoch, const Hash& previous_seal,
                   std::size_t count);

    [[nodiscard]] ValidatorIndex leader(View view) const;

private:
    std::vector<ValidatorIndex> m_order;
};

}  // namespace tally::consensus
