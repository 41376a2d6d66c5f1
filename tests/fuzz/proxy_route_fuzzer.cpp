// Any texts of a charger, of upstream and of the bridge, one a line, in any order, with upstream
// coming and going: no trap, bounded, and all that is made anew on the way is a frame again.

#include "charger_bridge/ocpp/v16/translation.h"
#include "charger_bridge/ocpp/v201/translation.h"
#include "charger_bridge/proxy/route.h"
#include "ledger/base/bytes.h"
#include "ledger/base/check.h"

#include <algorithm>

namespace {

using namespace tally::bridge;

class AnyBook final : public RoamingBook {
public:
    bool holds_token(const std::string& token) const override { return token.size() % 2 == 1; }
    bool holds_start(const StartFacts& start) const override { return start.connector == 2; }
    bool holds_transaction(const TransactionName& name) const override {
        const auto* const number = std::get_if<std::int64_t>(&name);
        return number != nullptr ? *number % 2 == 1 : std::get<std::string>(name).size() % 2 == 1;
    }
    bool holds_stop(const StopFacts& stop) const override {
        return holds_transaction(stop.transaction);
    }
    bool is_charging(std::uint16_t connector) const override { return connector == 3; }
    bool is_any_open() const override { return any_open; }
    bool any_open{true};
};

RouteOutput play(Route& route, AnyBook& book, std::string_view line, Route::Time now) {
    const std::string_view text = line.substr(std::min<std::size_t>(1, line.size()));
    switch (line.empty() ? 't' : line.front()) {
        case 'c':
            return route.from_charger(text, now);
        case 'u':
            return route.from_upstream(text, now);
        case 'b':
            return route.from_bridge(std::string{text}, now);
        case 'r':
            return route.takes_back(std::string{text}) ? route.refused(std::string{text}, now)
                                                       : RouteOutput{};
        case 'o':
            return route.upstream_opened(now);
        case 'l':
            return route.upstream_closed(now);
        case 'k':
            book.any_open = !book.any_open;
            return {};
        default:
            return route.tick(now);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest = tally::as_text({data, size});
    const bool is_newer = rest.starts_with('2');
    AnyBook book;
    AliasMap aliases;
    Route route{is_newer ? v201::translation() : v16::translation(),
                book,
                aliases,
                {{"Invalid", "Unknown"}, "00000000000000ff-"},
                Route::Time{0}};
    Route::Time now{0};
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const RouteOutput output = play(route, book, line, now);
        now += Route::Time{500};
        ENSURE(aliases.size() <= aliases_max);
        if (output.aliases) {
            AliasMap read;
            ENSURE(read.decode(*output.aliases));
        }
        for (const std::string& text : output.to_upstream) {
            ENSURE(parse_frame(text).has_value());
        }
        if (!output.close.empty()) {
            return 0;
        }
    }
    return 0;
}
