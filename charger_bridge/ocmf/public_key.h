#pragma once

// Public keys of meters in the forms that makers, stations and registers hand them out in. Pure.

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tally::bridge {

inline constexpr std::size_t meter_key_text_bytes_max{4096};

/// The curves of OCMF; all are used with SHA-256.
enum class MeterCurve : std::uint8_t {
    secp192k1,
    secp256k1,
    secp192r1,
    secp256r1,
    brainpool256r1,
    secp384r1,
    brainpool384r1,
};
inline constexpr std::size_t meter_curves{7};
/// As in the names of OCMF: "secp256r1".
[[nodiscard]] const char* to_text(MeterCurve curve);
/// "ECDSA-secp256r1-SHA256"; a P before the size of a brainpool curve is allowed. Nothing on
/// anything else.
[[nodiscard]] std::optional<MeterCurve> curve_of_algorithm(std::string_view algorithm);
/// Bytes of one coordinate.
[[nodiscard]] std::size_t coordinate_bytes(MeterCurve curve);
/// How OpenSSL names it.
[[nodiscard]] const char* openssl_name(MeterCurve curve);

/// A meter's key: a point, and the curve when the key says it. A bare point has the curve that the
/// record's algorithm names.
struct MeterKey {
    std::optional<MeterCurve> curve;
    Bytes point;  ///< 04 | X | Y, or 02 or 03 | X
    friend bool operator==(const MeterKey&, const MeterKey&) = default;
};

enum class MeterKeyError : std::uint8_t {
    too_long,       ///< more than `meter_key_text_bytes_max`
    unknown_form,   ///< none of the forms that are accepted
    unknown_curve,  ///< a SubjectPublicKeyInfo of another algorithm or curve
    not_a_point,    ///< a point of another length than its curve's, or not on it
};
[[nodiscard]] const char* to_text(MeterKeyError error);

/// DER SubjectPublicKeyInfo with a named curve and nothing behind it, or a bare point: 04 | X | Y,
/// 02 or 03 | X, or X | Y. A point whose curve is known is on it.
[[nodiscard]] Expected<MeterKey, MeterKeyError> meter_key_from_bytes(ByteView bytes);

/// The same in hexadecimal (white space and colons allowed), base64, PEM, "oca:base16:asn1:" and
/// hexadecimal, "oca:base64:asn1:" and base64, or base64 of one of these texts.
[[nodiscard]] Expected<MeterKey, MeterKeyError> meter_key_from_text(std::string_view text);

/// A file of either kind.
[[nodiscard]] Expected<MeterKey, MeterKeyError> meter_key_from_file(ByteView content);

}  // namespace tally::bridge
