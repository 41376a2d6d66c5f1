// The JSON of `tally rate`: tariff and record in one input, apart at the first zero byte. What is
// accepted can be rated or is refused for a reason, and a tariff is read back from what is shown.

#include "ledger/base/check.h"
#include "node/config/json_text.h"
#include "node/config/tariff_json.h"
#include "tools/rate/cdr.h"
#include "tools/rate/report.h"

#include <boost/json/serialize.hpp>

namespace {

std::optional<tally::Tariff> tariff_of(std::string_view text) {
    const auto document = tally::node::parse_json(text);
    if (!document) {
        return std::nullopt;
    }
    tally::node::JsonProblems problems;
    tally::Tariff tariff = tally::node::tariff_from_json(*document, "", problems);
    if (problems.any()) {
        return std::nullopt;
    }
    ENSURE(tariff.is_valid());
    return tariff;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto utc = tally::tools::TimeZone::named("UTC");
    const std::string_view input = tally::as_text({data, size});
    const std::size_t border = std::min(input.find('\0'), input.size());
    const auto tariff = tariff_of(input.substr(0, border));
    if (tariff) {
        const std::string shown = boost::json::serialize(tally::node::tariff_to_json(*tariff));
        ENSURE(tariff_of(shown) == tariff);
    }
    const auto cdr = tally::tools::cdr_from_json(input.substr(std::min(border + 1, input.size())));
    if (!cdr || !tariff) {
        return 0;
    }
    const auto periods = tally::tools::rating_periods(*cdr, *utc);
    if (!periods) {
        return 0;
    }
    const auto rating = tally::rate_periods(*tariff, *periods);
    if (rating) {
        ENSURE(tally::node::parse_json(tally::tools::rating_json(cdr->currency, *rating)));
    }
    return 0;
}
