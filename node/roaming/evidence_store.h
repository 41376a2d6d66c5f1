#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/model/ids.h"

#include <optional>
#include <vector>

namespace tally::node {

/// Evidence of charges by the hash that their records name, and who still has to get it.
///
/// Durability: what `keep` took survives power loss. A store that cannot be read or written stops
/// the process. Threads: one owner.
class EvidenceStore {
public:
    explicit EvidenceStore(KeyValueStore& store) : m_store{store} {}

    struct Named {
        Hash hash;
        AuthorizationRef authorization;
    };
    /// `file` as of node/link/evidence_file.h. `send_to`: a member that does not have it yet.
    void keep(const Named& name, const Bytes& file, const std::optional<PartyId>& send_to);
    [[nodiscard]] bool has(const Hash& hash) const;
    [[nodiscard]] std::optional<Bytes> find(const Hash& hash) const;
    /// In order of the hash, those behind `after` (nothing: from the first on), at most
    /// `count_max`.
    [[nodiscard]] std::vector<Named> list(const std::optional<Hash>& after,
                                          std::size_t count_max) const;

    /// Members that lack something, at most `count_max`.
    [[nodiscard]] std::vector<PartyId> lacking(std::size_t count_max) const;
    /// What one of them lacks, as `list`.
    [[nodiscard]] std::vector<Named> waiting(const PartyId& member,
                                             const std::optional<Hash>& after,
                                             std::size_t count_max) const;
    /// The member has it. Not synced: it can be asked again.
    void sent(const PartyId& member, const Hash& hash);

private:
    [[nodiscard]] std::vector<Named> scan(const Bytes& prefix, const std::optional<Hash>& after,
                                          std::size_t count_max) const;

    KeyValueStore& m_store;
};

}  // namespace tally::node
