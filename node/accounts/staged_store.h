#pragma once

#include "ledger/base/key_value_store.h"

#include <map>
#include <optional>
#include <vector>

namespace tally::node {

/// One synced write for everything that happened in a turn of the loop (group commit).
///
/// Changes are visible to readers of this object at once and durable together on `commit`. Whoever
/// changes something here shows it to the outside (a message, an envelope, an acknowledgement) only
/// after `commit`, so that a crash before it is as if the turn had not been.
/// Errors: a storage error stops the process. Threads: one owner.
/// Lifetime: keeps a reference to `store`; several users share one object, each with its own
/// key prefix.
class StagedStore {
public:
    enum class Durability : std::uint8_t {
        synced,    ///< survives power loss
        buffered,  ///< survives the end of the process; for backups that can be rebuilt
    };

    explicit StagedStore(KeyValueStore& store, Durability durability = Durability::synced)
        : m_store{store}, m_durability{durability} {}

    [[nodiscard]] std::optional<Bytes> get(ByteView key) const;
    /// Entries from `from` on whose key starts with `prefix`, staged changes included.
    [[nodiscard]] std::vector<KeyValueStore::Entry> scan(ByteView prefix, ByteView from,
                                                         std::size_t count_max) const;
    void put(Bytes key, Bytes value);
    void erase(Bytes key);

    [[nodiscard]] bool has_changes() const noexcept { return !m_staged.empty(); }
    void commit();

private:
    KeyValueStore& m_store;
    Durability m_durability;
    std::map<Bytes, std::optional<Bytes>> m_staged;
};

}  // namespace tally::node
