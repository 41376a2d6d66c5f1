#pragma once

// Walks over whole tables of a state, for checks that look at all of it.

#include "ledger/state/keys.h"
#include "ledger/state/record_reading.h"

namespace tally {

/// Visits every entry of a table in order of key; the table must stay as it is meanwhile.
template <typename Visit>
void for_each_entry(const StateView& state, Table table, const Visit& visit) {
    record_reading::for_each(state, keys::table(table), record_reading::no_bound, visit);
}

/// The record of an entry of our own state, which decodes (else ENSURE).
template <typename Record>
Record decode_entry(const KeyValueStore::Entry& entry) {
    return record_reading::decode_own<Record>(entry.value);
}

}  // namespace tally
