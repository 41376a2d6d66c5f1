#pragma once

#include "ledger/state/context.h"

#include <vector>

namespace tally {

/// Ends everything whose deadline lies before the block's time, in (deadline, id) order,
/// `sweep_items_max` at most; the rest waits for the next block and is refused at use meanwhile.
/// Gives one event for each.
[[nodiscard]] std::vector<Event> sweep_expired(BlockScope& block);

}  // namespace tally
