#include "charger_bridge/server/key_ring.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

Hash KeyRing::hash_of(ByteView password) const { return hmac_sha256(salt.view(), password); }

bool KeyRing::use_made(std::size_t index) {
    if (index == 0 && (!configured_valid || configured_newest)) {
        return false;
    }
    made.erase(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(index));
    configured_valid = configured_newest;
    return true;
}

bool KeyRing::use_configured() {
    if (!configured_newest) {
        return false;
    }
    configured_newest = false;
    made.clear();
    return true;
}

void KeyRing::drop(const Hash& key) {
    made.erase(std::remove(made.begin(), made.end(), key), made.end());
}

Bytes encode_key_ring(const KeyRing& ring) {
    Encoder encoder;
    encoder.fixed(ring.salt).fixed(ring.configured_print).boolean(ring.configured_valid);
    encoder.boolean(ring.configured_newest).u32(static_cast<std::uint32_t>(ring.made.size()));
    for (const Hash& key : ring.made) {
        encoder.fixed(key);
    }
    return std::move(encoder).take();
}

std::optional<KeyRing> decode_key_ring(ByteView bytes) {
    Decoder decoder{bytes};
    KeyRing ring;
    ring.salt = decoder.fixed<Salt>();
    ring.configured_print = decoder.fixed<Hash>();
    ring.configured_valid = decoder.boolean();
    ring.configured_newest = decoder.boolean();
    const std::uint32_t count = decoder.count(keys_made_max, Hash::size);
    for (std::uint32_t i = 0; i < count; ++i) {
        ring.made.push_back(decoder.fixed<Hash>());
    }
    return decoder.finished() ? std::optional{std::move(ring)} : std::nullopt;
}

}  // namespace tally::bridge
