#pragma once

// The end of a cycle, and what becomes of its bank legs.

#include "ledger/model/result_code.h"
#include "ledger/state/context.h"
#include "ledger/state/cycle_records.h"

#include <string>
#include <vector>

namespace tally {

/// Most currencies that one block nets; the next block goes on.
inline constexpr std::size_t cycle_currencies_per_block_max{64};
/// Most pairs of members whose posted sums one block clears. One currency always fits, whoever
/// owes whom.
inline constexpr std::size_t cycle_pairs_per_block_max{matrix_entries_max};

/// The first thing in a block: when its time lies in another period than the open cycle's, that
/// cycle is closed. Per currency with posted sums, in order: the net figure of each member, one
/// event, the posted sums back to 0 and a leg for each payment between banks. A cycle in which
/// nothing was posted gives no event. What does not fit into the block's bounds is netted first
/// thing in the next ones, with what was posted until then.
[[nodiscard]] std::vector<Event> close_cycle(BlockScope& block);

/// A pending leg whose due_by has passed for the block and its parent: it is in default, its debtor
/// suspended, and the scheme's `default_bearer` decides who bears it.
[[nodiscard]] Event default_leg(BlockScope& block, const LegKey& key);

/// The leg is paid: every share of its default goes back, and with the last one of its cycle and
/// currency all of them leave the state. `reference` has 1 to `payment_reference_bytes_max` bytes.
/// Errors: `unknown_leg`, `leg_confirmed`, and `overflow` when a share cannot be given back; then
/// the caller takes back what was written.
[[nodiscard]] ResultCode confirm_leg(StateOverlay& state, const LegKey& key, std::string reference);

}  // namespace tally
