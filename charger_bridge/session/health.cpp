#include "charger_bridge/session/health.h"

#include <algorithm>

namespace tally::bridge {

namespace {

using node::ConnectorHealth;
using node::ConnectorState;

constexpr std::size_t error_code_bytes_max{64};

ConnectorHealth health_of(ConnectorStatus status) {
    switch (status) {
        case ConnectorStatus::available:
        case ConnectorStatus::preparing:
            return ConnectorHealth::available;
        case ConnectorStatus::charging:
        case ConnectorStatus::suspended_evse:
        case ConnectorStatus::suspended_ev:
        case ConnectorStatus::finishing:
        case ConnectorStatus::reserved:
            return ConnectorHealth::occupied;
        case ConnectorStatus::unavailable:
            return ConnectorHealth::unavailable;
        case ConnectorStatus::faulted:
            return ConnectorHealth::faulted;
    }
    return ConnectorHealth::unknown;
}

bool is_car_there(ConnectorStatus status) {
    return status == ConnectorStatus::preparing || status == ConnectorStatus::charging ||
           status == ConnectorStatus::suspended_evse || status == ConnectorStatus::suspended_ev;
}

}  // namespace

bool Health::is_in_use(const std::string& station, std::uint16_t connector) const {
    const auto found = m_stations.find(station);
    if (found == m_stations.end()) {
        return false;
    }
    const auto reported = found->second.reported.find(connector);
    return reported != found->second.reported.end() && is_car_there(reported->second.status);
}

Health::Health(const std::vector<StationConfig>& stations, std::chrono::milliseconds silence)
    : m_silence{silence} {
    for (const StationConfig& station : stations) {
        m_stations[station.id].connectors = station.connectors;
    }
}

void Health::add(const StationConfig& station) {
    const auto [place, is_new] = m_stations.try_emplace(station.id);
    if (is_new) {
        place->second.connectors = station.connectors;
    }
}

bool Health::knows(const std::string& station) const { return m_stations.contains(station); }

bool Health::is_connected(const std::string& station) const {
    const auto found = m_stations.find(station);
    return found != m_stations.end() && found->second.connected;
}

std::uint16_t Health::connectors(const std::string& station) const {
    const auto found = m_stations.find(station);
    return found != m_stations.end() ? found->second.connectors : std::uint16_t{0};
}

bool Health::has_states(const std::string& station) const {
    const auto found = m_stations.find(station);
    if (found == m_stations.end()) {
        return false;
    }
    for (std::uint16_t connector = 1; connector <= found->second.connectors; ++connector) {
        if (!found->second.reported.contains(connector)) {
            return false;
        }
    }
    return true;
}

void Health::remove(const std::string& station, WriteBatch& batch) {
    if (m_stations.erase(station) != 0) {
        batch.erase(std::move(Encoder{}.u8(key_prefix).raw(as_bytes(station))).take());
    }
}

bool Health::was_booted(const std::string& station) const {
    const auto found = m_stations.find(station);
    return found != m_stations.end() && found->second.booted;
}

void Health::load(ByteView key, ByteView value) {
    const auto found = m_stations.find(std::string{as_text(key.subspan(1))});
    if (found == m_stations.end()) {
        return;  // No longer configured.
    }
    Station loaded = found->second;
    Decoder decoder{value};
    loaded.booted = decoder.boolean();
    const std::uint32_t count = decoder.count(evses_max + 1, 7);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const std::uint16_t connector = decoder.u16();
        const std::uint8_t status = decoder.u8();
        std::string error = decoder.text(error_code_bytes_max);
        if (status >= 1 && status <= 9) {
            loaded.reported[connector] = {static_cast<ConnectorStatus>(status), std::move(error)};
        }
    }
    if (decoder.finished()) {
        found->second = std::move(loaded);
    }
}

void Health::store(const std::string& id, const Station& station, WriteBatch& batch) const {
    Encoder encoder;
    encoder.boolean(station.booted).u32(static_cast<std::uint32_t>(station.reported.size()));
    for (const auto& [connector, reported] : station.reported) {
        encoder.u16(connector)
            .u8(static_cast<std::uint8_t>(reported.status))
            .text(reported.error_code);
    }
    batch.put(std::move(Encoder{}.u8(key_prefix).raw(as_bytes(id))).take(),
              std::move(encoder).take());
}

void Health::set_connected(const std::string& station, bool connected, Instant now) {
    if (const auto found = m_stations.find(station); found != m_stations.end()) {
        found->second.connected = connected;
        found->second.heard_at = now.mono;
    }
}

void Health::heard(const std::string& station, Instant now) {
    if (const auto found = m_stations.find(station); found != m_stations.end()) {
        found->second.heard_at = now.mono;
    }
}

void Health::set_booted(const std::string& station, WriteBatch& batch) {
    const auto found = m_stations.find(station);
    if (found != m_stations.end() && !found->second.booted) {
        found->second.booted = true;
        store(station, found->second, batch);
    }
}

void Health::report(const std::string& station, const StatusFacts& status, WriteBatch& batch) {
    const auto found = m_stations.find(station);
    if (found == m_stations.end() || status.connector > found->second.connectors) {
        return;  // A connector that is not configured here cannot be charged at.
    }
    std::string error = status.error_code.substr(0, error_code_bytes_max);
    found->second.reported[status.connector] = {status.status, std::move(error)};
    store(station, found->second, batch);
}

bool Health::is_silent(const std::string& station, Instant now) const {
    const auto found = m_stations.find(station);
    return found == m_stations.end() || is_silent(found->second, now);
}

bool Health::is_silent(const Station& station, Instant now) const {
    return !station.connected || now.mono - station.heard_at > m_silence;
}

void Health::told_silence(const std::string& station, Instant now) {
    if (const auto found = m_stations.find(station); found != m_stations.end()) {
        found->second.silence_told = is_silent(found->second, now);
    }
}

std::vector<std::string> Health::silence_to_tell(Instant now) const {
    std::vector<std::string> changed;
    for (const auto& [id, station] : m_stations) {
        if (station.silence_told != is_silent(station, now)) {
            changed.push_back(id);
        }
    }
    return changed;
}

std::vector<ConnectorState> Health::states(const std::string& station,
                                           const std::vector<std::uint16_t>& busy,
                                           Instant now) const {
    std::vector<ConnectorState> states;
    const auto found = m_stations.find(station);
    if (found == m_stations.end()) {
        return states;
    }
    const Station& known = found->second;
    const bool silent = is_silent(station, now);
    for (std::uint16_t connector = 0; connector <= known.connectors; ++connector) {
        ConnectorState state;
        state.connector = connector;
        const auto reported = known.reported.find(connector);
        if (reported != known.reported.end()) {
            state.health = health_of(reported->second.status);
            state.error_code = reported->second.error_code;
        } else if (connector == 0) {
            state.health = ConnectorHealth::available;  // Reporting connector 0 is optional.
        }
        const bool is_busy = std::find(busy.begin(), busy.end(), connector) != busy.end();
        if (silent) {
            state.health = ConnectorHealth::silent;
        } else if (is_busy && state.health == ConnectorHealth::available) {
            state.health = ConnectorHealth::occupied;
        }
        states.push_back(std::move(state));
    }
    return states;
}

std::vector<std::string> Health::stations() const {
    std::vector<std::string> ids;
    ids.reserve(m_stations.size());
    for (const auto& entry : m_stations) {
        ids.push_back(entry.first);
    }
    return ids;
}

}  // namespace tally::bridge
