#include "ledger/base/memory_store.h"

#include <algorithm>

namespace tally {

namespace {

Bytes copy(ByteView bytes) { return Bytes{bytes.begin(), bytes.end()}; }

bool starts_with(const Bytes& key, ByteView prefix) {
    return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

}  // namespace

Expected<std::optional<Bytes>, StoreError> MemoryStore::get(ByteView key) const {
    const auto found = m_entries->find(copy(key));
    return found == m_entries->end() ? std::optional<Bytes>{} : std::optional<Bytes>{found->second};
}

Expected<std::optional<KeyValueStore::Entry>, StoreError> MemoryStore::next(ByteView from) const {
    const auto found = m_entries->lower_bound(copy(from));
    if (found == m_entries->end()) {
        return std::optional<Entry>{};
    }
    return std::optional<Entry>{Entry{found->first, found->second}};
}

Expected<std::vector<KeyValueStore::Entry>, StoreError> MemoryStore::scan(
    ByteView prefix, ByteView from, std::size_t count_max) const {
    std::vector<Entry> result;
    auto entry = m_entries->lower_bound(std::max(copy(prefix), copy(from)));
    while (entry != m_entries->end() && result.size() < count_max &&
           starts_with(entry->first, prefix)) {
        result.push_back({entry->first, entry->second});
        ++entry;
    }
    return result;
}

Expected<Done, StoreError> MemoryStore::write(const WriteBatch& batch, bool /*sync*/) {
    if (m_is_snapshot) {
        return Unexpected{StoreError::io_error};
    }
    if (m_entries.use_count() > 1) {
        m_entries = std::make_shared<Entries>(*m_entries);
    }
    for (const WriteBatch::Operation& operation : batch.operations) {
        if (operation.value) {
            m_entries->insert_or_assign(operation.key, *operation.value);
        } else {
            m_entries->erase(operation.key);
        }
    }
    return Done{};
}

std::unique_ptr<KeyValueStore> MemoryStore::snapshot() const {
    auto copy = std::make_unique<MemoryStore>();
    copy->m_entries = m_entries;
    copy->m_is_snapshot = true;
    return copy;
}

}  // namespace tally
