// Signatures of meters: right ones on every curve, and everything that must not pass for one.

#include "charger_bridge/ocmf/verify.h"

#include "charger_bridge/ocmf/der.h"
#include "tests/charger_bridge/ocmf/meter_signer.h"

#include <catch2/catch.hpp>

namespace tally::bridge {
namespace {

const std::vector<MeterCurve> all_curves{MeterCurve::secp192k1,      MeterCurve::secp256k1,
                                         MeterCurve::secp192r1,      MeterCurve::secp256r1,
                                         MeterCurve::brainpool256r1, MeterCurve::secp384r1,
                                         MeterCurve::brainpool384r1};

constexpr DerRule strict{DerRule::strict};
constexpr DerRule lenient{DerRule::lenient};

/// The record with this signature, in hexadecimal.
SignatureVerdict verdict_of(const MeterSigner& meter, ByteView signature, DerRule rule) {
    const std::string payload = PayloadParts{}.text();
    const std::string fields =
        R"("SA":")" + meter.algorithm() + R"(","SD":")" + to_hex(signature) + "\"";
    return verify_ocmf(parsed(record_text(payload, fields)), meter.key(), rule);
}

Bytes integer(Bytes content) {
    Bytes out{der_integer, static_cast<std::uint8_t>(content.size())};
    append(out, content);
    return out;
}

Bytes sequence(const Bytes& first, const Bytes& second) {
    Bytes out{der_sequence, static_cast<std::uint8_t>(first.size() + second.size())};
    append(out, first);
    append(out, second);
    return out;
}

Bytes padded(const Bytes& magnitude, std::size_t size) {
    Bytes out(size - magnitude.size());
    append(out, magnitude);
    return out;
}

/// A signature whose r and s both have their highest bit set: DER gives both a leading zero.
EcdsaPair signature_with_high_bits(const MeterSigner& meter) {
    const std::string payload = PayloadParts{}.text();
    for (;;) {
        const auto pair = ecdsa_from_der(meter.sign(payload), strict);
        REQUIRE(pair);
        if (pair->r.size() == 32 && pair->s.size() == 32 && pair->r[0] >= 0x80 &&
            pair->s[0] >= 0x80) {
            return *pair;
        }
    }
}

}  // namespace

TEST_CASE("a meter's signature is right on every curve, in hexadecimal and base64", "[ocmf]") {
    const std::string payload = PayloadParts{}.text();
    for (const MeterCurve curve : all_curves) {
        const MeterSigner meter{curve};
        INFO(to_text(curve));
        CHECK(verify_ocmf(parsed(meter.record(payload)), meter.key(), strict) ==
              SignatureVerdict::valid);
        const std::string fields = R"("SE":"base64","SM":"application/x-der","SA":")" +
                                   meter.algorithm() + R"(","SD":")" +
                                   base64_of(meter.sign(payload)) + "\"";
        CHECK(verify_ocmf(parsed(record_text(payload, fields)), meter.key(), strict) ==
              SignatureVerdict::valid);
        const MeterKey bare{std::nullopt, meter.point()};
        CHECK(verify_ocmf(parsed(meter.record(payload)), bare, strict) == SignatureVerdict::valid);
    }
}

TEST_CASE("without SA a signature is one of secp256r1", "[ocmf]") {
    const MeterSigner meter{MeterCurve::secp256r1};
    const std::string payload = PayloadParts{}.text();
    const std::string fields = R"("SD":")" + to_hex(meter.sign(payload)) + "\"";
    CHECK(verify_ocmf(parsed(record_text(payload, fields)), meter.key(), strict) ==
          SignatureVerdict::valid);
}

TEST_CASE("the smallest change of the payload, white space included, is found", "[ocmf]") {
    const std::string payload = PayloadParts{}.text();
    for (const MeterCurve curve : all_curves) {
        INFO(to_text(curve));
        const MeterSigner meter{curve};
        const std::string record = meter.record(payload);
        for (const auto& [from, to] :
             {std::pair{"1011.25", "1011.26"}, std::pair{"OCMF|{", "OCMF|{ "},
              std::pair{"}|{", "} |{"}, std::pair{"1000.5", "1000.50"}}) {
            INFO(from);
            CHECK(verify_ocmf(parsed(with(record, from, to)), meter.key(), strict) ==
                  SignatureVerdict::signature_wrong);
        }
    }
}

TEST_CASE("another meter's key, and a key of another curve, prove nothing", "[ocmf]") {
    const std::string payload = PayloadParts{}.text();
    const MeterSigner meter{MeterCurve::secp256r1};
    const OcmfRecord record = parsed(meter.record(payload));
    CHECK(verify_ocmf(record, MeterSigner{MeterCurve::secp256r1}.key(), strict) ==
          SignatureVerdict::signature_wrong);
    for (const MeterCurve other : {MeterCurve::secp256k1, MeterCurve::brainpool256r1,
                                   MeterCurve::secp384r1, MeterCurve::secp192r1}) {
        INFO(to_text(other));
        const MeterSigner wrong{other};
        CHECK(verify_ocmf(record, wrong.key(), strict) == SignatureVerdict::key_curve);
        CHECK(verify_ocmf(record, {std::nullopt, wrong.point()}, strict) ==
              SignatureVerdict::key_curve);
        // The record says the curve of the wrong key, over the right key's signature.
        const std::string fields =
            R"("SA":")" + wrong.algorithm() + R"(","SD":")" + to_hex(meter.sign(payload)) + "\"";
        CHECK(verify_ocmf(parsed(record_text(payload, fields)), wrong.key(), strict) ==
              SignatureVerdict::signature_wrong);
    }
    CHECK(verify_ocmf(record, {std::nullopt, {}}, lenient) == SignatureVerdict::key_curve);
}

TEST_CASE("algorithms and encodings that OCMF does not name are not guessed", "[ocmf]") {
    const std::string payload = PayloadParts{}.text();
    const MeterSigner meter{MeterCurve::secp256r1};
    const std::string data = R"(,"SD":")" + to_hex(meter.sign(payload)) + "\"";
    const auto verdict = [&](const std::string& fields) {
        return verify_ocmf(parsed(record_text(payload, fields)), meter.key(), lenient);
    };
    CHECK(verdict(R"("SE":"hex")" + data) == SignatureVerdict::valid);
    CHECK(verdict(R"("SA":"ECDSA-secp256r1-SHA512")" + data) ==
          SignatureVerdict::unknown_algorithm);
    CHECK(verdict(R"("SA":"")" + data) == SignatureVerdict::unknown_algorithm);
    CHECK(verdict(R"("SE":"HEX")" + data) == SignatureVerdict::unknown_encoding);
    CHECK(verdict(R"("SM":"application/x-raw")" + data) == SignatureVerdict::unknown_encoding);
    CHECK(verdict(R"("SE":"base64")" + data) != SignatureVerdict::valid);
    CHECK(verdict(R"("SD":"3044zz")") == SignatureVerdict::signature_encoding);
    CHECK(verdict(R"("SD":"304")") == SignatureVerdict::signature_encoding);
    CHECK(verdict(R"("SD":"30 44")") == SignatureVerdict::signature_encoding);
}

TEST_CASE("forms that are not DER are right only when lenient", "[ocmf]") {
    const MeterSigner meter{MeterCurve::secp256r1};
    const EcdsaPair pair = signature_with_high_bits(meter);
    Bytes r_padded{0};
    append(r_padded, pair.r);
    Bytes s_padded{0};
    append(s_padded, pair.s);
    const Bytes der = sequence(integer(r_padded), integer(s_padded));
    CHECK(verdict_of(meter, der, strict) == SignatureVerdict::valid);
    CHECK(der == ecdsa_to_der(pair));

    Bytes raw = pair.r;
    append(raw, pair.s);
    Bytes twice_padded{0};
    append(twice_padded, s_padded);
    Bytes long_length = der;
    long_length.insert(long_length.begin() + 1, 0x81);
    Bytes longer_length = der;
    longer_length.insert(longer_length.begin() + 1, {0x82, 0x00});
    for (const Bytes& form :
         {raw, sequence(integer(pair.r), integer(s_padded)),
          sequence(integer(pair.r), integer(pair.s)),
          sequence(integer(r_padded), integer(twice_padded)), long_length, longer_length}) {
        INFO(to_hex(form));
        CHECK(verdict_of(meter, form, strict) == SignatureVerdict::signature_form);
        CHECK(verdict_of(meter, form, lenient) == SignatureVerdict::valid);
    }
}

TEST_CASE("r and s without DER are right on every curve when lenient", "[ocmf]") {
    for (const MeterCurve curve : all_curves) {
        INFO(to_text(curve));
        const MeterSigner meter{curve};
        const auto pair = ecdsa_from_der(meter.sign(PayloadParts{}.text()), strict);
        REQUIRE(pair);
        Bytes raw = padded(pair->r, coordinate_bytes(curve));
        append(raw, padded(pair->s, coordinate_bytes(curve)));
        CHECK(verdict_of(meter, raw, strict) == SignatureVerdict::signature_form);
        CHECK(verdict_of(meter, raw, lenient) == SignatureVerdict::valid);
        raw.back() ^= 1U;
        CHECK(verdict_of(meter, raw, lenient) == SignatureVerdict::signature_wrong);
    }
}

TEST_CASE("zero, the order, cut and continued signatures are never right", "[ocmf]") {
    const MeterSigner meter{MeterCurve::secp256r1};
    const Bytes right = meter.sign(PayloadParts{}.text());
    const auto pair = ecdsa_from_der(right, strict);
    REQUIRE(pair);
    const Bytes order =
        *from_hex("00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    const Bytes s = integer(padded(pair->s, 33));
    const Bytes r = integer(padded(pair->r, 33));
    for (const DerRule rule : {strict, lenient}) {
        CHECK(verdict_of(meter, sequence(integer({0}), integer({0})), rule) ==
              SignatureVerdict::signature_wrong);
        CHECK(verdict_of(meter, sequence(integer({1}), integer({1})), rule) ==
              SignatureVerdict::signature_wrong);
        CHECK(verdict_of(meter, sequence(integer(order), integer({1})), rule) ==
              SignatureVerdict::signature_wrong);
        CHECK(verdict_of(meter, sequence(integer({1}), integer(order)), rule) ==
              SignatureVerdict::signature_wrong);
        CHECK(verdict_of(meter, sequence(integer({}), s), rule) ==
              SignatureVerdict::signature_form);
        CHECK(verdict_of(meter, Bytes(64), rule) != SignatureVerdict::valid);
        Bytes longer = right;
        longer.push_back(0);
        CHECK(verdict_of(meter, longer, rule) == SignatureVerdict::signature_form);
        Bytes three = sequence(integer({1}), integer({1}));
        append(three, integer({1}));
        three[1] = static_cast<std::uint8_t>(three.size() - 2);
        CHECK(verdict_of(meter, three, rule) == SignatureVerdict::signature_form);
        for (std::size_t size = 1; size < right.size(); ++size) {
            const Bytes cut{right.begin(), right.begin() + static_cast<std::ptrdiff_t>(size)};
            CHECK(verdict_of(meter, cut, rule) != SignatureVerdict::valid);
        }
    }
    CHECK(verdict_of(meter, sequence(r, s), lenient) == SignatureVerdict::valid);
    Bytes endless{der_sequence, 0x80};
    append(endless, r);
    append(endless, s);
    append(endless, Bytes{0, 0});
    CHECK(verdict_of(meter, endless, lenient) == SignatureVerdict::signature_form);
    CHECK(verdict_of(meter, Bytes{der_sequence, 0x82, 0xFF, 0xFF}, lenient) ==
          SignatureVerdict::signature_form);
    CHECK(verdict_of(meter, sequence(integer(Bytes(65, 1)), integer({1})), lenient) ==
          SignatureVerdict::signature_form);
}

TEST_CASE("a signature that was altered and stays valid is of the same record", "[ocmf]") {
    const MeterSigner meter{MeterCurve::secp256r1};
    const std::string payload = PayloadParts{}.text();
    const OcmfRecord one = parsed(meter.record(payload));
    const OcmfRecord other = parsed(meter.record(payload));
    CHECK(one.signature.data != other.signature.data);
    CHECK(one.payload_hash() == other.payload_hash());
}

}  // namespace tally::bridge
