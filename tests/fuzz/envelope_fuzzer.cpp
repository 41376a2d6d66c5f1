// Envelopes: one value has one encoding, so what decodes encodes to the same bytes.

#include "ledger/model/envelope.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const tally::ByteView input{data, size};
    const auto envelope = tally::decode_envelope(input);
    if (envelope) {
        const tally::Bytes again = tally::encode_envelope(*envelope);
        ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
        static_cast<void>(tally::envelope_root(*envelope));
    }
    return 0;
}
