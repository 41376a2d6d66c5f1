#include "tools/support/percentiles.h"

#include <algorithm>

namespace tally::tools {

namespace {

double milliseconds_at(const std::vector<std::chrono::microseconds>& sorted, std::size_t percent) {
    if (sorted.empty()) {
        return 0;
    }
    // Nearest rank: the smallest value that at least `percent` of all values do not exceed.
    const std::size_t rank = std::max<std::size_t>(1, (sorted.size() * percent + 99) / 100);
    return static_cast<double>(sorted[rank - 1].count()) / 1000.0;
}

}  // namespace

void Latencies::add(std::chrono::microseconds latency) {
    const std::lock_guard<std::mutex> lock{m_mutex};
    m_values.push_back(latency);
}

std::size_t Latencies::count() const {
    const std::lock_guard<std::mutex> lock{m_mutex};
    return m_values.size();
}

boost::json::object Latencies::summary() const {
    const std::lock_guard<std::mutex> lock{m_mutex};
    std::vector<std::chrono::microseconds> sorted = m_values;
    std::sort(sorted.begin(), sorted.end());
    return {{"count", sorted.size()},
            {"min_ms", milliseconds_at(sorted, 0)},
            {"p50_ms", milliseconds_at(sorted, 50)},
            {"p99_ms", milliseconds_at(sorted, 99)},
            {"max_ms", milliseconds_at(sorted, 100)}};
}

}  // namespace tally::tools
