#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <mutex>
#include <vector>

namespace tally::tools {

/// Collects durations from several threads.
class Latencies {
public:
    void add(std::chrono::microseconds latency);
    [[nodiscard]] std::size_t count() const;
    /// {"count", "min_ms", "p50_ms", "p99_ms", "max_ms"}; zeros when nothing was added.
    [[nodiscard]] boost::json::object summary() const;

private:
    mutable std::mutex m_mutex;
    std::vector<std::chrono::microseconds> m_values;
};

}  // namespace tally::tools
