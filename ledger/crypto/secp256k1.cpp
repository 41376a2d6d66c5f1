#include "ledger/crypto/secp256k1.h"

#include "ledger/base/check.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include <cstring>

namespace tally {

namespace {

static_assert(sizeof(secp256k1_pubkey) == 64);

/// One for the process. Never changed after it is made, so every thread may use it. Not blinded:
/// blinding needs randomness of its own and the multiplications are constant-time already.
const secp256k1_context* context() {
    static const secp256k1_context* const made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    ENSURE(made != nullptr);
    return made;
}

std::optional<secp256k1_pubkey> parse_point(const PublicKey& key) {
    secp256k1_pubkey point{};
    if (secp256k1_ec_pubkey_parse(context(), &point, key.data.data(), key.data.size()) != 1) {
        return std::nullopt;
    }
    return point;
}

}  // namespace

std::optional<VerifyKey> VerifyKey::parse(const PublicKey& key) {
    const std::optional<secp256k1_pubkey> point = parse_point(key);
    if (!point) {
        return std::nullopt;
    }
    VerifyKey result;
    result.m_public = key;
    std::memcpy(result.m_parsed.data.data(), point->data, sizeof(point->data));
    return result;
}

bool VerifyKey::verify(const Hash& digest, const Signature& signature) const {
    secp256k1_ecdsa_signature parsed{};
    // Refuses r or s at or above the group order; verification refuses zero and high s.
    if (secp256k1_ecdsa_signature_parse_compact(context(), &parsed, signature.data.data()) != 1) {
        return false;
    }
    secp256k1_pubkey point{};
    std::memcpy(point.data, m_parsed.data.data(), sizeof(point.data));
    return secp256k1_ecdsa_verify(context(), &parsed, digest.data.data(), &point) == 1;
}

bool verify_signature(const PublicKey& key, const Hash& digest, const Signature& signature) {
    const std::optional<VerifyKey> parsed = VerifyKey::parse(key);
    return parsed && parsed->verify(digest, signature);
}

Signature sign_digest(const SecretKey& key, const Hash& digest) {
    secp256k1_ecdsa_signature made{};
    ENSURE(secp256k1_ecdsa_sign(context(), &made, digest.data.data(), key.data.data(),
                                secp256k1_nonce_function_rfc6979, nullptr) == 1);
    Signature result;
    secp256k1_ecdsa_signature_serialize_compact(context(), result.data.data(), &made);
    return result;
}

bool is_valid_secret(const SecretKey& key) {
    return secp256k1_ec_seckey_verify(context(), key.data.data()) == 1;
}

PublicKey public_key_of(const SecretKey& key) {
    secp256k1_pubkey point{};
    ENSURE(secp256k1_ec_pubkey_create(context(), &point, key.data.data()) == 1);
    PublicKey result;
    std::size_t length{result.data.size()};
    ENSURE(secp256k1_ec_pubkey_serialize(context(), result.data.data(), &length, &point,
                                         SECP256K1_EC_COMPRESSED) == 1);
    return result;
}

SecretKey generate_secret(Random& random) {
    SecretKey key = random.fixed<SecretKey>();
    while (!is_valid_secret(key)) {
        key = random.fixed<SecretKey>();
    }
    return key;
}

std::optional<Hash> ecdh(const SecretKey& secret, const PublicKey& key) {
    const std::optional<secp256k1_pubkey> point = parse_point(key);
    if (!point) {
        return std::nullopt;
    }
    Hash shared;
    ENSURE(secp256k1_ecdh(context(), shared.data.data(), &*point, secret.data.data(),
                          secp256k1_ecdh_hash_function_sha256, nullptr) == 1);
    return shared;
}

}  // namespace tally
