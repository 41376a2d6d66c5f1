// The phases of a seed: chaos, then healing and progress.

#include "tests/simulator/world.h"

#include <fmt/format.h>

#include <algorithm>

namespace tally::simulator {

namespace {

/// Heights that a healed quorum must finalize.
constexpr std::uint64_t progress_heights{10};
/// Heights that everybody must finalize together at the end.
constexpr std::uint64_t reunited_heights{3};

}  // namespace

void World::run_chaos() {
    m_trace.line(fmt::format("world of {} nodes, loss {}, duplication {}, lateness {}, {}",
                             m_nodes.size(), m_options.links.loss, m_options.links.duplication,
                             m_options.links.lateness,
                             m_options.links.in_order ? "in order" : "any order"));
    boot_all();
    schedule_workload(m_options.envelopes, m_options.chaos_time);
    schedule_changes();
    schedule_joiners();
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

void World::heal() {
    m_trace.line("heal");
    m_healed = true;
    m_looping.clear();
    m_network->heal();
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        node->disarm();
        node->pause_until(SimTime{0});
        node->set_sync_time(SimTime{0});
        node->disk().files.fail_appends(SimNode::consensus_folder, false);
        node->disk().files.fail_syncs(SimNode::consensus_folder, false);
        node->set_clock_offset(static_cast<UnixMillis>(m_random.between(0, 100)));
    }
}

SimTime World::liveness_bound(std::uint64_t heights) const {
    const consensus::DriverOptions timing;
    const std::uint64_t faults = faults_tolerated(m_nodes.size());
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

/// Exactly a quorum of the validators, none of them unreliable. While the set may still change,
/// nobody can say whose quorum the next one needs: then all reliable machines.
std::vector<NodeIndex> World::choose_live() {
    std::vector<NodeIndex> reliable;
    for (const NodeIndex machine : m_oracle.seats(m_oracle.newest_epoch())) {
        if (!m_unreliable.contains(machine)) {
            reliable.push_back(machine);
        }
    }
    std::vector<NodeIndex> live;
    if (m_options.changes > 0) {
        for (NodeIndex machine = 0; machine < m_nodes.size(); ++machine) {
            if (!m_unreliable.contains(machine)) {
                live.push_back(machine);
            }
        }
        return live;
    }
    m_coverage.add(Happening::bare_quorum);
    const std::size_t quorum = SafetyOracle::quorum_of(m_options.nodes);
    for (const std::size_t index : m_random.sample(reliable.size(), quorum)) {
        live.push_back(reliable[index]);
    }
    return live;
}

void World::run_liveness() {
    if (!sound()) {
        return;
    }
    heal();
    const std::vector<NodeIndex> live = choose_live();
    set_restart_delay(std::nullopt, SimTime{0});
    std::vector<NodeIndex> honest;
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        if (!node->is_corrupt()) {
            honest.push_back(node->index());
        }
        if (std::find(live.begin(), live.end(), node->index()) == live.end()) {
            node->keep_down(true);
            node->crash();
        } else {
            node->keep_down(false);
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
    reunite(honest);
}

/// The others come up as well: liars silent, or lying still.
void World::reunite(const std::vector<NodeIndex>& honest) {
    const bool lies = m_random.chance(500);
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        if (node->is_corrupt() && !lies) {
            node->silence();
        } else if (node->is_corrupt()) {
            m_coverage.add(Happening::liar_active_at_end);
        }
        node->keep_down(false);
        node->boot();
    }
    const SimTime bound = liveness_bound(reunited_heights) * (lies ? 3 : 1);
    const consensus::Height together = m_oracle.highest_final() + reunited_heights;
    run_until([&] { return all_reached(honest, together); }, bound,
              fmt::format("everybody caught up with height {}", together));
    run_until(
        [&] {
            return std::all_of(m_expected.begin(), m_expected.end(),
                               [&](const Hash& envelope) { return is_final(envelope); });
        },
        bound, "all envelopes of the healed phase final");
}

}  // namespace tally::simulator
