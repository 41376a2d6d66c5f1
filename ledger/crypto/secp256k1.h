#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/random.h"

#include <memory>
#include <optional>

namespace tally {

/// A point on secp256k1, compressed (02 or 03, then X). Not yet known to be on the curve.
using PublicKey = FixedBytes<33, struct PublicKeyTag>;
/// ECDSA signature, r then s, 32 bytes each, big-endian, s in the lower half.
using Signature = FixedBytes<64, struct SignatureTag>;
/// A secret scalar. Never printed, logged or put on the ledger.
using SecretKey = FixedBytes<32, struct SecretKeyTag>;

/// A public key that was parsed and is on the curve. Parsing costs about a square root, so keys
/// that verify often are kept in this form. Cheap to copy; immutable, so safe from any thread.
class VerifyKey {
public:
    /// Nothing when the bytes are not a point of the curve.
    [[nodiscard]] static std::optional<VerifyKey> parse(const PublicKey& key);

    /// Whether `signature` is this key's over `digest`. High-S signatures are refused (BIP 62), as
    /// are r or s of zero or not below the group order. Thread safe.
    [[nodiscard]] bool verify(const Hash& digest, const Signature& signature) const;
    [[nodiscard]] const PublicKey& public_key() const noexcept { return m_public; }

private:
    VerifyKey() = default;
    PublicKey m_public;
    FixedBytes<64, struct ParsedKeyTag> m_parsed;  // secp256k1_pubkey, opaque
};

/// Parses and verifies in one go, for keys seen once.
[[nodiscard]] bool verify_signature(const PublicKey& key, const Hash& digest,
                                    const Signature& signature);

/// Signs with an RFC 6979 nonce: the same key and digest always give the same bytes. Low-S.
/// `key` must be valid, see `is_valid_secret`.
[[nodiscard]] Signature sign_digest(const SecretKey& key, const Hash& digest);

[[nodiscard]] bool is_valid_secret(const SecretKey& key);
[[nodiscard]] PublicKey public_key_of(const SecretKey& key);
[[nodiscard]] SecretKey generate_secret(Random& random);
/// SHA-256 of the compressed shared point, as secp256k1_ecdh gives it by default.
/// Nothing when `key` is not a point of the curve.
[[nodiscard]] std::optional<Hash> ecdh(const SecretKey& secret, const PublicKey& key);

}  // namespace tally
