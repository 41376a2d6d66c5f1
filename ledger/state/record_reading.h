#pragma once

// How typed records are read out of a state. Only .cpp files include it, and table_walk.h.

#include "ledger/base/check.h"
#include "ledger/state/records.h"
#include "ledger/state/state_view.h"

#include <cstddef>
#include <optional>
#include <utility>

namespace tally::record_reading {

inline constexpr std::size_t no_bound{static_cast<std::size_t>(-1)};

/// A value of our own state: one that does not decode is a broken invariant.
template <typename Record>
[[nodiscard]] Record decode_own(ByteView bytes) {
    std::optional<Record> record = decode_record<Record>(bytes);
    ENSURE(record.has_value());
    return std::move(*record);
}

template <typename Record>
[[nodiscard]] std::optional<Record> find_own(const StateView& view, ByteView key) {
    const std::optional<Bytes> value = view.get(key);
    return value ? std::optional{decode_own<Record>(*value)} : std::nullopt;
}

/// The smallest key greater than `key` in byte order.
inline void step_behind(Bytes& key) { key.push_back(0); }

/// Calls `visit(entry)` for entries with `prefix` from `from` on in order, `count_max` at most.
template <typename Visit>
void for_each_from(const StateView& view, Bytes from, ByteView prefix, std::size_t count_max,
                   Visit visit) {
    for (std::size_t count = 0; count < count_max; ++count) {
        std::optional<KeyValueStore::Entry> entry = view.next(from, prefix);
        if (!entry) {
            return;
        }
        visit(*entry);
        from = std::move(entry->key);
        step_behind(from);
    }
}

/// The same for all entries with `prefix`.
template <typename Visit>
void for_each(const StateView& view, const Bytes& prefix, std::size_t count_max, Visit visit) {
    for_each_from(view, prefix, prefix, count_max, visit);
}

}  // namespace tally::record_reading
