// Transactions: what decodes encodes again, and that decodes to the same value.

#include "ledger/model/transaction.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto transaction = tally::decode_transaction({data, size});
    if (transaction) {
        const auto again = tally::decode_transaction(tally::encode_transaction(*transaction));
        ENSURE(again.has_value());
        ENSURE(*again == *transaction);
        ENSURE(tally::is_within_bounds(transaction->action));
    }
    return 0;
}
