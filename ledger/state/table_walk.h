#pragma once

// Walks over whole tables of a state, for checks that look at all of it.

#include "ledger/base/check.h"
#include "ledger/state/keys.h"
#include "ledger/state/records.h"
#include "ledger/state/state_view.h"

#include <optional>
#include <utility>

namespace tally {

/// Visits every entry of a table in order of key; the table must stay as it is meanwhile.
template <typename Visit>
void for_each_entry(const StateView& state, Table table, const Visit& visit) {
    const Bytes prefix = keys::table(table);
    Bytes from = prefix;
    while (std::optional<KeyValueStore::Entry> entry = state.next(from, prefix)) {
        visit(*entry);
        from = std::move(entry->key);
        from.push_back(0);
    }
}

/// The record of an entry of our own state, which decodes (else ENSURE).
template <typename Record>
Record decode_entry(const KeyValueStore::Entry& entry) {
    std::optional<Record> record = decode_record<Record>(entry.value);
    ENSURE(record.has_value());
    return std::move(*record);
}

}  // namespace tally
