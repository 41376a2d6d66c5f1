#pragma once

#include "tests/simulator/scheduler.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace tally::simulator {

/// Every event of a run as one line of text without wall-clock time, and a running hash over all
/// of them: two runs of one seed must give the same hash. The last lines are kept for the report
/// of a violation.
class Trace {
public:
    static constexpr std::size_t kept_lines_max{60};
    using Sink = std::function<void(std::string_view line)>;

    explicit Trace(const Scheduler& scheduler) : m_scheduler{scheduler} {}
    void set_sink(Sink sink) { m_sink = std::move(sink); }

    void line(std::string_view text);
    [[nodiscard]] std::uint64_t hash() const noexcept { return m_hash; }
    [[nodiscard]] std::uint64_t lines() const noexcept { return m_lines; }
    [[nodiscard]] const std::deque<std::string>& last_lines() const noexcept { return m_kept; }

private:
    const Scheduler& m_scheduler;
    Sink m_sink;
    std::uint64_t m_hash{0xcbf29ce484222325ULL};
    std::uint64_t m_lines{0};
    std::deque<std::string> m_kept;
};

}  // namespace tally::simulator
