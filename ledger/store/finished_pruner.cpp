#include "ledger/store/finished_pruner.h"

#include "ledger/base/check.h"
#include "ledger/state/keys.h"
#include "ledger/state/records.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tally {
namespace {

std::size_t count_new(const StateChanges& changes, const Bytes& prefix) {
    std::size_t count{0};
    for (auto at = changes.lower_bound(prefix); at != changes.end(); ++at) {
        if (at->first.front() != prefix.front()) {
            break;
        }
        ++count;
    }
    return count;
}

bool ended_before(ByteView value, UnixMillis time) {
    const std::optional<Authorization> finished = decode_record<Authorization>(value);
    ENSURE(finished && finished->end);
    return finished->end->ended_at < time;
}

}  // namespace

FinishedPruner::FinishedPruner(const KeyValueStore& store)
    : m_store{store}, m_next{keys::table(Table::finished)} {}

bool FinishedPruner::prune(const StateChanges& changes, UnixMillis now, WriteBatch& batch) {
    if (m_keep == 0) {
        return true;
    }
    const Bytes prefix = keys::table(Table::finished);
    const std::size_t looked_at = std::max(finished_looked_at_per_block,
                                           finished_looked_at_per_new * count_new(changes, prefix));
    const auto entries = m_store.scan(prefix, m_next, looked_at);
    if (!entries) {
        return false;
    }
    for (const KeyValueStore::Entry& entry : *entries) {
        // One that the block writes again is not what the store still shows.
        if (ended_before(entry.value, now - m_keep) && !changes.contains(entry.key)) {
            batch.erase(entry.key);
        }
    }
    m_next = prefix;
    if (entries->size() == looked_at) {
        m_next = entries->back().key;
        m_next.push_back(0);
    }
    return true;
}

}  // namespace tally
