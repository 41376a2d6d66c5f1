// Any bytes as a meter's public key, as a signature, and as base64: no trap; a key with a curve is
// one of it, and a signature read strictly has one encoding.

#include "charger_bridge/ocmf/der.h"
#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/point.h"
#include "ledger/base/check.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    const tally::ByteView bytes{data, size};
    const auto key = meter_key_from_file(bytes);
    if (key && key->curve) {
        ENSURE(is_point(*key->curve, key->point));
    }
    static_cast<void>(meter_key_from_bytes(bytes));
    if (const auto pair = ecdsa_from_der(bytes, DerRule::strict)) {
        const tally::Bytes again = ecdsa_to_der(*pair);
        ENSURE(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
    }
    if (const auto pair = ecdsa_from_der(bytes, DerRule::lenient)) {
        ENSURE(ecdsa_from_der(ecdsa_to_der(*pair), DerRule::strict).has_value());
    }
    static_cast<void>(bytes_from_base64(tally::as_text(bytes)));
    return 0;
}
