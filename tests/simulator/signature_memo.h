#pragma once

#include "consensus/driver/ports.h"
#include "ledger/crypto/signer.h"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace tally::simulator {

/// How the votes of one world are signed and checked.
///
/// `real`: ECDSA; as each node of a cluster checks the same signatures, verdicts are remembered,
/// those of signatures that a MemoSigner made count as known (one in `sampled` is checked all the
/// same). `stand_in`: 64 bytes of SHA-256 over key and digest, several times cheaper; consensus is
/// given the check as a function and cannot tell. Nobody in a world forges them.
class SignatureMemo {
public:
    enum class Scheme : std::uint8_t { real, stand_in };
    /// Verdicts kept; then all are forgotten.
    static constexpr std::size_t verdicts_max{100'000};
    static constexpr std::uint64_t sampled{64};

    explicit SignatureMemo(Scheme scheme) : m_scheme{scheme} {}

    [[nodiscard]] Signature sign(const SecretKey& secret, const PublicKey& key, const Hash& digest);
    [[nodiscard]] bool check(const VerifyKey& key, const Hash& digest, const Signature& signature);
    /// For `DriverPorts::check_signature`; must not outlive this.
    [[nodiscard]] consensus::SignatureCheck checker();

private:
    struct Claim {
        PublicKey key;
        Hash digest;
        Signature signature;
        friend bool operator==(const Claim&, const Claim&) = default;
    };
    struct ClaimHash {
        [[nodiscard]] std::size_t operator()(const Claim& claim) const noexcept;
    };

    void keep(const Claim& claim, bool holds);

    Scheme m_scheme;
    std::unordered_map<Claim, bool, ClaimHash> m_verdicts;
    std::uint64_t m_made{0};
};

/// A validator's key as one process of it uses it.
class MemoSigner final : public Signer {
public:
    MemoSigner(const SecretKey& secret, const PublicKey& key, SignatureMemo& memo)
        : m_secret{secret}, m_public{key}, m_memo{memo} {}
    [[nodiscard]] const PublicKey& public_key() const override { return m_public; }
    [[nodiscard]] Signature sign(const Hash& digest) override {
        return m_memo.sign(m_secret, m_public, digest);
    }

private:
    SecretKey m_secret;
    PublicKey m_public;
    SignatureMemo& m_memo;
};

}  // namespace tally::simulator
