// Certificates of strangers: the names that come out are printable and short enough, and come from
// the whole input only.

#include "charger_bridge/server/certificate_names.h"
#include "ledger/base/check.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    const auto names = names_from_der({data, size});
    if (!names) {
        return 0;
    }
    ENSURE(size <= certificate_bytes_max);
    for (const std::string& name : {names->organization, names->common_name}) {
        ENSURE(!name.empty() && name.size() <= certificate_name_bytes_max);
        ENSURE(
            std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c <= 0x7e; }));
    }
    tally::Bytes longer{data, data + size};
    longer.push_back(0);
    ENSURE(!names_from_der(longer));
    return 0;
}
