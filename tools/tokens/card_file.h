#pragma once

#include "ledger/base/expected.h"

#include <cstdint>
#include <functional>
#include <string>

namespace tally::tools {

/// Cards in one request to a node.
inline constexpr std::size_t card_page_max{20'000};

struct CardFileError {
    bool is_file{false};  ///< else what `take` said
    std::string text;
};
struct CardFileDone {
    std::uint64_t cards{0};
};

/// Reads a file of one card a line (empty lines are left out), in canonical form, and gives it in
/// pages of `card_page_max` lines. The whole file is checked before the first page is given; an
/// error names the line, not the card. `take` answers with an empty text, or why it failed.
[[nodiscard]] Expected<CardFileDone, CardFileError> for_cards(
    const std::string& path, const std::function<std::string(const std::string& page)>& take);

}  // namespace tally::tools
