#pragma once

#include "ledger/chain/executor.h"

#include <deque>
#include <map>
#include <set>
#include <utility>

namespace tally::node {

/// Remembers which envelope signatures were found right on arrival, so that execution does not pay
/// for them again. An entry says "this envelope verifies under this key"; a rotated key is another
/// entry. What is not remembered is verified on the spot, so the answer never depends on the cache.
/// Bounded; forgets the oldest. One thread: the loop's.
class SignatureCache final : public SignatureChecker {
public:
    static constexpr std::size_t entries_max{262'144};

    [[nodiscard]] bool verify(const Hash& envelope_hash, const PublicKey& key,
                              const Hash& signing_digest, const Signature& signature) override;
    /// A signature that was verified elsewhere (the pool) or made here.
    void remember(const Hash& envelope_hash, const PublicKey& key);
    /// The parsed form of a key, kept for the next time; nothing when it is not on the curve.
    [[nodiscard]] const VerifyKey* parsed(const PublicKey& key);

private:
    using Entry = std::pair<Hash, PublicKey>;
    std::set<Entry> m_known;
    std::deque<Entry> m_order;
    std::map<PublicKey, VerifyKey> m_keys;
};

}  // namespace tally::node
