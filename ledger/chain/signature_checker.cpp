#include "ledger/base/codec.h"
#include "ledger/chain/executor.h"
#include "ledger/crypto/sha256.h"

namespace tally {
namespace {

/// Parsed keys that are kept; beyond it all are forgotten and parsed again. A member may register
/// bridge after bridge, so the number of keys has no bound of its own.
constexpr std::size_t parsed_keys_max{4096};

}  // namespace

Hash metered_check_name(const Hash& digest, const Signature& signature) {
    Encoder encoder;
    encoder.fixed(digest).fixed(signature);
    return tagged_hash("tally/metered-check/v1", encoder.bytes());
}

bool DirectSignatureChecker::verify(const Hash& /*envelope_hash*/, const PublicKey& key,
                                    const Hash& signing_digest, const Signature& signature) {
    auto parsed = m_keys.find(key);
    if (parsed == m_keys.end()) {
        const std::optional<VerifyKey> fresh = VerifyKey::parse(key);
        if (!fresh) {
            return false;
        }
        if (m_keys.size() >= parsed_keys_max) {
            m_keys.clear();
        }
        parsed = m_keys.emplace(key, *fresh).first;
    }
    return parsed->second.verify(signing_digest, signature);
}

}  // namespace tally
