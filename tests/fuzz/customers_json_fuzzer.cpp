// Customer files: any text gives entries within their bounds, or an error.

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "node/config/customers_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto customers = tally::node::customers_from_json(tally::as_text({data, size}));
    if (!customers) {
        ENSURE(!customers.error().empty());
        return 0;
    }
    for (const tally::node::CustomerEntry& entry : *customers) {
        ENSURE(tally::node::canonical_token(entry.token) == entry.token);
        ENSURE(entry.opening_balance >= 0 && entry.opening_balance <= tally::amount_max);
        ENSURE(entry.policy.concurrent_charges >= 1);
    }
    return 0;
}
