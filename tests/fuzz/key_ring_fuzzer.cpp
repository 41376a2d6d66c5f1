// Stored keys: what is read is what would be written.

#include "charger_bridge/server/key_ring.h"
#include "ledger/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    const tally::Bytes bytes{data, data + size};
    if (const auto ring = decode_key_ring(bytes)) {
        ENSURE(ring->made.size() <= keys_made_max);
        ENSURE(encode_key_ring(*ring) == bytes);
    }
    const std::string_view text = tally::as_text(bytes);
    if (const auto hash = password_hash_from_text(text)) {
        ENSURE(password_hash_from_text(to_text(*hash)) == hash);
    }
    return 0;
}
