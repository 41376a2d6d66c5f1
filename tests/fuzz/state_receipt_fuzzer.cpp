// A state receipt of any bytes: decoding and verifying end, one encoding only, and nobody without
// keys makes one that holds.

#include "ledger/base/check.h"
#include "ledger/chain/state_receipt.h"
#include "tests/support/ledger_fixture.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const tally::Genesis genesis = tally::test::make_genesis();
    const tally::ByteView input{data, size};
    if (const auto receipt = tally::StateReceipt::decode(input)) {
        const tally::Bytes again = receipt->encode();
        ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
        ENSURE(verify_state_receipt(*receipt, genesis).has_value());
    }
    return 0;
}
