#pragma once

#include "ledger/base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tally {

/// Writes the fixed-width codec: the one encoding of everything this project signs, hashes or
/// stores (headers, votes, log leaves, state values, journal and segment records).
///
/// Integers are big-endian and have their full width; signed ones are two's complement. Byte
/// strings of variable length carry a 32-bit length in front. Nothing is optional, padded or
/// sorted by the encoder: one value has exactly one encoding.
class Encoder {
public:
    Encoder& u8(std::uint8_t value);
    Encoder& u16(std::uint16_t value);
    Encoder& u32(std::uint32_t value);
    Encoder& u64(std::uint64_t value);
    Encoder& i32(std::int32_t value) { return u32(static_cast<std::uint32_t>(value)); }
    Encoder& i64(std::int64_t value) { return u64(static_cast<std::uint64_t>(value)); }
    Encoder& boolean(bool value) { return u8(value ? 1 : 0); }
    /// Bytes whose length the reader knows.
    Encoder& raw(ByteView bytes);
    /// Bytes behind a 32-bit length.
    Encoder& var_bytes(ByteView bytes);
    Encoder& text(std::string_view value) { return var_bytes(as_bytes(value)); }
    template <std::size_t N, typename Tag>
    Encoder& fixed(const FixedBytes<N, Tag>& bytes) {
        return raw(bytes.view());
    }

    [[nodiscard]] const Bytes& bytes() const noexcept { return m_bytes; }
    [[nodiscard]] Bytes take() && { return std::move(m_bytes); }

private:
    Bytes m_bytes;
};

/// Reads the fixed-width codec from bytes that nobody has checked yet.
///
/// The first field that does not fit, is too long or is out of range makes the decoder fail for
/// good; every later read gives zero or nothing. So a caller reads all fields and asks once:
/// `finished()` is true only if every read succeeded and no byte is left over.
/// Lifetime: views that it returns point into `input`.
class Decoder {
public:
    explicit Decoder(ByteView input) : m_rest{input} {}

    std::uint8_t u8();
    std::uint16_t u16();
    std::uint32_t u32();
    std::uint64_t u64();
    std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
    /// Only 0 and 1 are accepted.
    bool boolean();
    ByteView raw(std::size_t length);
    /// Fails when the announced length exceeds `length_max`, before anything is allocated.
    ByteView var_bytes(std::size_t length_max);
    std::string text(std::size_t length_max) { return std::string{as_text(var_bytes(length_max))}; }
    template <typename Fixed>
    Fixed fixed() {
        return Fixed::from(raw(Fixed::size)).value_or(Fixed{});
    }
    /// A 32-bit count of items that follow. Fails above `count_max`, and when the rest of the
    /// input cannot hold that many items of at least `item_bytes_min` (1 or more) bytes each.
    std::uint32_t count(std::uint32_t count_max, std::size_t item_bytes_min);

    /// Marks the input as wrong, for range checks that the caller makes.
    void fail() noexcept { m_failed = true; }
    [[nodiscard]] bool ok() const noexcept { return !m_failed; }
    [[nodiscard]] bool finished() const noexcept { return !m_failed && m_rest.empty(); }
    [[nodiscard]] std::size_t remaining() const noexcept { return m_failed ? 0 : m_rest.size(); }

private:
    template <typename Unsigned>
    Unsigned integer();

    ByteView m_rest;
    bool m_failed{false};
};

}  // namespace tally
