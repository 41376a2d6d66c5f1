#include "ledger/crypto/secp256k1.h"

#include "ledger/crypto/sha256.h"
#include "ledger/crypto/signer.h"
#include "tests/ledger/base/seeded_random.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

constexpr const char* group_order{
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"};

SecretKey secret(std::uint8_t number) {
    SecretKey key;
    key.data.back() = number;
    return key;
}

/// The same signature with s replaced by n - s: valid for plain ECDSA, refused here.
Signature with_high_s(const Signature& signature) {
    const Hash order = *fixed_from_hex<Hash>(group_order);
    Signature result = signature;
    int borrow{0};
    for (std::size_t i = 32; i > 0; --i) {
        const int difference = order.data[i - 1] - signature.data[31 + i] - borrow;
        borrow = difference < 0 ? 1 : 0;
        result.data[31 + i] = static_cast<std::uint8_t>(difference + 256 * borrow);
    }
    return result;
}

}  // namespace

TEST_CASE("signing is RFC 6979 with the published results", "[ecdsa]") {
    CHECK(to_hex(sign_digest(secret(1), sha256(as_bytes("Satoshi Nakamoto")))) ==
          "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
          "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
    CHECK(to_hex(sign_digest(
              secret(1), sha256(as_bytes("All those moments will be lost in time, like tears in "
                                         "rain. Time to die...")))) ==
          "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
          "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21");
    CHECK(to_hex(public_key_of(secret(1))) ==
          "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
}

TEST_CASE("a signature verifies for its key and digest and for nothing else", "[ecdsa]") {
    test::SeededRandom random{1};
    for (int round = 0; round < 20; ++round) {
        const SecretKey key = generate_secret(random);
        const VerifyKey verifier = *VerifyKey::parse(public_key_of(key));
        const Hash digest = random.fixed<Hash>();
        const Signature signature = sign_digest(key, digest);
        CHECK(verifier.verify(digest, signature));
        CHECK(verify_signature(public_key_of(key), digest, signature));
        CHECK_FALSE(verifier.verify(random.fixed<Hash>(), signature));
        const PublicKey other = public_key_of(generate_secret(random));
        CHECK_FALSE(verify_signature(other, digest, signature));
    }
}

TEST_CASE("no bit of a signature, digest or key may differ", "[ecdsa]") {
    const SecretKey key = secret(42);
    const Hash digest = sha256(as_bytes("message"));
    const Signature signature = sign_digest(key, digest);
    const VerifyKey verifier = *VerifyKey::parse(public_key_of(key));
    for (std::size_t bit = 0; bit < Signature::size * 8; ++bit) {
        Signature changed = signature;
        changed.data[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        CHECK_FALSE(verifier.verify(digest, changed));
    }
    for (std::size_t bit = 0; bit < Hash::size * 8; ++bit) {
        Hash changed = digest;
        changed.data[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        CHECK_FALSE(verifier.verify(changed, signature));
    }
    for (std::size_t bit = 0; bit < PublicKey::size * 8; ++bit) {
        PublicKey changed = public_key_of(key);
        changed.data[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        CHECK_FALSE(verify_signature(changed, digest, signature));
    }
}

TEST_CASE("the other half of an ECDSA signature is refused", "[ecdsa]") {
    const Hash digest = sha256(as_bytes("message"));
    const Signature signature = sign_digest(secret(42), digest);
    const Signature high = with_high_s(signature);
    CHECK(with_high_s(high) == signature);
    CHECK_FALSE(verify_signature(public_key_of(secret(42)), digest, high));
}

TEST_CASE("r and s of zero or not below the group order are refused", "[ecdsa]") {
    const Hash digest = sha256(as_bytes("message"));
    const PublicKey key = public_key_of(secret(42));
    const Hash order = *fixed_from_hex<Hash>(group_order);
    for (const bool is_r : {true, false}) {
        for (const Hash& value : {Hash{}, order}) {
            Signature changed = sign_digest(secret(42), digest);
            std::copy(value.data.begin(), value.data.end(), changed.data.begin() + (is_r ? 0 : 32));
            CHECK_FALSE(verify_signature(key, digest, changed));
        }
    }
}

TEST_CASE("keys off the curve and of other forms are refused", "[ecdsa]") {
    CHECK_FALSE(VerifyKey::parse(PublicKey{}));
    PublicKey key = public_key_of(secret(1));
    key.data[0] = 0x04;
    CHECK_FALSE(VerifyKey::parse(key));
    PublicKey beyond;
    beyond.data.fill(0xff);
    beyond.data[0] = 0x02;
    CHECK_FALSE(VerifyKey::parse(beyond));
    PublicKey off_curve;
    off_curve.data[0] = 0x02;
    off_curve.data.back() = 5;  // No point has X = 5.
    CHECK_FALSE(VerifyKey::parse(off_curve));
    CHECK_FALSE(ecdh(secret(1), off_curve));
    CHECK_FALSE(verify_signature(off_curve, Hash{}, Signature{}));
}

TEST_CASE("a secret is above zero and below the group order", "[ecdsa]") {
    CHECK_FALSE(is_valid_secret(SecretKey{}));
    CHECK(is_valid_secret(secret(1)));
    CHECK_FALSE(is_valid_secret(*fixed_from_hex<SecretKey>(group_order)));
}

TEST_CASE("both ends of a key agreement get the same secret", "[ecdsa]") {
    test::SeededRandom random{2};
    const SecretKey left = generate_secret(random);
    const SecretKey right = generate_secret(random);
    CHECK(ecdh(left, public_key_of(right)) == ecdh(right, public_key_of(left)));
    CHECK(ecdh(left, public_key_of(right)) != ecdh(left, public_key_of(left)));
    // Secret 1: the shared point is the other's key itself.
    const PublicKey key = public_key_of(right);
    CHECK(ecdh(secret(1), key) == sha256(key.view()));
}

TEST_CASE("a key signer signs with the key it shows", "[ecdsa]") {
    KeySigner signer{secret(9)};
    const Hash digest = sha256(as_bytes("x"));
    CHECK(verify_signature(signer.public_key(), digest, signer.sign(digest)));
    CHECK(signer.sign(digest) == signer.sign(digest));
}

}  // namespace tally
