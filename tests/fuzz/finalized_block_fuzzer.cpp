// A stored block of any bytes: what decodes has exactly one encoding.

#include "ledger/base/check.h"
#include "ledger/chain/block.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const tally::ByteView input{data, size};
    if (const auto block = tally::FinalizedBlock::decode(input)) {
        const tally::Bytes again = block->encode();
        ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
    }
    return 0;
}
