#pragma once

// What the bridge knows about its stations: connected, heard lately, state of each connector. Pure.

#include "charger_bridge/session/facts.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tally::bridge {

struct StationConfig {
    std::string id;
    std::uint16_t connectors{1};
};

/// Reported states survive a restart, because a charger that reconnects need not repeat them. Until
/// it does, `connected` is false and everything counts as silent.
class Health {
public:
    /// A station not heard for `silence` counts as silent even while its socket is open.
    Health(const std::vector<StationConfig>& stations, std::chrono::milliseconds silence);

    /// A station that was let in without being listed. No effect on one that is known.
    void add(const StationConfig& station);
    /// It is no station any more; what it reported is forgotten.
    void remove(const std::string& station, WriteBatch& batch);
    [[nodiscard]] bool knows(const std::string& station) const;
    [[nodiscard]] bool is_connected(const std::string& station) const;
    /// How many are configured; 0 for an unknown station.
    [[nodiscard]] std::uint16_t connectors(const std::string& station) const;
    /// Whether the connector was last said to have a car at it.
    [[nodiscard]] bool is_in_use(const std::string& station, std::uint16_t connector) const;
    [[nodiscard]] bool was_booted(const std::string& station) const;
    /// Whether every connector has reported a state, now or in earlier times.
    [[nodiscard]] bool has_states(const std::string& station) const;

    void load(ByteView key, ByteView value);
    static constexpr std::uint8_t key_prefix{'c'};

    void set_connected(const std::string& station, bool connected, Instant now);
    void heard(const std::string& station, Instant now);
    void set_booted(const std::string& station, WriteBatch& batch);
    void report(const std::string& station, const StatusFacts& status, WriteBatch& batch);

    /// `busy` names the connectors with an open charge. Connector 0, the station, comes first.
    [[nodiscard]] std::vector<node::ConnectorState> states(const std::string& station,
                                                           const std::vector<std::uint16_t>& busy,
                                                           Instant now) const;
    [[nodiscard]] bool is_silent(const std::string& station, Instant now) const;
    [[nodiscard]] std::vector<std::string> stations() const;

    /// The node is told now whether the station is silent.
    void told_silence(const std::string& station, Instant now);
    /// Stations of which it was told something else, or nothing yet.
    [[nodiscard]] std::vector<std::string> silence_to_tell(Instant now) const;

private:
    struct Reported {
        ConnectorStatus status{ConnectorStatus::available};
        std::string error_code;
    };
    struct Station {
        std::uint16_t connectors{1};
        bool connected{false};
        bool booted{false};
        std::chrono::milliseconds heard_at{0};
        std::map<std::uint16_t, Reported> reported;
        std::optional<bool> silence_told;
    };
    [[nodiscard]] bool is_silent(const Station& station, Instant now) const;
    void store(const std::string& id, const Station& station, WriteBatch& batch) const;

    std::chrono::milliseconds m_silence;
    std::map<std::string, Station> m_stations;
};

}  // namespace tally::bridge
