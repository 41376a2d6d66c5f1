#include "ledger/state/clearing_queries.h"

#include "ledger/base/check.h"
#include "ledger/state/keys.h"

#include <utility>

namespace tally {
namespace {

template <typename Entry, typename Record>
std::vector<Entry> list(const StateView& view, Table table) {
    std::vector<Entry> entries;
    const Bytes prefix = keys::table(table);
    Bytes from = prefix;
    while (std::optional<KeyValueStore::Entry> entry = view.next(from, prefix)) {
        std::optional<Record> record = decode_record<Record>(entry->value);
        ENSURE(record.has_value());
        entries.push_back({keys::ref_of(entry->key), std::move(*record)});
        from = std::move(entry->key);
        from.push_back(0);
    }
    return entries;
}

}  // namespace

std::vector<CountersignEntry> list_countersigns(const StateView& view) {
    return list<CountersignEntry, CountersignRecord>(view, Table::countersign);
}

std::vector<CorrectionEntry> list_corrections(const StateView& view) {
    return list<CorrectionEntry, CorrectionRecord>(view, Table::correction);
}

}  // namespace tally
