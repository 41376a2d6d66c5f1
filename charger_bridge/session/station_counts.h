#pragma once

// How many of something each station has: who has the most gives up what is forgotten, so that no
// station can push out what others left. Pure.

#include "ledger/base/check.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

namespace tally::bridge {

class StationCounts {
public:
    void add(const std::string& station) {
        ++m_counts[station];
        ++m_total;
    }
    /// One that was added.
    void remove(const std::string& station) {
        const auto found = m_counts.find(station);
        ENSURE(found != m_counts.end());
        --m_total;
        if (--found->second == 0) {
            m_counts.erase(found);
        }
    }
    [[nodiscard]] std::size_t total() const { return m_total; }
    /// The first by name among equals. There must be one; to be copied before anything is removed.
    [[nodiscard]] const std::string& fullest() const {
        ENSURE(!m_counts.empty());
        return std::max_element(
                   m_counts.begin(), m_counts.end(),
                   [](const auto& left, const auto& right) { return left.second < right.second; })
            ->first;
    }

private:
    std::map<std::string, std::size_t> m_counts;  ///< none is 0
    std::size_t m_total{0};
};

}  // namespace tally::bridge
