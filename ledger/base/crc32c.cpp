#include "ledger/base/crc32c.h"

#include <array>

namespace tally {
namespace {

constexpr std::uint32_t polynomial{0x82f63b78};  // reflected 0x1edc6f41
constexpr std::size_t slices{8};
using Tables = std::array<std::array<std::uint32_t, 256>, slices>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value & 1) != 0 ? (value >> 1) ^ polynomial : value >> 1;
        }
        tables[0][i] = value;
    }
    for (std::size_t i = 0; i < 256; ++i) {
        for (std::size_t slice = 1; slice < slices; ++slice) {
            const std::uint32_t before = tables[slice - 1][i];
            tables[slice][i] = (before >> 8) ^ tables[0][before & 0xff];
        }
    }
    return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

std::uint32_t crc32c(ByteView bytes, std::uint32_t seed) noexcept {
    std::uint32_t crc = ~seed;
    std::size_t at = 0;
    // Eight bytes a step, each through its own table ("slicing by 8").
    for (; at + slices <= bytes.size(); at += slices) {
        const std::uint32_t low =
            crc ^ (std::uint32_t{bytes[at]} | (std::uint32_t{bytes[at + 1]} << 8) |
                   (std::uint32_t{bytes[at + 2]} << 16) | (std::uint32_t{bytes[at + 3]} << 24));
        crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^
              tables[4][low >> 24] ^ tables[3][bytes[at + 4]] ^ tables[2][bytes[at + 5]] ^
              tables[1][bytes[at + 6]] ^ tables[0][bytes[at + 7]];
    }
    for (; at < bytes.size(); ++at) {
        crc = (crc >> 8) ^ tables[0][(crc ^ bytes[at]) & 0xff];
    }
    return ~crc;
}

}  // namespace tally
