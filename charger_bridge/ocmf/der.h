#pragma once

// The little of ASN.1 DER that signatures and public keys need. Pure.

#include "ledger/base/bytes.h"

#include <optional>

namespace tally::bridge {

/// How an encoding is read: `strict` is DER. `lenient` also takes what some meters write instead:
/// lengths in more bytes than needed, integers with leading zeros, and integers whose leading zero
/// is missing, which DER would read as negative.
enum class DerRule : std::uint8_t { strict, lenient };

struct DerElement {
    std::uint8_t tag{0};
    ByteView content;
};

/// Takes one element with a length below 64 KiB from the front; nothing when it is not all there or
/// its length is not written as the rule says.
[[nodiscard]] std::optional<DerElement> take_der(ByteView& bytes, DerRule rule);

inline constexpr std::uint8_t der_integer{0x02};
inline constexpr std::uint8_t der_bit_string{0x03};
inline constexpr std::uint8_t der_object_id{0x06};
inline constexpr std::uint8_t der_sequence{0x30};

/// An ECDSA signature as magnitudes without leading zeros; empty is zero.
struct EcdsaPair {
    Bytes r;
    Bytes s;
};
/// SEQUENCE {r INTEGER, s INTEGER} and nothing behind it; magnitudes of at most 64 bytes.
[[nodiscard]] std::optional<EcdsaPair> ecdsa_from_der(ByteView bytes, DerRule rule);
/// r | s, both `coordinate` bytes long.
[[nodiscard]] std::optional<EcdsaPair> ecdsa_from_raw(ByteView bytes, std::size_t coordinate);
/// The one DER encoding.
[[nodiscard]] Bytes ecdsa_to_der(const EcdsaPair& pair);

}  // namespace tally::bridge
