#include "node/replica/signature_cache.h"

namespace tally::node {

namespace {

/// Keys of all members now and before; beyond this the table starts anew.
constexpr std::size_t keys_max{4096};

}  // namespace

bool SignatureCache::verify(const Hash& envelope_hash, const PublicKey& key,
                            const Hash& signing_digest, const Signature& signature) {
    if (m_known.contains(Entry{envelope_hash, key})) {
        return true;
    }
    const VerifyKey* parsed_key = parsed(key);
    if (parsed_key == nullptr || !parsed_key->verify(signing_digest, signature)) {
        return false;
    }
    remember(envelope_hash, key);
    return true;
}

void SignatureCache::remember(const Hash& envelope_hash, const PublicKey& key) {
    if (!m_known.emplace(envelope_hash, key).second) {
        return;
    }
    m_order.emplace_back(envelope_hash, key);
    if (m_order.size() > entries_max) {
        m_known.erase(m_order.front());
        m_order.pop_front();
    }
}

const VerifyKey* SignatureCache::parsed(const PublicKey& key) {
    auto found = m_keys.find(key);
    if (found == m_keys.end()) {
        const std::optional<VerifyKey> fresh = VerifyKey::parse(key);
        if (!fresh) {
            return nullptr;
        }
        if (m_keys.size() >= keys_max) {
            m_keys.clear();
        }
        found = m_keys.emplace(key, *fresh).first;
    }
    return &found->second;
}

}  // namespace tally::node
