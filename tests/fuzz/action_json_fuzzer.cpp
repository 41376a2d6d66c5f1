// Actions as an operator writes them: what is accepted can be encoded and decodes to the same.

#include "ledger/base/check.h"
#include "ledger/model/transaction.h"
#include "tools/submit/action_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto action = tally::tools::action_from_json(tally::as_text({data, size}));
    if (!action) {
        ENSURE(!action.error().empty());
        return 0;
    }
    tally::Transaction transaction;
    transaction.not_after = 1;
    transaction.action = *action;
    const auto decoded = tally::decode_transaction(tally::encode_transaction(transaction));
    ENSURE(decoded.has_value() && *decoded == transaction);
    return 0;
}
