#pragma once

// Numbers of upstream's transactions that this bridge has used itself at the same station, and the
// numbers by which the charger knows them instead.

#include "ledger/base/bytes.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace tally::bridge {

/// Of one station; the oldest is forgotten first.
inline constexpr std::size_t aliases_max{64};
/// A bridge in front of another central system gives numbers from `own_transaction_first` on;
/// aliases lie below it, down to `alias_last`. So what upstream numbers below that cannot clash.
inline constexpr std::int32_t own_transaction_first{2'000'000'000};
inline constexpr std::int64_t alias_last{1'999'000'000};

/// Pure; its owner stores `encoded` before the charger hears of a new alias.
class AliasMap {
public:
    /// The alias of a number of upstream's, made when there is none; `true`: it is new.
    [[nodiscard]] std::pair<std::int64_t, bool> alias_of(std::int64_t upstream);
    /// Nothing: the number has no alias.
    [[nodiscard]] std::optional<std::int64_t> find_alias(std::int64_t upstream) const;
    [[nodiscard]] std::optional<std::int64_t> find_upstream(std::int64_t alias) const;
    [[nodiscard]] Bytes encoded() const;
    /// False when the bytes are none.
    [[nodiscard]] bool decode(ByteView bytes);
    [[nodiscard]] std::size_t size() const { return m_entries.size(); }

private:
    struct Entry {
        std::int64_t alias{0};
        std::int64_t upstream{0};
    };
    std::deque<Entry> m_entries;  ///< oldest first
    std::int64_t m_next{own_transaction_first - 1};
};

}  // namespace tally::bridge
