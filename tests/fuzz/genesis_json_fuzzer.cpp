// Genesis files: any text gives a valid genesis that writes and reads back the same, or an error.

#include "ledger/base/check.h"
#include "node/config/genesis_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto genesis = tally::node::genesis_from_json(tally::as_text({data, size}));
    if (!genesis) {
        ENSURE(genesis.error().starts_with("genesis: "));
        return 0;
    }
    ENSURE(!tally::find_problem(*genesis));
    const auto again = tally::node::genesis_from_json(tally::node::genesis_to_json(*genesis));
    ENSURE(again.has_value() && *again == *genesis);
    return 0;
}
