// What `tally calibrate` reads in the texts of a charge, one a line: never more than its bound, in
// order of time, each time once.

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "tools/calibrate/meter_samples.h"

#include <algorithm>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using tally::tools::MeterSample;
    std::string_view rest = tally::as_text({data, size});
    std::vector<std::string> texts;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        texts.emplace_back(line);
    }
    const std::vector<MeterSample> samples = tally::tools::find_samples(texts);
    ENSURE(samples.size() <= tally::tools::meter_samples_max);
    const auto not_later = [](const MeterSample& left, const MeterSample& right) {
        return left.time >= right.time;
    };
    ENSURE(std::adjacent_find(samples.begin(), samples.end(), not_later) == samples.end());
    return 0;
}
