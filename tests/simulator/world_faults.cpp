// What goes wrong with machines, clocks and links.

#include "tests/simulator/world.h"

#include <fmt/format.h>

#include <algorithm>

namespace tally::simulator {

void World::inject_fault() {
    if (m_options.faults.empty()) {
        return;
    }
    const std::vector<Happening> kinds(m_options.faults.begin(), m_options.faults.end());
    const Happening kind = m_random.pick(kinds);
    const auto node = static_cast<NodeIndex>(m_random.between(0, m_nodes.size() - 1));
    m_trace.line(fmt::format("fault {} n{}", Coverage::name(kind), node));
    if (kind == Happening::partition_symmetric || kind == Happening::partition_asymmetric) {
        partition(kind == Happening::partition_symmetric);
    } else if (kind == Happening::crash_between_events) {
        m_nodes[node]->crash();
    } else if (kind == Happening::crash_before_send) {
        arm_random_crash(node);
    } else if (kind == Happening::whole_cluster_crash) {
        cluster_crash();
    } else if (kind == Happening::restart_loop) {
        restart_loop(node);
    } else if (kind == Happening::pause) {
        m_coverage.add(Happening::pause);
        m_nodes[node]->pause_until(m_scheduler.now() +
                                   m_random.between(SimTime{10'000}, SimTime{4'000'000}));
    } else if (kind == Happening::clock_jump) {
        m_coverage.add(Happening::clock_jump);
        m_nodes[node]->set_clock_offset(static_cast<UnixMillis>(m_random.between(0, 3'000)) -
                                        1'500);
    } else if (kind == Happening::clock_set_back) {
        m_coverage.add(Happening::clock_set_back);
        m_nodes[node]->set_clock_offset(-static_cast<UnixMillis>(m_random.between(0, 600'000)));
    } else {
        inject_disk_fault(kind, node);
    }
}

void World::partition(bool symmetric) {
    m_coverage.add(symmetric ? Happening::partition_symmetric : Happening::partition_asymmetric);
    const std::vector<std::size_t> side = m_random.sample(
        m_nodes.size(), static_cast<std::size_t>(m_random.between(1, m_nodes.size() - 1)));
    const auto in_side = [&](NodeIndex node) {
        return std::find(side.begin(), side.end(), node) != side.end();
    };
    for (NodeIndex from = 0; from < m_nodes.size(); ++from) {
        for (NodeIndex to = 0; to < m_nodes.size(); ++to) {
            const bool crosses =
                symmetric ? in_side(from) != in_side(to) : in_side(from) && !in_side(to);
            m_network->set_cut(from, to, crosses);
        }
    }
    m_scheduler.after(m_random.between(SimTime{100'000}, SimTime{4'000'000}), [this] {
        for (NodeIndex from = 0; from < m_nodes.size(); ++from) {
            for (NodeIndex to = 0; to < m_nodes.size(); ++to) {
                m_network->set_cut(from, to, false);
            }
        }
        m_trace.line("partition ends");
    });
}

void World::arm_random_crash(NodeIndex node) {
    static const std::vector<std::optional<EffectKind>> kinds{
        std::nullopt,           EffectKind::file_append, EffectKind::file_sync,
        EffectKind::file_write, EffectKind::store_sync,  EffectKind::send};
    // A certain kind is hit soon; all kinds together are many.
    const std::optional<EffectKind> kind = m_random.pick(kinds);
    const std::uint64_t most = kind ? 4 : 30;
    m_nodes[node]->arm({.kind = kind, .effects_before = m_random.between(0, most), .frame = {}});
}

void World::restart_loop(NodeIndex node) {
    m_looping.insert(node);
    m_scheduler.after(m_random.between(SimTime{1'000'000}, SimTime{5'000'000}),
                      [this, node] { m_looping.erase(node); });
    m_nodes[node]->crash();
}

void World::cluster_crash() {
    m_coverage.add(Happening::whole_cluster_crash);
    const bool at_effects = m_random.chance(500);
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        if (at_effects) {
            node->arm({.kind = {}, .effects_before = m_random.between(0, 10), .frame = {}});
        } else {
            node->crash();
        }
    }
}

}  // namespace tally::simulator
