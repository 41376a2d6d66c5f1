#pragma once

#include "ledger/crypto/secp256k1.h"

#include <string_view>

namespace tally {

/// Bytes that a sealed box adds to its content: ephemeral key 33, nonce 12, tag 16.
inline constexpr std::size_t sealed_box_overhead{33 + 12 + 16};

/// Encrypts `content` so that only the owner of `recipient` can read it: ephemeral ECDH on
/// secp256k1, HKDF-SHA-256 (RFC 5869; salt = ephemeral key | recipient key, info = `purpose`),
/// AES-256-GCM with `context` as associated data. Nothing when `recipient` is not on the curve.
[[nodiscard]] std::optional<Bytes> seal(const PublicKey& recipient, std::string_view purpose,
                                        ByteView context, ByteView content, Random& random);

/// Opens what `seal` made with the same purpose and context. Nothing on any difference.
[[nodiscard]] std::optional<Bytes> open_sealed(const SecretKey& secret, std::string_view purpose,
                                               ByteView context, ByteView box);

}  // namespace tally
