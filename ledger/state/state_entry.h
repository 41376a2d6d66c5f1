#pragma once

#include "ledger/base/key_value_store.h"

namespace tally {

/// Whether an entry that nobody vouches for can be one of the state tree: a table of it, a key of
/// that table's length whose names are valid, a value that is its record. So that what reads a
/// state, which stops the process on anything else, may read it. That entries fit each other is
/// not looked at.
[[nodiscard]] bool is_state_entry(const KeyValueStore::Entry& entry);

}  // namespace tally
