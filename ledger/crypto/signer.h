#pragma once

#include "ledger/crypto/secp256k1.h"

namespace tally {

/// Something that can sign with one key it does not show: a key file now, an HSM later.
/// May block; deterministic (RFC 6979), because votes are compared bytewise.
class Signer {
public:
    virtual ~Signer() = default;
    [[nodiscard]] virtual const PublicKey& public_key() const = 0;
    [[nodiscard]] virtual Signature sign(const Hash& digest) = 0;
};

/// Signs with a key held in memory.
class KeySigner final : public Signer {
public:
    explicit KeySigner(const SecretKey& secret)
        : m_secret{secret}, m_public{public_key_of(secret)} {}
    [[nodiscard]] const PublicKey& public_key() const override { return m_public; }
    [[nodiscard]] Signature sign(const Hash& digest) override {
        return sign_digest(m_secret, digest);
    }

private:
    SecretKey m_secret;
    PublicKey m_public;
};

}  // namespace tally
