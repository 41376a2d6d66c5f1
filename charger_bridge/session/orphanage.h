#pragma once

// Messages and charges that could not be billed, kept for the operator. Pure.

#include "charger_bridge/session/session.h"
#include "charger_bridge/session/station_counts.h"
#include "ledger/base/key_value_store.h"

#include <deque>
#include <optional>
#include <set>
#include <vector>

namespace tally::bridge {

/// Orphans kept; when there is one more, the oldest goes of the station that has the most.
inline constexpr std::size_t orphans_max{10'000};

class Orphanage {
public:
    static constexpr std::uint8_t key_prefix{'o'};
    /// False when the value is not an orphan: data of our own is wrong. In order of their keys.
    [[nodiscard]] bool load(ByteView value);
    /// Keeps it unless the same facts are here already; then gives false.
    bool add(Orphan orphan, WriteBatch& batch);
    /// The one that the last `add` made room by forgetting, if it did.
    [[nodiscard]] const std::optional<Orphan>& forgotten() const { return m_forgotten; }
    [[nodiscard]] const std::deque<Orphan>& all() const { return m_orphans; }

private:
    void forget_one(WriteBatch& batch);

    std::deque<Orphan> m_orphans;  ///< in order of their numbers
    StationCounts m_counts;
    std::optional<Orphan> m_forgotten;
    std::set<Hash> m_facts;
    std::uint64_t m_next{1};
};

}  // namespace tally::bridge
