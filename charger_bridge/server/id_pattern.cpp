#include "charger_bridge/server/id_pattern.h"

#include <algorithm>
#include <cstddef>

namespace tally::bridge {

std::optional<IdPattern> IdPattern::from_text(std::string_view text) {
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c <= 0x7e; });
    const auto stars = static_cast<std::size_t>(std::count(text.begin(), text.end(), '*'));
    if (text.empty() || text.size() > id_pattern_bytes_max || !printable ||
        stars > id_pattern_stars_max) {
        return std::nullopt;
    }
    return IdPattern{text};
}

bool IdPattern::matches(std::string_view id) const {
    // On a mismatch the last star takes one character more; earlier stars need not be tried again.
    constexpr std::size_t none{std::string_view::npos};
    std::size_t at{0};
    std::size_t in_pattern{0};
    std::size_t star{none};
    std::size_t taken_to{0};
    while (at < id.size()) {
        const bool more = in_pattern < m_text.size();
        if (more && m_text[in_pattern] == '*') {
            star = in_pattern++;
            taken_to = at;
        } else if (more && (m_text[in_pattern] == '?' || m_text[in_pattern] == id[at])) {
            ++in_pattern;
            ++at;
        } else if (star != none) {
            in_pattern = star + 1;
            at = ++taken_to;
        } else {
            return false;
        }
    }
    return m_text.find_first_not_of('*', in_pattern) == none;
}

}  // namespace tally::bridge
