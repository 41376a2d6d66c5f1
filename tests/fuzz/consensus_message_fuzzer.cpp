// Whatever decodes must encode to the same bytes again.

#include "consensus/wire/wire.h"
#include "ledger/base/check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const tally::ByteView bytes{data, size};
    const auto message = tally::consensus::decode_message(bytes);
    if (message) {
        const tally::Bytes again = tally::consensus::encode_message(*message);
        ENSURE(tally::Bytes(bytes.begin(), bytes.end()) == again);
    }
    return 0;
}
