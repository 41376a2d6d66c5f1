#include "ledger/state/clearing_queries.h"

#include "ledger/state/keys.h"
#include "ledger/state/record_reading.h"

namespace tally {
namespace {

template <typename Entry, typename Record>
std::vector<Entry> list(const StateView& view, Table table) {
    std::vector<Entry> entries;
    record_reading::for_each(
        view, keys::table(table), record_reading::no_bound,
        [&entries](const KeyValueStore::Entry& entry) {
            entries.push_back(
                {keys::ref_of(entry.key), record_reading::decode_own<Record>(entry.value)});
        });
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
