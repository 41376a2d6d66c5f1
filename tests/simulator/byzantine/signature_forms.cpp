#include "tests/simulator/byzantine/signature_forms.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tally::simulator {

namespace {

/// Order of the group of secp256k1, big-endian.
constexpr std::array<std::uint8_t, 32> group_order{
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

}  // namespace

Signature high_s(const Signature& signature) {
    Signature result = signature;
    int borrow{0};
    for (std::size_t i = 32; i > 0; --i) {
        int digit = int{group_order[i - 1]} - int{signature.data[32 + i - 1]} - borrow;
        borrow = digit < 0 ? 1 : 0;
        digit += borrow * 256;
        result.data[32 + i - 1] = static_cast<std::uint8_t>(digit);
    }
    return result;
}

Signature swapped(const Signature& signature) {
    Signature result = signature;
    std::rotate(result.data.begin(), result.data.begin() + 32, result.data.end());
    return result;
}

}  // namespace tally::simulator
