#pragma once

// Which charges' texts the operator's node does not have yet.

#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"

#include <optional>
#include <vector>

namespace tally::bridge {

/// A charge that the ledger has no record of after so long gets none: its texts stay here only.
inline constexpr UnixMillis evidence_to_send_ms_max{90LL * 24 * 3600 * 1000};

struct EvidenceToSend {
    Hash hash;
    AuthorizationRef authorization;
    UnixMillis ended{0};
};

/// With the charge's end, in the same write.
void put_evidence_to_send(WriteBatch& batch, const Session& session);
void erase_evidence_to_send(WriteBatch& batch, const Hash& hash);
/// In order of the hash, those behind `after` (nothing: from the first on), at most `count_max`.
[[nodiscard]] Expected<std::vector<EvidenceToSend>, StoreError> list_evidence_to_send(
    const KeyValueStore& store, const std::optional<Hash>& after, std::size_t count_max);

}  // namespace tally::bridge
