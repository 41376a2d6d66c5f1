#pragma once

#include "ledger/base/key_value_store.h"

#include <map>

namespace tally {

/// A key-value store in memory, for the simulator and tests. Nothing survives the object; `sync`
/// has no meaning here (the simulator models the loss of un-synced writes around it).
/// Thread safety: const members may run at the same time as each other, not with `write`.
class MemoryStore : public KeyValueStore {
public:
    using Entries = std::map<Bytes, Bytes>;

    MemoryStore() = default;
    explicit MemoryStore(Entries entries) : m_entries{std::move(entries)} {}

    [[nodiscard]] Expected<std::optional<Bytes>, StoreError> get(ByteView key) const override;
    [[nodiscard]] Expected<std::optional<Entry>, StoreError> next(ByteView from) const override;
    [[nodiscard]] Expected<std::vector<Entry>, StoreError> scan(
        ByteView prefix, ByteView from, std::size_t count_max) const override;
    [[nodiscard]] Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) override;

    [[nodiscard]] const Entries& entries() const noexcept { return m_entries; }

private:
    Entries m_entries;
};

}  // namespace tally
