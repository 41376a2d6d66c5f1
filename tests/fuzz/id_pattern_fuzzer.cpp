// A pattern and an id of strangers: matches exactly where a plain table of all prefixes says so.

#include "charger_bridge/server/id_pattern.h"
#include "ledger/base/bytes.h"
#include "ledger/base/check.h"

#include <algorithm>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

bool matches_by_table(std::string_view pattern, std::string_view id) {
    std::vector<bool> reached(id.size() + 1, false);
    reached[0] = true;
    for (const char c : pattern) {
        if (c == '*') {
            for (std::size_t i = 1; i <= id.size(); ++i) {
                reached[i] = reached[i] || reached[i - 1];
            }
            continue;
        }
        for (std::size_t i = id.size(); i > 0; --i) {
            reached[i] = reached[i - 1] && (c == '?' || c == id[i - 1]);
        }
        reached[0] = false;
    }
    return reached[id.size()];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    const std::string_view text = tally::as_text({data, size});
    const std::size_t line = std::min(text.find('\n'), text.size());
    const auto pattern = IdPattern::from_text(text.substr(0, line));
    if (!pattern) {
        return 0;
    }
    ENSURE(pattern->text().size() <= id_pattern_bytes_max);
    const std::string_view id = line < text.size() ? text.substr(line + 1) : std::string_view{};
    ENSURE(pattern->matches(id) == matches_by_table(pattern->text(), id));
    return 0;
}
