#include "ledger/base/check.h"
#include "ledger/base/memory_store.h"
#include "tests/simulator/sim_disk.h"

#include <algorithm>

namespace tally::simulator {

namespace {

Bytes to_key(ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); }

}  // namespace

void SimStore::apply(Table& table, const WriteBatch& batch) {
    for (const WriteBatch::Operation& operation : batch.operations) {
        if (operation.value) {
            table[operation.key] = *operation.value;
        } else {
            table.erase(operation.key);
        }
    }
}

void SimStore::freeze(UnsyncedFate fate, SimRandom& random) {
    if (m_image) {
        return;
    }
    m_image = Image{m_durable, {}};
    if (fate == UnsyncedFate::kept) {
        m_image->unsynced = m_unsynced;
    } else if (fate != UnsyncedFate::lost) {
        const auto kept = static_cast<std::size_t>(random.between(0, m_unsynced.size()));
        for (std::size_t i = 0; i < kept; ++i) {
            apply(m_image->durable, m_unsynced[i]);
        }
    }
}

void SimStore::restart() {
    ENSURE(m_image.has_value());
    m_durable = std::move(m_image->durable);
    m_unsynced = std::move(m_image->unsynced);
    m_image.reset();
    m_current = m_durable;
    for (const WriteBatch& batch : m_unsynced) {
        apply(m_current, batch);
    }
}

void SimStore::restore(const std::map<Bytes, Bytes>& backup) {
    m_current = backup;
    m_durable = backup;
    m_unsynced.clear();
}

Expected<std::optional<Bytes>, StoreError> SimStore::get(ByteView key) const {
    const auto found = m_current.find(to_key(key));
    return found == m_current.end() ? std::optional<Bytes>{} : std::optional{found->second};
}

Expected<std::optional<KeyValueStore::Entry>, StoreError> SimStore::next(ByteView from) const {
    const auto found = m_current.lower_bound(to_key(from));
    return found == m_current.end() ? std::optional<Entry>{}
                                    : std::optional{Entry{found->first, found->second}};
}

Expected<std::vector<KeyValueStore::Entry>, StoreError> SimStore::scan(
    ByteView prefix, ByteView from, std::size_t count_max) const {
    std::vector<Entry> result;
    for (auto at = m_current.lower_bound(std::max(to_key(from), to_key(prefix)));
         at != m_current.end() && result.size() < count_max; ++at) {
        const Bytes& key = at->first;
        const bool matches =
            key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
        if (!matches) {
            break;
        }
        result.push_back(Entry{key, at->second});
    }
    return result;
}

Expected<Done, StoreError> SimStore::write(const WriteBatch& batch, bool sync) {
    if (m_gate) {
        static_cast<void>(m_gate(sync ? EffectKind::store_sync : EffectKind::store_write));
    }
    apply(m_current, batch);
    m_unsynced.push_back(batch);
    if (sync) {
        for (const WriteBatch& written : m_unsynced) {
            apply(m_durable, written);
        }
        m_unsynced.clear();
    }
    return Done{};
}

std::unique_ptr<KeyValueStore> SimStore::snapshot() const {
    return MemoryStore{m_current}.snapshot();
}

}  // namespace tally::simulator
