#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Exactly `N` bytes of one kind: a hash cannot be passed where a public key is meant.
/// Ordered bytewise; a default-constructed value is all zero.
template <std::size_t N, typename Tag>
struct FixedBytes {
    static constexpr std::size_t size{N};
    std::array<std::uint8_t, N> data{};

    [[nodiscard]] ByteView view() const noexcept { return ByteView{data}; }
    [[nodiscard]] bool is_zero() const noexcept { return *this == FixedBytes{}; }
    friend constexpr auto operator<=>(const FixedBytes&, const FixedBytes&) noexcept = default;

    /// `bytes` must be exactly `N` long, else nothing is returned.
    [[nodiscard]] static std::optional<FixedBytes> from(ByteView bytes) noexcept {
        if (bytes.size() != N) {
            return std::nullopt;
        }
        FixedBytes result;
        for (std::size_t i = 0; i < N; ++i) {
            result.data[i] = bytes[i];
        }
        return result;
    }
};

/// A SHA-256 digest of whatever the context says.
using Hash = FixedBytes<32, struct HashTag>;

/// Lower-case hexadecimal, two characters a byte.
[[nodiscard]] std::string to_hex(ByteView bytes);
template <std::size_t N, typename Tag>
[[nodiscard]] std::string to_hex(const FixedBytes<N, Tag>& bytes) {
    return to_hex(bytes.view());
}

/// Reads hexadecimal of either case. Nothing on an odd length or any other character.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
template <typename Fixed>
[[nodiscard]] std::optional<Fixed> fixed_from_hex(std::string_view text) {
    const std::optional<Bytes> bytes = from_hex(text);
    return bytes ? Fixed::from(*bytes) : std::nullopt;
}

[[nodiscard]] ByteView as_bytes(std::string_view text) noexcept;
[[nodiscard]] std::string_view as_text(ByteView bytes) noexcept;
/// Appends `more` to `bytes`.
void append(Bytes& bytes, ByteView more);

}  // namespace tally
