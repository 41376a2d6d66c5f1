#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace tally::node {

/// How fast one link is read: so many frames per second, and one second's worth at once. What a
/// peer sends beyond it stays in its own buffers and on its own processor until its time comes;
/// nothing is dropped. Time is passed in.
class ReadPace {
public:
    using Time = std::chrono::steady_clock::time_point;

    ReadPace(std::uint32_t frames_per_second, Time now)
        : m_interval{std::chrono::nanoseconds{std::chrono::seconds{1}} / frames_per_second},
          m_due{now - std::chrono::seconds{1}} {}

    void took_frame() { m_due += m_interval; }

    /// How long not to read on; zero most of the time.
    [[nodiscard]] std::chrono::nanoseconds pause(Time now) {
        m_due = std::max(m_due, now - std::chrono::seconds{1});
        return std::max(std::chrono::nanoseconds{m_due - now}, std::chrono::nanoseconds{0});
    }

private:
    std::chrono::nanoseconds m_interval;
    Time m_due;  ///< when the frames taken so far are paid for
};

}  // namespace tally::node
