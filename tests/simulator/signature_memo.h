#pragma once

#include "consensus/driver/ports.h"
#include "ledger/crypto/signer.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>

namespace tally::simulator {

/// What is known about votes' signatures in one world. Each node of a cluster checks the same
/// signatures; computing each once makes a seed several times cheaper and changes no decision.
///
/// Signatures made by a `MemoSigner` count as known to hold; one in `sampled` of them is checked
/// all the same. Anything else (forged, altered) is checked in earnest when it is first seen.
class SignatureMemo {
public:
    /// Verdicts kept; then all are forgotten.
    static constexpr std::size_t verdicts_max{100'000};
    static constexpr std::uint64_t sampled{64};

    [[nodiscard]] bool check(const VerifyKey& key, const Hash& digest, const Signature& signature);
    void note_made(const PublicKey& key, const Hash& digest, const Signature& signature);
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

    void keep(Claim claim, bool holds);

    std::unordered_map<Claim, bool, ClaimHash> m_verdicts;
    std::uint64_t m_made{0};
};

/// Signs as KeySigner does and tells the memo.
class MemoSigner final : public Signer {
public:
    MemoSigner(const SecretKey& key, SignatureMemo& memo) : m_signer{key}, m_memo{memo} {}
    [[nodiscard]] const PublicKey& public_key() const override { return m_signer.public_key(); }
    [[nodiscard]] Signature sign(const Hash& digest) override;

private:
    KeySigner m_signer;
    SignatureMemo& m_memo;
};

}  // namespace tally::simulator
