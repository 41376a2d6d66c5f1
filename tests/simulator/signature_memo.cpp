#include "tests/simulator/signature_memo.h"

#include <cstring>
#include <utility>

namespace tally::simulator {

std::size_t SignatureMemo::ClaimHash::operator()(const Claim& claim) const noexcept {
    // Signatures and digests are as good as random already.
    std::uint64_t part{0};
    std::memcpy(&part, claim.signature.data.data() + 8, sizeof part);
    std::uint64_t other{0};
    std::memcpy(&other, claim.digest.data.data(), sizeof other);
    return static_cast<std::size_t>(part ^ (other << 1U));
}

void SignatureMemo::keep(Claim claim, bool holds) {
    if (m_verdicts.size() >= verdicts_max) {
        m_verdicts.clear();
    }
    m_verdicts.emplace(std::move(claim), holds);
}

bool SignatureMemo::check(const VerifyKey& key, const Hash& digest, const Signature& signature) {
    const Claim claim{key.public_key(), digest, signature};
    const auto known = m_verdicts.find(claim);
    if (known != m_verdicts.end()) {
        return known->second;
    }
    const bool holds = key.verify(digest, signature);
    keep(claim, holds);
    return holds;
}

void SignatureMemo::note_made(const PublicKey& key, const Hash& digest,
                              const Signature& signature) {
    if (++m_made % sampled != 0) {
        keep({key, digest, signature}, true);
    }
}

consensus::SignatureCheck SignatureMemo::checker() {
    return [this](const VerifyKey& key, const Hash& digest, const Signature& signature) {
        return check(key, digest, signature);
    };
}

Signature MemoSigner::sign(const Hash& digest) {
    const Signature signature = m_signer.sign(digest);
    m_memo.note_made(public_key(), digest, signature);
    return signature;
}

}  // namespace tally::simulator
