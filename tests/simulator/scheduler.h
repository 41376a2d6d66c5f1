#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

namespace tally::simulator {

/// Simulated time since the world began.
using SimTime = std::chrono::microseconds;

/// The event queue of a world: what happens next, and when. Events of one instant run in the order
/// in which they were put in, so a run is a function of its inputs alone.
class Scheduler {
public:
    using Action = std::function<void()>;
    /// Names a pending event; never reused.
    using EventId = std::uint64_t;

    [[nodiscard]] SimTime now() const noexcept { return m_now; }
    EventId at(SimTime when, Action action);
    EventId after(SimTime delay, Action action) { return at(m_now + delay, std::move(action)); }
    /// Nothing happens when the event already ran.
    void cancel(EventId id);

    /// Runs the earliest event. False when there is none.
    bool step();
    /// Time of the earliest event, or of the present when there is none.
    [[nodiscard]] SimTime next_time() const;
    [[nodiscard]] bool empty() const noexcept { return m_events.empty(); }
    [[nodiscard]] std::size_t pending() const noexcept { return m_events.size(); }

private:
    struct Place {
        SimTime when;
        EventId id;
        friend auto operator<=>(const Place&, const Place&) = default;
    };

    SimTime m_now{0};
    EventId m_last_id{0};
    std::map<Place, Action> m_events;
    std::map<EventId, SimTime> m_times;  // to find an event that is to be cancelled
};

}  // namespace tally::simulator
