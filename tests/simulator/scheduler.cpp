#include "tests/simulator/scheduler.h"

#include <algorithm>
#include <utility>

namespace tally::simulator {

Scheduler::EventId Scheduler::at(SimTime when, Action action) {
    const Place place{std::max(when, m_now), ++m_last_id};
    m_events.emplace(place, std::move(action));
    m_times.emplace(place.id, place.when);
    return place.id;
}

void Scheduler::cancel(EventId id) {
    const auto found = m_times.find(id);
    if (found == m_times.end()) {
        return;
    }
    m_events.erase(Place{found->second, id});
    m_times.erase(found);
}

bool Scheduler::step() {
    if (m_events.empty()) {
        return false;
    }
    auto event = m_events.extract(m_events.begin());
    m_now = event.key().when;
    m_times.erase(event.key().id);
    event.mapped()();
    return true;
}

SimTime Scheduler::next_time() const {
    return m_events.empty() ? m_now : m_events.begin()->first.when;
}

}  // namespace tally::simulator
