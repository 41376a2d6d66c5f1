#include "charger_bridge/ocmf/public_key.h"

#include "charger_bridge/ocmf/der.h"
#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/point.h"

#include <array>
#include <string>

namespace tally::bridge {
namespace {

struct CurveFacts {
    MeterCurve curve;
    const char* name;
    const char* openssl;
    std::size_t coordinate;
    const char* object_id;  ///< content bytes, hexadecimal
};

constexpr std::array<CurveFacts, meter_curves> curves{{
    {MeterCurve::secp192k1, "secp192k1", "secp192k1", 24, "2b8104001f"},
    {MeterCurve::secp256k1, "secp256k1", "secp256k1", 32, "2b8104000a"},
    {MeterCurve::secp192r1, "secp192r1", "prime192v1", 24, "2a8648ce3d030101"},
    {MeterCurve::secp256r1, "secp256r1", "prime256v1", 32, "2a8648ce3d030107"},
    {MeterCurve::brainpool256r1, "brainpool256r1", "brainpoolP256r1", 32, "2b2403030208010107"},
    {MeterCurve::secp384r1, "secp384r1", "secp384r1", 48, "2b81040022"},
    {MeterCurve::brainpool384r1, "brainpool384r1", "brainpoolP384r1", 48, "2b240303020801010b"},
}};

constexpr const char* ec_public_key_id{"2a8648ce3d0201"};
constexpr std::uint8_t uncompressed{0x04};
constexpr std::uint8_t compressed_even{0x02};
constexpr std::uint8_t compressed_odd{0x03};
/// A key in base64 of a text that is itself base64 is the deepest that is met.
constexpr int wrappings_max{3};

const CurveFacts& facts(MeterCurve curve) { return curves.at(static_cast<std::size_t>(curve)); }

bool is_coordinate(std::size_t size) {
    for (const CurveFacts& known : curves) {
        if (known.coordinate == size) {
            return true;
        }
    }
    return false;
}

/// The SubjectPublicKeyInfo of RFC 5480 with a named curve.
Expected<MeterKey, MeterKeyError> key_from_info(ByteView bytes) {
    const auto info = take_der(bytes, DerRule::strict);
    if (!info || info->tag != der_sequence || !bytes.empty()) {
        return Unexpected{MeterKeyError::unknown_form};
    }
    ByteView content = info->content;
    const auto algorithm = take_der(content, DerRule::strict);
    const auto key = take_der(content, DerRule::strict);
    if (!algorithm || algorithm->tag != der_sequence || !key || key->tag != der_bit_string ||
        !content.empty()) {
        return Unexpected{MeterKeyError::unknown_form};
    }
    ByteView names = algorithm->content;
    const auto kind = take_der(names, DerRule::strict);
    const auto curve = take_der(names, DerRule::strict);
    if (!kind || kind->tag != der_object_id || to_hex(kind->content) != ec_public_key_id ||
        !curve || curve->tag != der_object_id || !names.empty()) {
        return Unexpected{MeterKeyError::unknown_curve};
    }
    const std::string object_id = to_hex(curve->content);
    for (const CurveFacts& known : curves) {
        if (object_id != known.object_id) {
            continue;
        }
        if (key->content.empty() || key->content.front() != 0) {
            return Unexpected{MeterKeyError::unknown_form};
        }
        const ByteView point = key->content.subspan(1);
        if (!is_point(known.curve, point)) {
            return Unexpected{MeterKeyError::not_a_point};
        }
        return MeterKey{known.curve, Bytes{point.begin(), point.end()}};
    }
    return Unexpected{MeterKeyError::unknown_curve};
}

std::optional<MeterKey> bare_point(ByteView bytes) {
    const std::size_t size = bytes.size();
    if (size % 2 == 0) {  // X | Y
        if (!is_coordinate(size / 2)) {
            return std::nullopt;
        }
        Bytes point{uncompressed};
        append(point, bytes);
        return MeterKey{std::nullopt, std::move(point)};
    }
    const std::uint8_t form = bytes.front();
    const bool whole = form == uncompressed && is_coordinate((size - 1) / 2);
    const bool half =
        (form == compressed_even || form == compressed_odd) && is_coordinate(size - 1);
    return whole || half ? std::optional{MeterKey{std::nullopt, {bytes.begin(), bytes.end()}}}
                         : std::nullopt;
}

/// What is between the lines of a PEM text; nothing when it is none.
std::optional<std::string_view> pem_body(std::string_view text) {
    constexpr std::string_view begin{"-----BEGIN PUBLIC KEY-----"};
    constexpr std::string_view end{"-----END PUBLIC KEY-----"};
    if (!text.starts_with(begin) || !text.ends_with(end) ||
        text.size() < begin.size() + end.size()) {
        return std::nullopt;
    }
    return text.substr(begin.size(), text.size() - begin.size() - end.size());
}

/// The bytes that a text stands for, by its marks; without one, hexadecimal before base64, because
/// hexadecimal digits are base64 too.
std::optional<Bytes> bytes_of(std::string_view text) {
    constexpr std::string_view base16_mark{"oca:base16:asn1:"};
    constexpr std::string_view base64_mark{"oca:base64:asn1:"};
    if (const auto body = pem_body(text)) {
        return bytes_from_base64(*body);
    }
    if (text.starts_with(base16_mark)) {
        return bytes_from_spaced_hex(text.substr(base16_mark.size()));
    }
    if (text.starts_with(base64_mark)) {
        return bytes_from_base64(text.substr(base64_mark.size()));
    }
    if (auto bytes = bytes_from_spaced_hex(text)) {
        return bytes;
    }
    return bytes_from_base64(text);
}

}  // namespace

const char* to_text(MeterCurve curve) { return facts(curve).name; }

std::size_t coordinate_bytes(MeterCurve curve) { return facts(curve).coordinate; }

const char* openssl_name(MeterCurve curve) { return facts(curve).openssl; }

std::optional<MeterCurve> curve_of_algorithm(std::string_view algorithm) {
    for (const CurveFacts& known : curves) {
        for (const std::string& name : {std::string{known.name}, std::string{known.openssl}}) {
            const bool ours = name.starts_with("brainpool") || name == known.name;
            if (ours && algorithm == "ECDSA-" + name + "-SHA256") {
                return known.curve;
            }
        }
    }
    return std::nullopt;
}

const char* to_text(MeterKeyError error) {
    switch (error) {
        case MeterKeyError::too_long:
            return "is longer than a public key can be";
        case MeterKeyError::unknown_form:
            return "is no public key, neither SubjectPublicKeyInfo nor a point";
        case MeterKeyError::unknown_curve:
            return "is a key of an algorithm or curve that OCMF does not name";
        case MeterKeyError::not_a_point:
            return "is not a point of its curve";
    }
    return "";
}

Expected<MeterKey, MeterKeyError> meter_key_from_bytes(ByteView bytes) {
    if (bytes.size() > meter_key_text_bytes_max) {
        return Unexpected{MeterKeyError::too_long};
    }
    if (bytes.empty()) {
        return Unexpected{MeterKeyError::unknown_form};
    }
    const auto key = key_from_info(bytes);
    if (key || key.error() != MeterKeyError::unknown_form) {
        return key;
    }
    if (auto point = bare_point(bytes)) {
        return *std::move(point);
    }
    return Unexpected{MeterKeyError::unknown_form};
}

Expected<MeterKey, MeterKeyError> meter_key_from_text(std::string_view text) {
    if (text.size() > meter_key_text_bytes_max) {
        return Unexpected{MeterKeyError::too_long};
    }
    std::string current{trimmed(text)};
    for (int i = 0; i < wrappings_max; ++i) {
        const std::optional<Bytes> bytes = bytes_of(current);
        if (!bytes) {
            break;
        }
        const auto key = meter_key_from_bytes(*bytes);
        if (key || key.error() != MeterKeyError::unknown_form) {
            return key;
        }
        current = std::string{trimmed(as_text(*bytes))};
    }
    return Unexpected{MeterKeyError::unknown_form};
}

Expected<MeterKey, MeterKeyError> meter_key_from_file(ByteView content) {
    const auto key = meter_key_from_text(as_text(content));
    if (key || key.error() != MeterKeyError::unknown_form) {
        return key;
    }
    return meter_key_from_bytes(content);
}

}  // namespace tally::bridge
