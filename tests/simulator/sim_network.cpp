#include "tests/simulator/sim_network.h"

#include "ledger/base/check.h"
#include "tests/simulator/sim_application.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tally::simulator {

SimNetwork::SimNetwork(Scheduler& scheduler, SimRandom random, Trace& trace, Coverage& coverage,
                       std::vector<Endpoint*> endpoints)
    : m_scheduler{scheduler},
      m_random{random},
      m_trace{trace},
      m_coverage{coverage},
      m_endpoints{std::move(endpoints)},
      m_up(m_endpoints.size(), false),
      m_links(m_endpoints.size(), std::vector<Link>(m_endpoints.size())) {
    ENSURE(m_endpoints.size() < peers_per_connection);
}

void SimNetwork::machine_up(NodeIndex node) {
    m_up[node] = true;
    for (NodeIndex other = 0; other < m_endpoints.size(); ++other) {
        if (other != node && m_up[other]) {
            connect(node, other);
        }
    }
}

void SimNetwork::machine_down(NodeIndex node) {
    m_up[node] = false;
    for (NodeIndex other = 0; other < m_endpoints.size(); ++other) {
        if (other == node) {
            continue;
        }
        const std::uint64_t connection = m_links[node][other].connection;
        m_links[node][other].connection = 0;
        if (connection == 0 || !m_up[other]) {
            continue;
        }
        // The survivor notices late: a machine that loses power says no goodbye.
        m_scheduler.after(m_random.between(SimTime{0}, SimTime{500'000}), [=, this] {
            if (m_links[other][node].connection == connection && !m_up[node]) {
                m_links[other][node].connection = 0;
                m_endpoints[other]->link_down(connection * peers_per_connection + node);
            }
        });
    }
}

void SimNetwork::disconnect(NodeIndex left, NodeIndex right) {
    const auto drop = [this](NodeIndex at, NodeIndex other) {
        Link& link = m_links[at][other];
        if (link.connection != 0) {
            const consensus::PeerId peer = link.connection * peers_per_connection + other;
            link.connection = 0;
            m_endpoints[at]->link_down(peer);
        }
    };
    drop(left, right);
    drop(right, left);
}

void SimNetwork::connect(NodeIndex left, NodeIndex right) {
    const SimTime delay = m_random.between(SimTime{1'000}, SimTime{20'000});
    m_scheduler.after(delay, [=, this] {
        if (!m_up[left] || !m_up[right]) {
            return;
        }
        disconnect(left, right);
        const std::uint64_t connection = ++m_connections;
        m_trace.line(fmt::format("link {} {}-{}", connection, left, right));
        m_links[left][right] = Link{connection, m_links[left][right].cut, m_scheduler.now()};
        m_links[right][left] = Link{connection, m_links[right][left].cut, m_scheduler.now()};
        const auto peer = [&](NodeIndex other) {
            const auto alias = m_aliases.find(other);
            return consensus::Peer{
                connection * peers_per_connection + other,
                simulated_member(alias == m_aliases.end() ? other : alias->second)};
        };
        m_endpoints[left]->link_up(peer(right));
        m_endpoints[right]->link_up(peer(left));
    });
}

void SimNetwork::reconnect(NodeIndex left, NodeIndex right) {
    if (m_up[left] && m_up[right]) {
        disconnect(left, right);
        connect(left, right);
    }
}

void SimNetwork::close(NodeIndex left, NodeIndex right, SimTime pause) {
    const std::uint64_t connection = m_links[left][right].connection;
    // Not from inside the driver's call.
    m_scheduler.after(SimTime{0}, [=, this] {
        if (m_links[left][right].connection == connection) {
            disconnect(left, right);
        }
    });
    m_scheduler.after(pause, [=, this] {
        if (m_links[left][right].connection == 0 && m_links[right][left].connection == 0) {
            reconnect(left, right);
        }
    });
}

std::optional<consensus::PeerId> SimNetwork::peer_id(NodeIndex from, NodeIndex to) const {
    const std::uint64_t connection = m_links[from][to].connection;
    return connection == 0 ? std::nullopt : std::optional{connection * peers_per_connection + to};
}

void SimNetwork::heal() {
    for (std::vector<Link>& links : m_links) {
        for (Link& link : links) {
            link.cut = false;
        }
    }
    m_faults = LinkFaults{};
    m_filter = nullptr;
}

SimTime SimNetwork::draw_delay() {
    if (m_random.chance(m_faults.lateness)) {
        m_coverage.add(Happening::message_late);
        return m_random.between(m_faults.delay_max, m_faults.late_max);
    }
    return m_random.between(m_faults.delay_min, m_faults.delay_max);
}

void SimNetwork::send(NodeIndex from, consensus::PeerId peer, FramePtr frame, SimTime held_up) {
    const NodeIndex to = node_of(peer);
    Link& link = m_links[from][to];
    if (link.connection != peer / peers_per_connection) {
        return;
    }
    const bool filtered = m_filter && frame->message && m_filter(from, to, *frame->message);
    if (filtered || link.cut || m_random.chance(m_faults.loss)) {
        m_coverage.add(Happening::message_lost);
        return;
    }
    SimTime delay = draw_delay() + held_up;
    if (m_faults.in_order) {
        delay = std::max(delay, link.last_arrival - m_scheduler.now());
    } else if (m_scheduler.now() + delay < link.last_arrival) {
        m_coverage.add(Happening::message_overtaken);
    }
    link.last_arrival = std::max(link.last_arrival, m_scheduler.now() + delay);
    deliver_after(delay, from, to, frame);
    if (m_random.chance(m_faults.duplication)) {
        m_coverage.add(Happening::message_duplicated);
        deliver_after(delay + draw_delay(), from, to, frame);
    }
}

void SimNetwork::deliver_after(SimTime delay, NodeIndex from, NodeIndex to, const FramePtr& frame) {
    const std::uint64_t connection = m_links[from][to].connection;
    m_scheduler.after(delay, [=, this] {
        if (m_up[to] && m_links[to][from].connection == connection) {
            m_endpoints[to]->frame_arrived(from, connection * peers_per_connection + from, frame);
        }
    });
}

}  // namespace tally::simulator
