#pragma once

// The newest reports of each charger that were only acknowledged (reports of variables, security
// events, states of a firmware update, ...), for the operator. In memory: gone with the process.

#include "ledger/base/clock.h"

#include <deque>
#include <map>
#include <string>
#include <utility>

namespace tally::bridge {

inline constexpr std::size_t notices_max{64};                 ///< of one station
inline constexpr std::size_t notices_bytes_max{32UL * 1024};  ///< of one station; one at least

struct Notice {
    UnixMillis time{0};
    std::string action;
    std::string text;  ///< the whole message as received
};

class Notices {
public:
    void add(const std::string& station, Notice notice) {
        Kept& kept = m_kept[station];
        kept.bytes += notice.text.size();
        kept.notices.push_back(std::move(notice));
        while (kept.notices.size() > notices_max ||
               (kept.notices.size() > 1 && kept.bytes > notices_bytes_max)) {
            kept.bytes -= kept.notices.front().text.size();
            kept.notices.pop_front();
        }
    }
    /// Oldest first.
    [[nodiscard]] const std::deque<Notice>& of(const std::string& station) const {
        static const std::deque<Notice> none;
        const auto found = m_kept.find(station);
        return found != m_kept.end() ? found->second.notices : none;
    }

private:
    struct Kept {
        std::deque<Notice> notices;
        std::size_t bytes{0};
    };
    std::map<std::string, Kept> m_kept;
};

}  // namespace tally::bridge
