// Everything that is read from text: amounts, parties, references, hexadecimal. What is read is
// written again and read to the same value.

#include "ledger/base/check.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = tally::as_text({data, size});
    if (const auto amount = tally::money_from_text(text)) {
        ENSURE(tally::money_from_text(tally::money_to_text(*amount)) == amount);
    }
    if (const auto party = tally::party_from_text(text)) {
        ENSURE(tally::party_from_text(tally::to_text(*party)) == party);
    }
    if (const auto ref = tally::transaction_ref_from_text(text)) {
        ENSURE(tally::transaction_ref_from_text(tally::to_text(*ref)) == ref);
    }
    if (const auto bytes = tally::from_hex(text)) {
        ENSURE(tally::from_hex(tally::to_hex(*bytes)) == bytes);
    }
    return 0;
}
