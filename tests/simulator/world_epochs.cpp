// Changes of the validator set.

#include "tests/simulator/world.h"

#include <fmt/format.h>

#include <algorithm>

namespace tally::simulator {

namespace {

/// The smallest set that tolerates a fault.
constexpr std::size_t validators_min{4};
/// Share of the changes for which the next set must first say that it is ready, in permille.
constexpr std::uint32_t needs_ready_permille{300};
/// Share of the validators of a next set that come with another key.
constexpr std::uint32_t other_key_permille{200};

}  // namespace

/// Another set out of all machines: some come, some go, some change their keys, and liars stay as
/// few as the set tolerates.
std::vector<Seat> World::next_seats() {
    const auto size = static_cast<std::size_t>(m_random.between(validators_min, m_nodes.size()));
    std::size_t liars{0};
    std::vector<Seat> seats;
    for (const std::size_t machine : m_random.sample(m_nodes.size(), m_nodes.size())) {
        const bool lies = m_oracle.is_faulty(machine);
        if (seats.size() == size || (lies && liars == faults_tolerated(size))) {
            continue;
        }
        liars += lies ? 1U : 0U;
        const bool renewed = !lies && m_random.chance(other_key_permille);
        seats.push_back(
            {machine,
             renewed ? static_cast<std::size_t>(m_random.between(1, keys_per_machine - 1)) : 0});
    }
    return seats;
}

bool World::change_set(const std::vector<Seat>& seats, bool needs_ready) {
    if (faults_beyond(seats)) {
        return false;
    }
    const Bytes envelope = m_kind->change_envelope(m_random, seats, needs_ready);
    bool taken{false};
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        const bool here = !envelope.empty() && node->is_up() && node->submit(envelope);
        taken = taken || here;
    }
    m_trace.line(fmt::format("a set of {} is asked for{}", seats.size(),
                             needs_ready ? ", when it is ready" : ""));
    m_coverage.add(Happening::set_change, taken ? 1 : 0);
    return taken;
}

void World::say_ready() {
    const Bytes envelope = m_kind->ready_envelope(m_random);
    for (const std::unique_ptr<SimNode>& node : m_nodes) {
        if (node->is_up()) {
            node->submit(envelope);
        }
    }
}

/// More liars than a set of this size tolerates.
bool World::faults_beyond(const std::vector<Seat>& seats) const {
    const auto liars = std::count_if(seats.begin(), seats.end(), [&](const Seat& seat) {
        return m_oracle.is_faulty(seat.machine);
    });
    return static_cast<std::size_t>(liars) > faults_tolerated(seats.size());
}

void World::schedule_joiners() {
    for (std::size_t i = 0; m_options.real_ledger && i < m_options.joiners; ++i) {
        m_scheduler.after(m_random.between(m_options.chaos_time / 3, m_options.chaos_time),
                          [this, joiner = m_nodes[m_options.nodes + i].get()] {
                              joiner->keep_down(m_healed);  // Then the next phase decides.
                              joiner->boot();
                          });
    }
}

void World::schedule_changes() {
    for (std::uint32_t i = 0; i < m_options.changes; ++i) {
        m_scheduler.after(m_random.between(SimTime{0}, m_options.chaos_time), [this] {
            const bool needs_ready = m_random.chance(needs_ready_permille);
            if (change_set(next_seats(), needs_ready) && needs_ready) {
                m_scheduler.after(m_random.between(SimTime{100'000}, SimTime{4'000'000}),
                                  [this] { say_ready(); });
            }
        });
    }
}

}  // namespace tally::simulator
