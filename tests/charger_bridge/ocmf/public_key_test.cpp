// A meter's public key in all the forms it is handed out in.

#include "charger_bridge/ocmf/public_key.h"

#include "tests/charger_bridge/ocmf/meter_signer.h"

#include <catch2/catch.hpp>

namespace tally::bridge {
namespace {

const std::vector<MeterCurve> all_curves{MeterCurve::secp192k1,      MeterCurve::secp256k1,
                                         MeterCurve::secp192r1,      MeterCurve::secp256r1,
                                         MeterCurve::brainpool256r1, MeterCurve::secp384r1,
                                         MeterCurve::brainpool384r1};

std::string spaced(const std::string& hex) {
    std::string text;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        text += hex.substr(i, 2) + (i % 32 == 30 ? "\n" : " ");
    }
    return text;
}

MeterKeyError error_of(const Expected<MeterKey, MeterKeyError>& key) {
    REQUIRE_FALSE(key);
    return key.error();
}

}  // namespace

TEST_CASE("a key is the same in each of its forms, on every curve", "[ocmf]") {
    for (const MeterCurve curve : all_curves) {
        INFO(to_text(curve));
        const MeterSigner meter{curve};
        const Bytes info = meter.key_info();
        const MeterKey key{curve, meter.point()};
        const std::string hex = to_hex(info);
        const std::string base64 = base64_of(info);
        for (const std::string& text :
             {hex, spaced(hex), base64, base64 + "\n", meter.pem(), "oca:base16:asn1:" + hex,
              "oca:base64:asn1:" + base64, base64_of(as_bytes("oca:base16:asn1:" + hex)),
              base64_of(as_bytes(hex)), base64_of(as_bytes(meter.pem()))}) {
            INFO(text);
            const auto read = meter_key_from_text(text);
            REQUIRE(read);
            CHECK(*read == key);
            CHECK(*meter_key_from_file(as_bytes(text)) == key);
        }
        CHECK(*meter_key_from_bytes(info) == key);
        CHECK(*meter_key_from_file(info) == key);
    }
}

TEST_CASE("a bare point leaves the curve to the record", "[ocmf]") {
    for (const MeterCurve curve : all_curves) {
        INFO(to_text(curve));
        const Bytes point = MeterSigner{curve}.point();
        const MeterKey key{std::nullopt, point};
        CHECK(*meter_key_from_text(to_hex(point)) == key);
        CHECK(*meter_key_from_text(base64_of(point)) == key);
        CHECK(*meter_key_from_text(to_hex(point).substr(2)) == key);  // X | Y
        Bytes half{point.begin(),
                   point.begin() + 1 + static_cast<std::ptrdiff_t>(point.size() / 2)};
        half.front() = (point.back() & 1U) == 0 ? 2 : 3;
        CHECK(*meter_key_from_text(to_hex(half)) == MeterKey{std::nullopt, half});
    }
}

TEST_CASE("a point that is not on its curve is no key", "[ocmf]") {
    for (const MeterCurve curve : all_curves) {
        INFO(to_text(curve));
        Bytes info = MeterSigner{curve}.key_info();
        info.back() ^= 1U;
        CHECK(error_of(meter_key_from_bytes(info)) == MeterKeyError::not_a_point);
    }
    Bytes zero = MeterSigner{MeterCurve::secp256r1}.key_info();
    zero[zero.size() - 65] = 6;  // a hybrid form that nobody needs
    CHECK(error_of(meter_key_from_bytes(zero)) == MeterKeyError::not_a_point);
}

TEST_CASE("what is cut, has something behind it, or is of another kind is no key", "[ocmf]") {
    const Bytes info = MeterSigner{MeterCurve::secp256r1}.key_info();
    for (std::size_t size = 0; size < info.size(); ++size) {
        const Bytes cut{info.begin(), info.begin() + static_cast<std::ptrdiff_t>(size)};
        const auto key = meter_key_from_bytes(cut);
        // A piece with the length of X | Y cannot be told from one: it has no curve of its own.
        CHECK((!key || !key->curve));
    }
    Bytes longer = info;
    longer.push_back(0);
    CHECK_FALSE(meter_key_from_bytes(longer));
    CHECK(error_of(meter_key_from_text("")) == MeterKeyError::unknown_form);
    CHECK(error_of(meter_key_from_text("no key")) == MeterKeyError::unknown_form);
    CHECK(error_of(meter_key_from_text("-----BEGIN PUBLIC KEY-----")) ==
          MeterKeyError::unknown_form);
    CHECK(error_of(meter_key_from_text(std::string(meter_key_text_bytes_max + 1, 'A'))) ==
          MeterKeyError::too_long);
    CHECK(error_of(meter_key_from_text(std::string(meter_key_text_bytes_max, 'A'))) ==
          MeterKeyError::unknown_form);

    // secp521r1, an RSA key's algorithm, and the parameters of a curve spelled out.
    const std::string hex = to_hex(info);
    CHECK(error_of(meter_key_from_text(with(with(hex, "06082a8648ce3d030107", "06052b81040023"),
                                            "3059301306", "3056301006"))) ==
          MeterKeyError::unknown_curve);
    CHECK(error_of(meter_key_from_text(with(hex, "2a8648ce3d0201", "2a864886f70d01"))) ==
          MeterKeyError::unknown_curve);
    CHECK(error_of(meter_key_from_text(with(hex, "06082a8648ce3d0301", "30082a8648ce3d0301"))) ==
          MeterKeyError::unknown_curve);
}

TEST_CASE("algorithms are known by the names of OCMF and their usual variants", "[ocmf]") {
    for (const MeterCurve curve : all_curves) {
        CHECK(curve_of_algorithm(std::string{"ECDSA-"} + to_text(curve) + "-SHA256") == curve);
    }
    CHECK(curve_of_algorithm("ECDSA-brainpoolP256r1-SHA256") == MeterCurve::brainpool256r1);
    CHECK(curve_of_algorithm("ECDSA-brainpoolP384r1-SHA256") == MeterCurve::brainpool384r1);
    for (const char* const other :
         {"", "ECDSA-secp256r1-SHA512", "ECDSA-secp521r1-SHA256", "ecdsa-secp256r1-sha256",
          "ECDSA-secp256r1-SHA256 ", "ECDSA-prime256v1-SHA256", "RSA-2048-SHA256"}) {
        INFO(other);
        CHECK_FALSE(curve_of_algorithm(other));
    }
}

}  // namespace tally::bridge
