#pragma once

#include "ledger/base/key_value_store.h"

#include <map>
#include <memory>
#include <utility>

namespace tally {

/// A key-value store in memory, for the simulator and tests. Nothing survives the object; `sync`
/// has no meaning here (the simulator models the loss of un-synced writes around it).
/// Thread safety: const members may run at the same time as each other, not with `write`.
class MemoryStore : public KeyValueStore {
public:
    using Entries = std::map<Bytes, Bytes>;

    MemoryStore() = default;
    MemoryStore(const MemoryStore& other)
        : m_entries{std::make_shared<Entries>(*other.m_entries)} {}
    MemoryStore& operator=(const MemoryStore& other) {
        m_entries = std::make_shared<Entries>(*other.m_entries);
        return *this;
    }
    ~MemoryStore() override = default;
    explicit MemoryStore(Entries entries)
        : m_entries{std::make_shared<Entries>(std::move(entries))} {}

    [[nodiscard]] Expected<std::optional<Bytes>, StoreError> get(ByteView key) const override;
    [[nodiscard]] Expected<std::optional<Entry>, StoreError> next(ByteView from) const override;
    [[nodiscard]] Expected<std::vector<Entry>, StoreError> scan(
        ByteView prefix, ByteView from, std::size_t count_max) const override;
    [[nodiscard]] Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) override;

    /// Shares the entries until the next write to either, which copies them.
    [[nodiscard]] std::unique_ptr<KeyValueStore> snapshot() const override;

    [[nodiscard]] const Entries& entries() const noexcept { return *m_entries; }

private:
    std::shared_ptr<Entries> m_entries{std::make_shared<Entries>()};
    bool m_is_snapshot{false};
};

}  // namespace tally
