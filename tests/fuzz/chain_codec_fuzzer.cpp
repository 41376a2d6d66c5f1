// Block headers, certificates, metered charges and tariffs: all in the fixed-width codec, so what
// decodes encodes to the same bytes. The first byte chooses the kind.

#include "ledger/base/check.h"
#include "ledger/crypto/quorum_certificate.h"
#include "ledger/model/actions.h"
#include "ledger/model/block_header.h"

#include <algorithm>

namespace {

using tally::Bytes;
using tally::ByteView;

void same(const Bytes& again, ByteView input) {
    ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
}

void metered(ByteView input) {
    tally::Decoder decoder{input};
    const tally::MeteredCharge charge = tally::decode_metered(decoder);
    if (decoder.finished()) {
        same(tally::encode_metered(charge), input);
    }
}

void tariff(ByteView input) {
    tally::Decoder decoder{input};
    const tally::Tariff decoded = tally::Tariff::decode(decoder);
    if (decoder.finished()) {
        tally::Encoder encoder;
        decoded.encode(encoder);
        same(encoder.bytes(), input);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    switch (data[0] % 4) {
        case 0:
            if (const auto header = tally::BlockHeader::decode(input)) {
                same(header->encode(), input);
            }
            break;
        case 1:
            if (const auto certificate = tally::QuorumCertificate::decode(input)) {
                same(certificate->encode(), input);
            }
            break;
        case 2:
            metered(input);
            break;
        case 3:
            tariff(input);
            break;
    }
    return 0;
}
