#pragma once

#include "ledger/state/context.h"

#include <vector>

namespace tally {

/// Ends everything whose deadline lies before the block's time, in (deadline, id) order; a bank leg
/// only when its due_by lies before the parent's time too. Looks at `sweep_items_max` items at most
/// and no further once the shares of its defaults are `default_shares_max` or more; the rest waits
/// for the next block and is refused at use meanwhile. Gives one event for each that it ends.
[[nodiscard]] std::vector<Event> sweep_expired(BlockScope& block);

}  // namespace tally
