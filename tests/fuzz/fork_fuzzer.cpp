// Evidence of a fork from any bytes: decoding and verifying end, one encoding only, and nobody
// without keys proves a fork.

#include "ledger/audit/fork.h"
#include "ledger/base/check.h"
#include "tests/support/ledger_fixture.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const tally::Genesis genesis = tally::test::make_genesis();
    const tally::ByteView input{data, size};
    if (const auto evidence = tally::ForkEvidence::decode(input)) {
        const tally::Bytes again = evidence->encode();
        ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
        ENSURE(!verify_fork(*evidence, genesis).has_value());
    }
    return 0;
}
