#include "node/roaming/flow/health.h"

#include <algorithm>
#include <optional>

namespace tally::node {
namespace {

const char* refusal_of(ConnectorHealth health) {
    switch (health) {
        case ConnectorHealth::available:
            return "";
        case ConnectorHealth::occupied:
            return "charger_busy";
        case ConnectorHealth::unavailable:
            return "charger_unavailable";
        case ConnectorHealth::faulted:
            return "charger_faulted";
        case ConnectorHealth::silent:
            return "charger_silent";
        case ConnectorHealth::unknown:
            return "unknown_charger";
    }
    return "unknown_charger";
}

std::optional<ConnectorHealth> find(const std::vector<ConnectorState>& health,
                                    std::uint16_t connector) {
    const auto found = std::find_if(
        health.begin(), health.end(),
        [connector](const ConnectorState& state) { return state.connector == connector; });
    return found == health.end() ? std::nullopt : std::optional{found->health};
}

/// A station as a whole cannot be occupied; a state that it never reported does not hold it back.
bool is_station_fit(ConnectorHealth health) {
    return health == ConnectorHealth::available || health == ConnectorHealth::occupied;
}

}  // namespace

const char* charger_refusal(const std::vector<ConnectorState>& health, std::uint16_t connector) {
    const auto station = find(health, 0);
    if (station && !is_station_fit(*station)) {
        return refusal_of(*station);
    }
    if (connector != 0) {
        return refusal_of(find(health, connector).value_or(ConnectorHealth::unknown));
    }
    // The enumerators are in the order from usable to unknown.
    ConnectorHealth best = ConnectorHealth::unknown;
    for (const ConnectorState& state : health) {
        if (state.connector != 0) {
            best = std::min(best, state.health);
        }
    }
    return refusal_of(best);
}

}  // namespace tally::node
