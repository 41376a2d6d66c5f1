#include "ledger/chain/id_window.h"

#include "ledger/base/check.h"
#include "ledger/model/transaction.h"

namespace tally {

bool is_in_id_window(UnixMillis time, UnixMillis block_time) noexcept {
    return time > block_time - not_after_window_ms;
}

void IdWindow::add(const BlockIds& ids) {
    ENSURE(m_blocks.empty() || m_blocks.back().time < ids.time);
    BlockEntry entry;
    entry.time = ids.time;
    entry.transactions.reserve(ids.transactions.size());
    for (const auto& [ref, hash] : ids.transactions) {
        m_transactions[ref] = Seen{hash, ids.time};  // An id beyond the window is free again.
        entry.transactions.push_back(ref);
    }
    for (const Hash& root : ids.envelope_roots) {
        m_envelope_roots[root] = ids.time;
        entry.envelope_roots.push_back(root);
    }
    m_blocks.push_back(std::move(entry));
    while (!is_in_id_window(m_blocks.front().time, ids.time)) {
        forget_oldest();
    }
}

void IdWindow::forget_oldest() {
    const BlockEntry& oldest = m_blocks.front();
    for (const TransactionRef& ref : oldest.transactions) {
        const auto seen = m_transactions.find(ref);
        if (seen != m_transactions.end() && seen->second.time == oldest.time) {
            m_transactions.erase(seen);
        }
    }
    for (const Hash& root : oldest.envelope_roots) {
        const auto seen = m_envelope_roots.find(root);
        if (seen != m_envelope_roots.end() && seen->second == oldest.time) {
            m_envelope_roots.erase(seen);
        }
    }
    m_blocks.pop_front();
}

std::optional<Hash> IdWindow::transaction(const TransactionRef& ref, UnixMillis block_time) const {
    const auto seen = m_transactions.find(ref);
    if (seen == m_transactions.end() || !is_in_id_window(seen->second.time, block_time)) {
        return std::nullopt;
    }
    return seen->second.hash;
}

bool IdWindow::has_envelope_root(const Hash& root, UnixMillis block_time) const {
    const auto seen = m_envelope_roots.find(root);
    return seen != m_envelope_roots.end() && is_in_id_window(seen->second, block_time);
}

}  // namespace tally
