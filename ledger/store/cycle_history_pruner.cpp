#include "ledger/store/cycle_history_pruner.h"

#include "ledger/base/check.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/keys.h"

#include <optional>
#include <utility>

namespace tally {
namespace {

UnixMillis closed_at(ByteView value) {
    const std::optional<CycleHistory> history = decode_record<CycleHistory>(value);
    ENSURE(history.has_value());
    return history->closed_at;
}

/// The state's record of a closed cycle that has a leg to be confirmed, for an entry's key.
Bytes record_key(Bytes history_key) {
    history_key.front() = static_cast<std::uint8_t>(Table::cycle);
    return history_key;
}

}  // namespace

CycleHistoryPruner::CycleHistoryPruner(const KeyValueStore& store)
    : m_store{store}, m_next{keys::table(Table::cycle_history)} {}

bool CycleHistoryPruner::prune(const StateChanges& changes, UnixMillis now, WriteBatch& batch) {
    if (m_keep == 0 || now <= m_due) {
        return true;
    }
    const Bytes prefix = keys::table(Table::cycle_history);
    for (std::size_t i = 0; i < cycle_history_looked_at_per_block; ++i) {
        // One at a time: with many members an entry is large.
        const auto found = m_store.scan(prefix, m_next, 1);
        if (!found) {
            return false;
        }
        const UnixMillis closed = found->empty() ? now : closed_at(found->front().value);
        if (closed >= now - m_keep) {
            m_due = closed + m_keep;
            m_next = prefix;
            return true;
        }
        const Bytes& key = found->front().key;
        // A leg that this block confirms, or an entry that it writes, waits for the next pass.
        const auto open = m_store.get(record_key(key));
        if (!open) {
            return false;
        }
        if (!*open && !changes.contains(key)) {
            batch.erase(key);
        }
        m_next = key;
        m_next.push_back(0);
    }
    return true;
}

}  // namespace tally
