#pragma once

#include "ledger/base/clock.h"
#include "tests/simulator/scheduler.h"

namespace tally::simulator {

/// The clocks of one simulated machine: wall time with an offset that faults may change, and
/// monotonic time, which is the world's.
class SimClock final : public Clock {
public:
    /// Wall time of every world's first instant: 2030-01-01T00:00:00Z.
    static constexpr UnixMillis world_start{1'893'456'000'000};

    explicit SimClock(const Scheduler& scheduler) : m_scheduler{scheduler} {}

    [[nodiscard]] UnixMillis now() const override {
        return world_start + m_offset +
               std::chrono::duration_cast<std::chrono::milliseconds>(m_scheduler.now()).count();
    }
    [[nodiscard]] std::chrono::microseconds monotonic() const override { return m_scheduler.now(); }
    /// How far this machine's wall time is ahead of the world's, in milliseconds.
    void set_offset(UnixMillis offset) noexcept { m_offset = offset; }

private:
    const Scheduler& m_scheduler;
    UnixMillis m_offset{0};
};

}  // namespace tally::simulator
