#pragma once

#include <chrono>
#include <functional>

namespace tally::tools {

/// A point in time until which something is waited for.
class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds from_now)
        : m_at{std::chrono::steady_clock::now() + from_now} {}
    [[nodiscard]] bool passed() const { return std::chrono::steady_clock::now() >= m_at; }

private:
    std::chrono::steady_clock::time_point m_at;
};

/// Asks `condition` every few milliseconds until it holds (true) or the deadline passes (false).
[[nodiscard]] bool wait_until(const Deadline& deadline, const std::function<bool()>& condition);

}  // namespace tally::tools
