#pragma once

// Stations that an operator has to look at before anybody charges there again. Pure: writes go into
// the caller's batch.

#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"

#include <map>
#include <optional>
#include <string>

namespace tally::bridge {

struct StationMark {
    std::string reason;  ///< "stop_ignored"
    std::int32_t transaction{0};
    UnixMillis since{0};
};

/// At most one mark for a station: the first, until it is cleared.
class StationMarks {
public:
    static constexpr std::uint8_t key_prefix{'k'};
    /// False when the entry is none of ours: data of our own is wrong.
    [[nodiscard]] bool load(ByteView key, ByteView value);

    /// False when the station is marked already.
    bool set(const std::string& station, const StationMark& mark, WriteBatch& batch);
    /// False when it was not marked.
    bool clear(const std::string& station, WriteBatch& batch);
    [[nodiscard]] const StationMark* find(const std::string& station) const;
    [[nodiscard]] const std::map<std::string, StationMark>& all() const { return m_marks; }

private:
    std::map<std::string, StationMark> m_marks;
};

}  // namespace tally::bridge
