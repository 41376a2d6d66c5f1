#pragma once

#include "ledger/base/memory_store.h"

#include <optional>
#include <vector>

namespace tally {

/// Makes a state of the entries of a checkpoint, derived tables included. Nothing when it cannot be
/// one of a ledger: an entry that is no record of the state tree, epoch, cycle or parameters
/// missing, sums that do not fit their accounts or 64 bits, a charge without its tariff. So that
/// the execution, which stops the process on a broken state, may go on with a file that somebody
/// made up. That the state is the one of a block's header is for the caller to compare.
[[nodiscard]] std::optional<MemoryStore> restore_state(
    const std::vector<KeyValueStore::Entry>& entries);

}  // namespace tally
