// Where another central system stands behind the bridge: what routes ask for, carried out.

#include "charger_bridge/bridge.h"
#include "ledger/base/overloaded.h"
#include "node/runtime/logging.h"

#include <boost/json/object.hpp>

#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

constexpr std::uint8_t aliases_prefix{'u'};

Bytes aliases_key(const std::string& station) {
    return std::move(Encoder{}.u8(aliases_prefix).raw(as_bytes(station))).take();
}

}  // namespace

Bridge::Proxied::Proxied(const Translation& translation, SessionCore& core,
                         const std::string& station, AliasMap& aliases, RouteConfig config,
                         std::chrono::milliseconds now)
    : book{core, station}, route{translation, book, aliases, std::move(config), now} {}

bool Bridge::is_proxied(const std::string& station) const {
    return m_upstream != nullptr && !m_unproxied.contains(station);
}

std::optional<bool> Bridge::upstream_state(const std::string& station) const {
    return is_proxied(station) ? std::optional{m_upstream->is_open(station)} : std::nullopt;
}

void Bridge::make_upstream(const BridgeConfig& config) {
    if (!config.upstream) {
        return;
    }
    for (const ChargerConfig& charger : config.chargers) {
        if (!charger.is_proxied) {
            m_unproxied.insert(charger.station.id);
        }
    }
    m_unknown_statuses = config.upstream->unknown_statuses;
    m_passes_password = config.upstream->passes_password;
    UpstreamHandlers handlers;
    handlers.opened = [this](const std::string& station) {
        node::log_info("upstream", "connected", {{"station", station}});
        route(station, [this](Route& route) { return route.upstream_opened(now().mono); });
    };
    handlers.received = [this](const std::string& station, const std::string& text) {
        route(station, [&](Route& route) { return route.from_upstream(text, now().mono); });
    };
    handlers.closed = [this](const std::string& station, const std::string& why) {
        count("tally_bridge_upstream_closed_total",
              "Connections to the other central system that ended or were not made",
              {{"why", why}});
        route(station, [this](Route& route) { return route.upstream_closed(now().mono); });
    };
    m_upstream = std::make_unique<UpstreamLines>(m_parts.io, m_parts.random, *config.upstream,
                                                 std::move(handlers));
    m_parts.metrics.on_collect([this](node::Metrics& metrics) {
        metrics
            .gauge("tally_bridge_upstream_connected",
                   "Chargers whose connection to the other central system is open")
            .set(static_cast<double>(m_upstream->open_count()));
    });
}

Expected<Done, std::string> Bridge::load_aliases() {
    for (const std::string& station : m_core.health().stations()) {
        const auto stored = m_parts.store.get(aliases_key(station));
        if (!stored) {
            return Unexpected{std::string{"cannot read numbers of upstream's transactions"}};
        }
        if (*stored && !m_aliases[station].decode(**stored)) {
            return Unexpected{"numbers of upstream's transactions are damaged: " + station};
        }
    }
    return Done{};
}

std::unique_ptr<Bridge::Proxied> Bridge::make_proxied(const std::string& station,
                                                      const Translation& translation,
                                                      std::uint64_t salt) {
    if (!is_proxied(station)) {
        return nullptr;
    }
    const RouteConfig config{m_unknown_statuses, peer_id_prefix(salt)};
    return std::make_unique<Proxied>(translation, m_core, station, m_aliases[station], config,
                                     now().mono);
}

void Bridge::open_upstream(const std::string& station, std::string_view sub_protocol) {
    if (is_proxied(station)) {
        const auto shown = m_shown.find(station);
        m_upstream->want(station, std::string{sub_protocol},
                         shown != m_shown.end() ? shown->second : std::string{});
    }
}

void Bridge::route(const std::string& station, const std::function<RouteOutput(Route&)>& step) {
    const auto found = m_stations.find(station);
    if (found == m_stations.end() || found->second.proxied == nullptr || m_failed) {
        return;
    }
    m_commit.flush();  // Upstream may be told what the sessions say by now.
    const RouteOutput output = step(found->second.proxied->route);
    if (output.aliases) {
        WriteBatch batch;
        batch.put(aliases_key(station), *output.aliases);
        if (!m_parts.store.write(batch, true)) {
            fail("aliases");
            return;
        }
    }
    carry_out_route(station, output);
}

void Bridge::carry_out_route(const std::string& id, const RouteOutput& output) {
    const SocketId socket = m_stations.at(id).socket;
    const auto passed = [this](const char* where, std::size_t texts) {
        if (texts > 0) {
            m_parts.metrics
                .counter("tally_bridge_routed_messages_total",
                         "Messages of chargers with another central system, by where they went",
                         {{"to", where}})
                .add(static_cast<double>(texts));
        }
    };
    passed("upstream", output.to_upstream.size());
    passed("charger", output.to_charger.size());
    passed("sessions", output.to_bridge.size());
    for (const std::string& text : output.to_upstream) {
        m_upstream->send(id, text);
    }
    for (const std::string& text : output.to_charger) {
        m_server->send(socket, text);
    }
    for (const auto& seen : output.observed) {
        const Overloaded observe{
            [&](const StatusFacts& facts) {
                feed(StatusReported{id, facts});
            },
            [&](const BootFacts& facts) { note_boot(id, facts); },
        };
        std::visit(observe, seen);
    }
    if (output.taken_connector) {
        feed(ConnectorTaken{id, *output.taken_connector});
    }
    for (const std::string& text : output.to_bridge) {
        if (const auto station = m_stations.find(id); station != m_stations.end()) {
            carry_out(id, station->second.peer.receive(text), text);
        }
    }
    const auto station = m_stations.find(id);
    if (station != m_stations.end()) {
        // Once it was answered something: before that it may still be booting.
        const bool is_new = !station->second.triggered && !output.to_charger.empty();
        station->second.triggered = station->second.triggered || is_new;
        if (output.ask_status || is_new) {
            ask_status(id, station->second);
        }
    }
    if (!output.close.empty()) {
        m_server->close(socket, output.close);
    }
    if (!output.hang_up.empty()) {
        m_upstream->hang_up(id, output.hang_up);
    }
}

void Bridge::send_to_charger(const std::string& id, std::string text) {
    m_commit.when_stored(
        [this, id, text = std::move(text)]() mutable { deliver(id, std::move(text)); });
}

void Bridge::deliver(const std::string& id, std::string text) {
    const auto found = m_stations.find(id);
    if (found == m_stations.end()) {
        return;
    }
    if (found->second.proxied == nullptr) {
        m_server->send(found->second.socket, std::move(text));
        return;
    }
    route(id, [&](Route& route) { return route.from_bridge(std::move(text), now().mono); });
}

bool Bridge::taken_back(const CallKey& call, const json::object& refusal) {
    const auto found = m_stations.find(call.station);
    if (found == m_stations.end() || found->second.proxied == nullptr ||
        !found->second.proxied->route.takes_back(call.id)) {
        return false;
    }
    static_cast<void>(found->second.peer.answer(call.id, refusal));
    m_calls.answered(call.station, call.id, refusal, m_parts.clock.monotonic());
    route(call.station, [&](Route& route) { return route.refused(call.id, now().mono); });
    return true;
}

}  // namespace tally::bridge
