#include "charger_bridge/ocmf/verify.h"

#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/point.h"

#include <algorithm>
#include <vector>

namespace tally::bridge {
namespace {

/// Everything that the bytes can be read as under the rule, what is most likely first.
std::vector<EcdsaPair> readings_of(ByteView bytes, DerRule rule, MeterCurve curve) {
    std::vector<EcdsaPair> pairs;
    if (auto pair = ecdsa_from_der(bytes, rule)) {
        pairs.push_back(*std::move(pair));
    }
    if (rule == DerRule::lenient) {
        if (auto pair = ecdsa_from_raw(bytes, coordinate_bytes(curve))) {
            pairs.push_back(*std::move(pair));
        }
    }
    return pairs;
}

}  // namespace

const char* to_text(SignatureVerdict verdict) {
    switch (verdict) {
        case SignatureVerdict::valid:
            return "valid";
        case SignatureVerdict::unknown_algorithm:
            return "unknown_algorithm";
        case SignatureVerdict::unknown_encoding:
            return "unknown_encoding";
        case SignatureVerdict::signature_encoding:
            return "signature_encoding";
        case SignatureVerdict::signature_form:
            return "signature_form";
        case SignatureVerdict::key_curve:
            return "key_curve";
        case SignatureVerdict::signature_wrong:
            return "signature_wrong";
    }
    return "";
}

const char* explain(SignatureVerdict verdict) {
    switch (verdict) {
        case SignatureVerdict::valid:
            return "the signature is the meter's";
        case SignatureVerdict::unknown_algorithm:
            return "SA names no signature algorithm of OCMF";
        case SignatureVerdict::unknown_encoding:
            return "SE or SM names no encoding of OCMF";
        case SignatureVerdict::signature_encoding:
            return "SD cannot be decoded as SE says";
        case SignatureVerdict::signature_form:
            return "SD is not DER; some meters need --lenient";
        case SignatureVerdict::key_curve:
            return "the key is not of the curve that SA names";
        case SignatureVerdict::signature_wrong:
            return "the signature was not made with this key over this payload";
    }
    return "";
}

SignatureVerdict verify_ocmf(const OcmfRecord& record, const MeterKey& key, DerRule rule) {
    const OcmfSignature& signature = record.signature;
    const std::optional<MeterCurve> curve = curve_of_algorithm(signature.algorithm);
    if (!curve) {
        return SignatureVerdict::unknown_algorithm;
    }
    const bool hex = signature.encoding == "hex";
    if ((!hex && signature.encoding != "base64") || signature.mime_type != "application/x-der") {
        return SignatureVerdict::unknown_encoding;
    }
    const std::optional<Bytes> bytes =
        hex ? from_hex(signature.data) : bytes_from_base64(signature.data);
    if (!bytes || bytes->empty()) {
        return SignatureVerdict::signature_encoding;
    }
    if ((key.curve && *key.curve != *curve) || !is_point(*curve, key.point)) {
        return SignatureVerdict::key_curve;
    }
    const std::vector<EcdsaPair> pairs = readings_of(*bytes, rule, *curve);
    if (pairs.empty()) {
        return SignatureVerdict::signature_form;
    }
    const Hash digest = record.payload_hash();
    const bool valid = std::any_of(pairs.begin(), pairs.end(), [&](const EcdsaPair& pair) {
        return verify_ecdsa(*curve, key.point, pair, digest);
    });
    return valid ? SignatureVerdict::valid : SignatureVerdict::signature_wrong;
}

}  // namespace tally::bridge
