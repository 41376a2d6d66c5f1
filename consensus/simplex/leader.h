#pragma once

#include "consensus/simplex/messages.h"

#include <vector>

namespace tally::consensus {

/// Who leads which view of one epoch: a permutation of the validators, repeated. The permutation
/// is a Fisher-Yates shuffle seeded by tagged_hash("tally/leader/v1", chain_id | epoch), so no
/// validator can choose its place.
class LeaderSchedule {
public:
    /// `count` is 1 to `validators_max`.
    LeaderSchedule(const Hash& chain_id, std::uint64_t epoch, std::size_t count);

    [[nodiscard]] ValidatorIndex leader(View view) const;

private:
    std::vector<ValidatorIndex> m_order;
};

}  // namespace tally::consensus
