#include "charger_bridge/proxy/upstream.h"

#include "ledger/base/bytes.h"
#include "node/runtime/logging.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

using Clock = std::chrono::steady_clock;

namespace {

constexpr std::string_view id_place{"{id}"};

struct JitterTag;

}  // namespace

bool upstream_target(const std::string& url, const std::string& station,
                     node::WebSocketTarget& target) {
    if (!node::parse_ws_url(url, target)) {
        return false;
    }
    const std::size_t place = target.path.find(id_place);
    if (place == std::string::npos || target.host.find('{') != std::string::npos) {
        return false;
    }
    target.path.replace(place, id_place.size(), node::percent_encoded(station));
    return true;
}

UpstreamLines::UpstreamLines(boost::asio::io_context& io, Random& random, UpstreamConfig config,
                             UpstreamHandlers handlers)
    : m_io{io},
      m_random{random},
      m_config{std::move(config)},
      m_handlers{std::move(handlers)},
      m_timers{io} {}

UpstreamLines::~UpstreamLines() { stop(); }

void UpstreamLines::stop() {
    m_timers.cancel_all();
    m_lines.clear();
    m_dialing.clear();
    m_queue.clear();
    m_open.clear();
}

bool UpstreamLines::is_open(const std::string& station) const { return m_open.contains(station); }

std::chrono::milliseconds UpstreamLines::part_of(std::chrono::milliseconds wait) {
    std::uint64_t drawn = 0;
    for (const std::uint8_t byte : m_random.fixed<FixedBytes<8, JitterTag>>().data) {
        drawn = drawn << 8U | byte;
    }
    const auto half = static_cast<std::uint64_t>(wait.count() / 2);
    return wait - std::chrono::milliseconds{static_cast<std::int64_t>(drawn % (half + 1))};
}

void UpstreamLines::want(const std::string& station, const std::string& sub_protocol,
                         const std::string& authorization) {
    unwant(station);
    Line& line = m_lines[station];
    line.sub_protocol = sub_protocol;
    line.authorization = authorization;
    dial_when_due(station);
}

void UpstreamLines::unwant(const std::string& station) {
    const auto found = m_lines.find(station);
    if (found == m_lines.end()) {
        return;
    }
    m_timers.cancel(found->second.timer);
    forget_socket(found->second, station);
    m_lines.erase(found);
    dial_next();
}

void UpstreamLines::forget_socket(Line& line, const std::string& station) {
    line.socket.reset();
    m_open.erase(station);
    m_dialing.erase(station);
    std::erase(m_queue, station);
}

void UpstreamLines::send(const std::string& station, std::string text) {
    const auto found = m_lines.find(station);
    if (found != m_lines.end() && m_open.contains(station)) {
        found->second.socket->send(std::move(text));
    }
}

void UpstreamLines::hang_up(const std::string& station, const std::string& why) {
    if (m_lines.contains(station)) {
        ended(station, why);
    }
}

void UpstreamLines::dial_when_due(const std::string& station) {
    const auto known = m_manners.find(station);
    const auto now = Clock::now();
    std::chrono::microseconds wait{0};
    if (known != m_manners.end() && known->second.not_before > now) {
        wait = std::chrono::ceil<std::chrono::microseconds>(known->second.not_before - now);
    }
    m_lines.at(station).timer = m_timers.after(wait, [this, station] { dial(station); });
}

void UpstreamLines::dial(const std::string& station) {
    if (m_dialing.size() >= upstream_dialing_max) {
        m_queue.push_back(station);
        return;
    }
    Line& line = m_lines.at(station);
    node::WebSocketTarget target;
    if (!upstream_target(m_config.url, station, target)) {
        return;  // The configuration was checked.
    }
    target.protocol = line.sub_protocol;
    target.own = m_config.tls;
    target.queue_bytes_max = upstream_queue_bytes_max;
    target.idle_max = upstream_idle_max;
    if (m_config.passes_password) {
        target.authorization = line.authorization;
    } else {
        target.user = station;
        target.password = m_config.password;
    }
    node::WebSocketHandlers handlers;
    handlers.opened = [this, station] { opened(station); };
    handlers.received = [this, station](const std::string& text) {
        m_handlers.received(station, text);
    };
    handlers.closed = [this, station](const std::string& why) {
        node::log_warn("upstream", "connection_ended", {{"station", station}, {"why", why}});
        ended(station, m_open.contains(station) ? "lost" : "not_reached");
    };
    m_dialing.insert(station);
    line.socket =
        std::make_unique<node::WebSocketClient>(m_io, std::move(target), std::move(handlers));
    line.socket->connect();
}

void UpstreamLines::dial_next() {
    while (!m_queue.empty() && m_dialing.size() < upstream_dialing_max) {
        const std::string next = std::move(m_queue.front());
        m_queue.pop_front();
        dial(next);
    }
}

void UpstreamLines::opened(const std::string& station) {
    m_dialing.erase(station);
    m_open.insert(station);
    m_lines.at(station).opened_at = Clock::now();
    dial_next();
    m_handlers.opened(station);
}

void UpstreamLines::ended(const std::string& station, const std::string& why) {
    Line& line = m_lines.at(station);
    const auto now = Clock::now();
    const bool was_steady = m_open.contains(station) && now - line.opened_at >= upstream_steady;
    Manners& manners = m_manners[station];
    manners.wait = manners.wait.count() == 0 || was_steady
                       ? m_config.wait_min
                       : std::min(manners.wait * 2, m_config.wait_max);
    manners.not_before = now + part_of(manners.wait);
    forget_socket(line, station);
    dial_when_due(station);
    dial_next();
    m_handlers.closed(station, why);
}

}  // namespace tally::bridge
