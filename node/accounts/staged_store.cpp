#include "node/accounts/staged_store.h"

#include <algorithm>

namespace tally::node {
namespace {

/// The store's side of a scan is read in steps of this many entries.
constexpr std::size_t scan_step{256};

bool starts_with(const Bytes& key, ByteView prefix) {
    return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

Bytes successor(Bytes key) {
    key.push_back(0);
    return key;
}

}  // namespace

std::optional<Bytes> StagedStore::get(ByteView key) const {
    const auto staged = m_staged.find(Bytes{key.begin(), key.end()});
    if (staged != m_staged.end()) {
        return staged->second;
    }
    auto stored = m_store.get(key);
    ENSURE(stored.has_value());
    return std::move(stored).value();
}

std::vector<KeyValueStore::Entry> StagedStore::scan(ByteView prefix, ByteView from,
                                                    std::size_t count_max) const {
    if (count_max == 0) {
        return {};
    }
    // Staged changes of one turn are few: a copy of theirs is laid over each step of the store's.
    std::map<Bytes, Bytes> merged;
    Bytes position{from.begin(), from.end()};
    position = std::max(position, Bytes{prefix.begin(), prefix.end()});
    const Bytes begin = position;
    bool more = true;
    std::optional<Bytes> covered_to;  // the store was read up to here
    while (more && merged.size() < count_max) {
        auto step = m_store.scan(prefix, position, scan_step);
        ENSURE(step.has_value());
        for (KeyValueStore::Entry& entry : step.value()) {
            position = successor(entry.key);
            covered_to = entry.key;
            if (!m_staged.contains(entry.key)) {
                merged.emplace(std::move(entry.key), std::move(entry.value));
            }
        }
        more = step->size() == scan_step;
    }
    for (auto it = m_staged.lower_bound(begin); it != m_staged.end(); ++it) {
        if (!starts_with(it->first, prefix)) {
            break;
        }
        // Behind what was read, an unread entry of the store may come first: leave it to the next
        // call, which starts there.
        if (it->second && (!more || it->first <= *covered_to)) {
            merged.emplace(it->first, *it->second);
        }
    }
    std::vector<KeyValueStore::Entry> result;
    for (auto& [key, value] : merged) {
        if (result.size() == count_max) {
            break;
        }
        result.push_back({key, std::move(value)});
    }
    return result;
}

void StagedStore::put(Bytes key, Bytes value) { m_staged[std::move(key)] = std::move(value); }

void StagedStore::erase(Bytes key) { m_staged[std::move(key)] = std::nullopt; }

void StagedStore::commit() {
    if (m_staged.empty()) {
        return;
    }
    WriteBatch batch;
    batch.operations.reserve(m_staged.size());
    for (auto& [key, value] : m_staged) {
        batch.operations.push_back({key, std::move(value)});
    }
    m_staged.clear();
    ENSURE(m_store.write(batch, m_durability == Durability::synced).has_value());
}

}  // namespace tally::node
