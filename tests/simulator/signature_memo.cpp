#include "tests/simulator/signature_memo.h"

#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <cstring>

namespace tally::simulator {

namespace {

Signature stand_in(const PublicKey& key, const Hash& digest) {
    const Hash first = sha256(key.view(), digest.view());
    const Hash second = sha256(digest.view(), first.view());
    Signature signature;
    std::copy(first.data.begin(), first.data.end(), signature.data.begin());
    std::copy(second.data.begin(), second.data.end(), signature.data.begin() + 32);
    return signature;
}

}  // namespace

std::size_t SignatureMemo::ClaimHash::operator()(const Claim& claim) const noexcept {
    // Signatures and digests are as good as random already.
    std::uint64_t part{0};
    std::memcpy(&part, claim.signature.data.data() + 8, sizeof part);
    std::uint64_t other{0};
    std::memcpy(&other, claim.digest.data.data(), sizeof other);
    return static_cast<std::size_t>(part ^ (other << 1U));
}

void SignatureMemo::keep(const Claim& claim, bool holds) {
    if (m_verdicts.size() >= verdicts_max) {
        m_verdicts.clear();
    }
    m_verdicts.emplace(claim, holds);
}

bool SignatureMemo::check(const VerifyKey& key, const Hash& digest, const Signature& signature) {
    if (m_scheme == Scheme::stand_in) {
        return signature == stand_in(key.public_key(), digest);
    }
    const Claim claim{key.public_key(), digest, signature};
    const auto known = m_verdicts.find(claim);
    if (known != m_verdicts.end()) {
        return known->second;
    }
    const bool holds = key.verify(digest, signature);
    keep(claim, holds);
    return holds;
}

Signature SignatureMemo::sign(const SecretKey& secret, const PublicKey& key, const Hash& digest) {
    if (m_scheme == Scheme::stand_in) {
        return stand_in(key, digest);
    }
    const Signature signature = sign_digest(secret, digest);
    if (++m_made % sampled != 0) {
        keep({key, digest, signature}, true);
    }
    return signature;
}

consensus::SignatureCheck SignatureMemo::checker() {
    return [this](const VerifyKey& key, const Hash& digest, const Signature& signature) {
        return check(key, digest, signature);
    };
}

}  // namespace tally::simulator
