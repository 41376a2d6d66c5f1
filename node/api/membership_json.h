#pragma once

// JSON forms of membership: members, the epoch, open proposals, evidence. See ledger_json.h for the
// rules.

#include "ledger/state/queries.h"

#include <boost/json/object.hpp>

#include <cstdint>

namespace tally::node {

/// Most evidence in one answer, the newest epochs first.
inline constexpr std::size_t evidence_listed_max{100};

/// {"items": [...]}: each member's fields with `validator` as wanted for the next epoch,
/// `validator_now`, the consensus key it votes with now, and whether it is suspended.
[[nodiscard]] boost::json::object members_json(const StateView& state);
/// The epoch of the block after `height`, whose state this is: who votes, who is wanted, who is
/// ready, how many blocks are left at most, and the parameters in force.
[[nodiscard]] boost::json::object epoch_json(const StateView& state, std::uint64_t height);
[[nodiscard]] boost::json::object proposals_json(const StateView& state);
[[nodiscard]] boost::json::object evidence_json(const StateView& state);

}  // namespace tally::node
