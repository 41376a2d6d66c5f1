// The file in which a member proves its new keys: what is accepted says the same when written
// again, and its keys are proven.

#include "ledger/base/check.h"
#include "tools/keys/proven_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto keys = tally::tools::proven_keys_from_json(tally::as_text({data, size}));
    if (!keys) {
        ENSURE(!keys.error().empty());
        return 0;
    }
    ENSURE(keys->member || keys->consensus || keys->link);
    const auto again = tally::tools::proven_keys_from_json(proven_keys_to_json(*keys));
    ENSURE(again.has_value() && *again == *keys);
    return 0;
}
