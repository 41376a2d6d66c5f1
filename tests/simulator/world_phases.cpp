// The phases of a seed: chaos, then healing and progress.

#include "tests/simulator/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tally::simulator {

namespace {

/// Heights that a healed quorum must finalize.
constexpr std::uint64_t progress_heights{10};
/// Heights that everybody must finalize together at the end.
constexpr std::uint64_t reunited_heights{3};

/// Share of the seeds whose votes are signed with ECDSA, in permille.
constexpr std::uint32_t real_signatures_permille{125};

/// The fault kinds that a world may have.
constexpr std::array<Happening, 8> fault_kinds{
    Happening::partition_symmetric,
    Happening::partition_asymmetric,
    Happening::crash_between_events,
    Happening::crash_before_send,
    Happening::whole_cluster_crash,
    Happening::restart_loop,
    Happening::pause,
    Happening::clock_jump,
};

}  // namespace

WorldOptions options_of_seed(std::uint64_t seed) {
    SimRandom random{seed ^ 0x5eed0f0b710550ULL};
    WorldOptions options;
    options.real_signatures = random.chance(real_signatures_permille);
    options.nodes = random.pick<std::size_t>({4, 4, 4, 5, 6, 7});
    options.links.loss = random.pick<std::uint32_t>({0, 0, 10, 50, 200});
    options.links.duplication = random.pick<std::uint32_t>({0, 10, 100});
    options.links.lateness = random.pick<std::uint32_t>({0, 5, 30, 100});
    options.links.delay_max =
        random.pick<SimTime>({SimTime{4'000}, SimTime{20'000}, SimTime{45'000}, SimTime{150'000}});
    options.links.late_max = random.between(SimTime{500'000}, SimTime{4'000'000});
    options.links.in_order = random.chance(400);
    options.chaos_time = random.between(SimTime{4'000'000}, SimTime{30'000'000});
    options.fault_interval_max = random.between(SimTime{100'000}, SimTime{4'000'000});
    options.envelopes = static_cast<std::uint32_t>(random.between(5, 200));
    for (const Happening kind : fault_kinds) {
        if (random.chance(600)) {
            options.faults.insert(kind);
        }
    }
    return options;
}

void World::run_chaos() {
    m_trace.line(fmt::format("world of {} nodes, loss {}, duplication {}, lateness {}, {}",
                             m_nodes.size(), m_options.links.loss, m_options.links.duplication,
                             m_options.links.lateness,
                             m_options.links.in_order ? "in order" : "any order"));
    boot_all();
    schedule_workload(m_options.envelopes, m_options.chaos_time);
    if (m_options.canary == Canary::double_vote) {
        m_scheduler.after(m_options.chaos_time / 2, [this] { plant_canary(); });
    }
    const SimTime end = m_scheduler.now() + m_options.chaos_time;
    while (sound() && m_scheduler.now() < end) {
        run_for(std::min(m_random.between(SimTime{1'000}, m_options.fault_interval_max),
                         end - m_scheduler.now()));
        if (sound() && m_scheduler.now() < end) {
            inject_fault();
        }
    }
}

void World::plant_canary() {
    VoteStatement contradiction{.epoch = 0, .view = 1, .digest = {}};
    for (std::uint8_t i = 1; i <= 2; ++i) {
        contradiction.digest.data[0] = i;
        m_oracle.vote_sent(0, contradiction);
    }
}

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

void World::heal() {
    m_trace.line("heal");
    m_healed = true;
    m_looping.clear();
    m_network->heal();
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        node->disarm();
        node->pause_until(SimTime{0});
        node->set_clock_offset(static_cast<UnixMillis>(m_random.between(0, 100)));
    }
}

SimTime World::liveness_bound(std::uint64_t heights) const {
    const consensus::DriverOptions timing;
    const std::uint64_t faults = m_nodes.size() - SafetyOracle::quorum_of(m_nodes.size());
    // Timers may have backed off to the cap. Until the leaders that are down are known to be
    // silent, each of their views takes three times that; then the healed views begin.
    const auto dead_view = 3 * timing.delta_max + timing.retry_interval;
    const auto start = 2 * timing.skip_timeout + timing.status_interval + dead_view * (faults + 1);
    const auto height = timing.idle_interval + (faults + 1) * timing.skip_timeout;
    return std::chrono::duration_cast<SimTime>(start + height * heights);
}

bool World::all_reached(const std::vector<NodeIndex>& nodes, consensus::Height height) const {
    return std::all_of(nodes.begin(), nodes.end(),
                       [&](NodeIndex node) { return m_oracle.final_height(node) >= height; });
}

void World::run_liveness() {
    if (!sound()) {
        return;
    }
    heal();
    const std::size_t quorum = SafetyOracle::quorum_of(m_nodes.size());
    const std::vector<NodeIndex> live = m_random.sample(m_nodes.size(), quorum);
    m_coverage.add(Happening::bare_quorum);
    set_restart_delay(std::nullopt, SimTime{0});
    std::vector<NodeIndex> everybody;
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        everybody.push_back(node->index());
        if (std::find(live.begin(), live.end(), node->index()) == live.end()) {
            node->keep_down(true);
            node->crash();
        } else {
            node->boot();
        }
    }
    m_expecting = true;
    for (std::size_t i = 0; i < 2 * live.size(); ++i) {
        const NodeIndex node = live[i % live.size()];
        m_scheduler.after(m_random.between(SimTime{0}, SimTime{5'000'000}),
                          [this, node] { submit(node); });
    }
    const SimTime begin = m_scheduler.now();
    const consensus::Height goal = m_oracle.highest_final() + progress_heights;
    run_until([&] { return all_reached(live, goal); }, liveness_bound(progress_heights),
              fmt::format("{} heights by a bare quorum, goal {}", progress_heights, goal));
    m_liveness_time = m_scheduler.now() - begin;

    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        node->keep_down(false);
        node->boot();
    }
    const consensus::Height together = m_oracle.highest_final() + reunited_heights;
    run_until([&] { return all_reached(everybody, together); }, liveness_bound(reunited_heights),
              fmt::format("everybody caught up with height {}", together));
    run_until(
        [&] {
            return std::all_of(m_expected.begin(), m_expected.end(),
                               [&](const Hash& envelope) { return is_final(envelope); });
        },
        liveness_bound(reunited_heights), "all envelopes of the healed phase final");
}

}  // namespace tally::simulator
