#include "tests/simulator/trace.h"

#include <fmt/format.h>

namespace tally::simulator {

void Trace::line(std::string_view text) {
    const std::int64_t micros = m_scheduler.now().count();
    std::string whole = fmt::format("{:>4}.{:06} {}", micros / 1'000'000, micros % 1'000'000, text);
    for (const char c : whole) {  // FNV-1a
        m_hash = (m_hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
    }
    ++m_lines;
    if (m_sink) {
        m_sink(whole);
    }
    m_kept.push_back(std::move(whole));
    if (m_kept.size() > kept_lines_max) {
        m_kept.pop_front();
    }
}

}  // namespace tally::simulator
