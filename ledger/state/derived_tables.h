#pragma once

#include "ledger/base/key_value_store.h"

namespace tally {

/// Adds to `batch` what the derived tables (deadlines, stations) hold because of one entry of the
/// state tree. Over all entries this gives exactly what executing the blocks gave; only the table
/// of finished authorizations and that of past cycles, which nothing is decided by, do not come
/// back. Stops the process on an entry that is not a record of ours: call it on a state whose root
/// was checked.
void derive_entries(const KeyValueStore::Entry& entry, WriteBatch& batch);

}  // namespace tally
