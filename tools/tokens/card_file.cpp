#include "tools/tokens/card_file.h"

#include "node/tokens/token_key.h"

#include <fstream>

namespace tally::tools {
namespace {

/// One pass over the file; `take` empty: it is only checked.
Expected<CardFileDone, CardFileError> pass(
    const std::string& path, const std::function<std::string(const std::string& page)>& take) {
    std::ifstream file{path};
    if (!file) {
        return Unexpected{CardFileError{true, path + ": cannot be read"}};
    }
    CardFileDone done;
    std::string page;
    std::size_t in_page{0};
    std::string line;
    const auto give = [&]() -> std::string {
        const std::string problem = take && in_page > 0 ? take(page) : std::string{};
        page.clear();
        in_page = 0;
        return problem;
    };
    for (std::uint64_t number = 1; std::getline(file, line); ++number) {
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        if (line.empty()) {
            continue;
        }
        const auto card = node::canonical_card(line);
        if (!card) {
            return Unexpected{
                CardFileError{true, path + ":" + std::to_string(number) +
                                        ": is no card: 1 to 36 printable characters"}};
        }
        page += *card + "\n";
        ++done.cards;
        if (++in_page == card_page_max) {
            if (const std::string problem = give(); !problem.empty()) {
                return Unexpected{CardFileError{false, problem}};
            }
        }
    }
    if (const std::string problem = give(); !problem.empty()) {
        return Unexpected{CardFileError{false, problem}};
    }
    return done;
}

}  // namespace

Expected<CardFileDone, CardFileError> for_cards(
    const std::string& path, const std::function<std::string(const std::string& page)>& take) {
    const auto checked = pass(path, nullptr);
    return checked ? pass(path, take) : checked;
}

}  // namespace tally::tools
