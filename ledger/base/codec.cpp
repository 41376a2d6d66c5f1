#include "ledger/base/codec.h"

#include "ledger/base/check.h"

#include <limits>

namespace tally {

namespace {

template <typename Unsigned>
void put(Bytes& bytes, Unsigned value) {
    for (std::size_t shift = sizeof(Unsigned) * 8; shift > 0; shift -= 8) {
        bytes.push_back(static_cast<std::uint8_t>((value >> (shift - 8)) & 0xffU));
    }
}

}  // namespace

Encoder& Encoder::u8(std::uint8_t value) {
    m_bytes.push_back(value);
    return *this;
}

Encoder& Encoder::u16(std::uint16_t value) {
    m_bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
    m_bytes.push_back(static_cast<std::uint8_t>(value & 0xffU));
    return *this;
}

Encoder& Encoder::u32(std::uint32_t value) {
    put(m_bytes, value);
    return *this;
}

Encoder& Encoder::u64(std::uint64_t value) {
    put(m_bytes, value);
    return *this;
}

Encoder& Encoder::raw(ByteView bytes) {
    append(m_bytes, bytes);
    return *this;
}

Encoder& Encoder::var_bytes(ByteView bytes) {
    ENSURE(bytes.size() <= std::numeric_limits<std::uint32_t>::max());
    u32(static_cast<std::uint32_t>(bytes.size()));
    return raw(bytes);
}

template <typename Unsigned>
Unsigned Decoder::integer() {
    std::uint64_t value{0};
    for (const std::uint8_t octet : raw(sizeof(Unsigned))) {
        value = (value << 8U) | octet;
    }
    return static_cast<Unsigned>(value);
}

std::uint8_t Decoder::u8() { return integer<std::uint8_t>(); }
std::uint16_t Decoder::u16() { return integer<std::uint16_t>(); }
std::uint32_t Decoder::u32() { return integer<std::uint32_t>(); }
std::uint64_t Decoder::u64() { return integer<std::uint64_t>(); }

bool Decoder::boolean() {
    const std::uint8_t value = u8();
    if (value > 1) {
        fail();
    }
    return value == 1;
}

ByteView Decoder::raw(std::size_t length) {
    if (m_failed || length > m_rest.size()) {
        m_failed = true;
        return {};
    }
    const ByteView result = m_rest.first(length);
    m_rest = m_rest.subspan(length);
    return result;
}

ByteView Decoder::var_bytes(std::size_t length_max) {
    const std::uint32_t length = u32();
    if (length > length_max) {
        fail();
        return {};
    }
    return raw(length);
}

std::uint32_t Decoder::count(std::uint32_t count_max, std::size_t item_bytes_min) {
    ENSURE(item_bytes_min > 0);
    const std::uint32_t items = u32();
    if (items > count_max || items > remaining() / item_bytes_min) {
        fail();
    }
    return m_failed ? 0 : items;
}

}  // namespace tally
