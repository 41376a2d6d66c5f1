// Chargers come and go.

#include "charger_bridge/bridge.h"
#include "charger_bridge/ocpp/v16/translation.h"
#include "charger_bridge/ocpp/v201/translation.h"
#include "node/runtime/logging.h"

#include <utility>

namespace tally::bridge {

namespace {

/// The versions spoken here.
const Translation* translation_of_protocol(std::string_view sub_protocol) {
    for (const Translation* const known : {&v16::translation(), &v201::translation()}) {
        if (known->sub_protocol() == sub_protocol) {
            return known;
        }
    }
    return nullptr;
}

}  // namespace

bool Bridge::may_swap(const std::string& station) {
    std::deque<std::chrono::milliseconds>& swaps = m_swaps[station];
    while (!swaps.empty() && now().mono - swaps.front() > swap_window) {
        swaps.pop_front();
    }
    if (swaps.size() >= swaps_max) {
        return false;
    }
    swaps.push_back(now().mono);
    return true;
}

std::uint64_t Bridge::draw_salt() {
    std::uint64_t salt = 0;
    for (const std::uint8_t byte : m_parts.random.fixed<FixedBytes<8, struct SaltTag>>().data) {
        salt = salt << 8U | byte;
    }
    return salt;
}

void Bridge::replace(const std::string& station, SocketId gone) {
    m_commit.flush();  // Its answers must not reach the newcomer.
    const auto old = m_stations.find(station);
    for (const CommandReply& reply : old->second.peer.abandon()) {
        finish(reply);
    }
    m_sockets.erase(gone);
    m_stations.erase(old);
    m_calls.lost(station);
    m_server->close(gone, "replaced");
    feed(StationDisconnected{station});
}

bool Bridge::opened(const std::string& station, SocketId socket, std::string_view sub_protocol) {
    const Translation* const translation = translation_of_protocol(sub_protocol);
    if (m_failed || translation == nullptr) {
        return false;
    }
    const auto old = m_stations.find(station);
    if (old != m_stations.end()) {
        const bool allowed = may_swap(station);
        count("tally_bridge_station_swaps_total", "Second connections of a station",
              {{"outcome", allowed ? "replaced" : "refused"}});
        node::log_warn("ocpp", allowed ? "connection_replaced" : "swap_refused",
                       {{"station", station}});
        if (!allowed) {
            return false;
        }
        replace(station, old->second.socket);
    }
    const std::uint64_t salt = draw_salt();
    // Another central system has the boot rule and is told states; those never told here are asked.
    const bool proxied = is_proxied(station);
    const bool knows_states = proxied && m_core.health().has_states(station);
    const bool booted = proxied || is_served(station);
    m_stations.emplace(station, Station{socket, Peer{booted, salt, *translation}, false,
                                        knows_states, make_proxied(station, *translation, salt)});
    m_sockets[socket] = station;
    node::log_info("ocpp", "station_connected", {{"station", station}});
    feed(StationConnected{station});
    open_upstream(station, sub_protocol);
    return true;
}

void Bridge::closed(SocketId socket, const std::string& why) {
    count("tally_bridge_closed_connections_total", "Connections of chargers that ended",
          {{"why", why}});
    const auto found = m_sockets.find(socket);
    if (found == m_sockets.end()) {
        return;  // Replaced by a newer one.
    }
    m_commit.flush();  // Its answers must not reach the next connection.
    const std::string station = found->second;
    m_sockets.erase(found);
    const auto open = m_stations.find(station);
    for (const CommandReply& reply : open->second.peer.abandon()) {
        finish(reply);
    }
    m_stations.erase(open);
    m_calls.lost(station);
    if (m_upstream) {
        m_upstream->unwant(station);
    }
    node::log_info("ocpp", "station_disconnected", {{"station", station}, {"why", why}});
    feed(StationDisconnected{station});
}

void Bridge::received(SocketId socket, std::string_view text) {
    const auto found = m_sockets.find(socket);
    if (found == m_sockets.end() || m_failed) {
        return;
    }
    const std::string station = found->second;
    feed(StationHeard{station});
    if (m_stations.at(station).proxied != nullptr) {
        route(station, [&](Route& route) { return route.from_charger(text, now().mono); });
        return;
    }
    carry_out(station, m_stations.at(station).peer.receive(text), text);
}

}  // namespace tally::bridge
