#pragma once

#include "ledger/base/clock.h"
#include "ledger/base/key_value_store.h"
#include "node/link/evidence_sender.h"
#include "node/runtime/metrics.h"

#include <functional>

namespace tally::bridge {

/// Sees that the operator's node gets the texts of every charge that ended, also of those that
/// ended while it was away. What waits is on disk; it is forgotten when the node has said that the
/// texts are on its disk. Threads: one, the bridge's.
class EvidenceFeeder {
public:
    /// All must outlive the feeder.
    struct Parts {
        KeyValueStore& store;
        const Clock& clock;
        node::Metrics& metrics;
        std::function<void(const node::EvidenceMessage&)> send;
        std::function<void()> storage_failed;
    };
    explicit EvidenceFeeder(Parts parts);

    /// Several times a second.
    void tick();
    void node_connected();
    void node_disconnected() { m_is_connected = false; }
    /// Only answers are expected; anything else is counted.
    void node_said(const node::EvidenceMessage& message);

private:
    [[nodiscard]] std::vector<node::WaitingEvidence> waiting(const std::optional<Hash>& after,
                                                             std::size_t count_max);
    [[nodiscard]] std::optional<Bytes> file_of(const Hash& hash);
    void forget(const std::vector<Hash>& hashes);
    void fail();
    [[nodiscard]] std::chrono::milliseconds now() const;

    Parts m_parts;
    node::EvidenceSender m_sender;
    bool m_is_connected{false};
    bool m_has_failed{false};
};

}  // namespace tally::bridge
