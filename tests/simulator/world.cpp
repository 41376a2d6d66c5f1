#include "tests/simulator/world.h"

#include "ledger/base/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tally::simulator {

/// Counts what became final and plants the canary that alters it.
class World::Watch final : public WorldObserver {
public:
    explicit Watch(World& world) : m_world{world} {}
    void committed(NodeIndex node, const FinalNotice& notice) override {
        m_world.count_final(notice);
        if (m_world.m_options.canary == Canary::rewritten_final && node == 1) {
            Bytes altered = notice.header;
            altered.back() ^= 1U;
            SafetyOracle& oracle = m_world.m_oracle;
            oracle.compare_header(notice.meta.height, altered);
        }
    }

private:
    World& m_world;
};

World::World(std::uint64_t seed, WorldOptions options)
    : m_options{std::move(options)},
      m_random{seed},
      m_trace{m_scheduler},
      m_signatures{m_options.real_ledger || m_options.real_signatures
                       ? SignatureMemo::Scheme::real
                       : SignatureMemo::Scheme::stand_in},
      m_kind{m_options.real_ledger
                 ? make_ledger_kind(m_options.nodes, m_options.joiners, m_options.snapshot_interval)
                 : make_fake_kind({.machines = m_options.nodes + m_options.spares,
                                   .validators = m_options.nodes,
                                   .epoch_blocks_max = m_options.epoch_blocks_max,
                                   .check = m_signatures.checker()})},
      m_oracle{m_kind->keys().size(), m_options.nodes},
      m_watch{std::make_unique<Watch>(*this)} {
    m_observers.push_back(m_watch.get());
    m_oracle.genesis(m_kind->genesis());
    const NodeSurroundings surroundings{m_scheduler,  m_trace, m_coverage, m_oracle,
                                        m_signatures, *m_kind, m_observers};
    std::vector<Endpoint*> endpoints;
    for (NodeIndex i = 0; i < m_kind->keys().size(); ++i) {
        m_nodes.push_back(std::make_unique<SimNode>(i, surroundings, m_random.fork()));
        m_nodes.back()->set_on_crash([this](NodeIndex node) { crashed(node); });
        endpoints.push_back(m_nodes.back().get());
    }
    m_network = std::make_unique<SimNetwork>(m_scheduler, m_random.fork(), m_trace, m_coverage,
                                             std::move(endpoints));
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        node->attach(*m_network);
    }
    m_network->set_faults(m_options.links);
    for (std::size_t i = 0; m_options.real_ledger && i < m_options.joiners; ++i) {
        m_nodes[m_options.nodes + i]->join_by_sync(
            {.min_height = m_options.snapshot_interval - 1,
             .answers_needed = faults_tolerated(m_options.nodes) + 1});
        m_nodes[m_options.nodes + i]->keep_down(true);
    }
    if (m_options.twin_of) {
        m_oracle.set_faulty(*m_options.twin_of);
        m_oracle.set_faulty(m_options.nodes);
        m_nodes[m_options.nodes]->act_as(*m_options.twin_of);
        m_network->set_alias(m_options.nodes, *m_options.twin_of);
    }
    for (const auto& [node, kind] : m_options.actors) {
        m_oracle.set_faulty(node);
        m_unreliable.insert(node);
        m_nodes[node]->corrupt(kind);
    }
    if (m_options.canary == Canary::lying_disk) {
        m_nodes[0]->disk().files.stop_syncing();
    }
}

World::~World() = default;

void World::set_restart_delay(std::optional<SimTime> low, SimTime high) {
    m_restart_low = low;
    m_restart_high = high;
}

void World::boot_all() {
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        node->boot();
    }
}

bool World::submit(NodeIndex node) {
    const UnixMillis now =
        SimClock::world_start +
        std::chrono::duration_cast<std::chrono::milliseconds>(m_scheduler.now()).count();
    const Bytes envelope = m_kind->next_envelope(m_random, now);
    const Hash hash = m_kind->hash_of_envelope(envelope);
    const bool taken = m_nodes[node]->submit(envelope);
    m_trace.line(
        fmt::format("n{} {} envelope {}", node, taken ? "takes" : "refuses", short_hex(hash)));
    if (taken && m_expecting && !m_kind->is_bad(envelope)) {
        m_expected.push_back(hash);
    }
    return taken;
}

void World::schedule_workload(std::uint32_t envelopes, SimTime span) {
    for (std::uint32_t i = 0; i < envelopes; ++i) {
        const SimTime when = m_random.between(SimTime{0}, span);
        m_scheduler.after(when, [this] {
            const NodeIndex node = static_cast<NodeIndex>(m_random.between(0, m_nodes.size() - 1));
            if (m_nodes[node]->is_up()) {
                submit(node);
            }
        });
    }
}

bool World::step() { return sound() && m_scheduler.step() && sound(); }

void World::run_for(SimTime time) {
    const SimTime end = m_scheduler.now() + time;
    m_scheduler.at(end, [] {});
    while (m_scheduler.next_time() <= end && m_scheduler.now() < end && step()) {
    }
}

bool World::run_until(const std::function<bool()>& condition, SimTime limit,
                      const std::string& what) {
    const SimTime end = m_scheduler.now() + limit;
    m_scheduler.at(end, [] {});
    while (!condition()) {
        if (m_scheduler.now() >= end) {
            m_oracle.report(fmt::format("not within {} s: {}", limit.count() / 1'000'000, what));
        }
        if (!step()) {
            return false;
        }
    }
    return sound();
}

void World::count_final(const FinalNotice& notice) {
    for (const Hash& envelope : notice.envelopes) {
        const auto [place, added] = m_final.emplace(envelope, notice.meta.height);
        if (added) {
            m_coverage.add(Happening::envelope_final);
        } else if (place->second != notice.meta.height) {
            m_oracle.report(fmt::format("envelope {} is final at heights {} and {}",
                                        short_hex(envelope), place->second, notice.meta.height));
        }
    }
}

void World::crashed(NodeIndex node) {
    if (!m_restart_low) {
        return;
    }
    if (m_looping.contains(node) && !m_healed) {
        m_coverage.add(Happening::restart_loop);
        boot_later(node, SimTime{100'000}, SimTime{2'000'000});
        m_nodes[node]->arm({.effects_before = m_random.between(1, 60)});
        return;
    }
    boot_later(node, *m_restart_low, m_restart_high);
}

void World::boot_later(NodeIndex node, SimTime low, SimTime high) {
    m_scheduler.after(m_random.between(low, high), [this, node] { m_nodes[node]->boot(); });
}

void World::check_end() {
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        if (const std::optional<std::string> problem = node->find_problem()) {
            m_oracle.report(fmt::format("node {}: {}", node->index(), *problem));
        }
    }
    if (sound()) {
        m_oracle.check_end();
    }
    m_coverage.add(Happening::view_nullified, m_oracle.nullified_views());
    m_trace.line(fmt::format("end: height {}, final view {}, {} envelopes final",
                             m_oracle.highest_final(), m_oracle.highest_final_view(),
                             m_final.size()));
}

}  // namespace tally::simulator
