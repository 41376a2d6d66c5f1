#pragma once

#include "node/link/evidence_receiver.h"
#include "node/link/evidence_sender.h"
#include "node/roaming/evidence_store.h"
#include "node/roaming/roaming_context.h"

#include <map>
#include <optional>
#include <string>

namespace tally::node {

/// Home operators that evidence is sent to at the same time.
inline constexpr std::size_t evidence_homes_max{512};

/// The evidence of charges at this member: as visited operator it takes it from its bridges and
/// sees that the home operators get it, as home operator it takes it from the visited ones. Taken
/// is only what has the hash that the final record of the charge names. Without a store (the hub
/// keeps none) everything is answered `unknown`.
///
/// Durability: `kept` is said when the file is synced. Threads: the service's.
class EvidenceDesk {
public:
    EvidenceDesk(RoamingContext& context, KeyValueStore* store);

    void on_bridge(const std::string& bridge_id, const EvidenceMessage& message);
    void on_member(const PartyId& from, const EvidenceMessage& message);
    void on_connected(const PartyId& member);
    void tick();

    /// Null when this member keeps none.
    [[nodiscard]] const EvidenceStore* store() const { return m_store ? &*m_store : nullptr; }

private:
    using Wanted = EvidenceReceiver::Wanted;
    [[nodiscard]] Wanted judge(const EvidenceOffer& offer, const PartyId& visited) const;
    [[nodiscard]] bool is_recorded(const EvidenceOffer& offer, const PartyId& visited) const;
    /// Whether that transaction charges by it.
    [[nodiscard]] bool is_named(const TransactionRef& ref, const EvidenceOffer& offer) const;
    [[nodiscard]] std::optional<EvidenceAnswer> take(EvidenceReceiver& receiver,
                                                     const std::string& peer,
                                                     const EvidenceMessage& message);
    void on_answer(const PartyId& from, const EvidenceAnswer& answer);
    [[nodiscard]] EvidenceSender& sender_to(const PartyId& home);
    void send(const PartyId& to, EvidenceMessage message);
    [[nodiscard]] std::chrono::milliseconds now() const;

    RoamingContext& m_context;
    std::optional<EvidenceStore> m_store;
    EvidenceReceiver m_from_bridges;
    EvidenceReceiver m_from_members;
    std::map<PartyId, EvidenceSender> m_senders;
    std::chrono::milliseconds m_next_look{0};
};

}  // namespace tally::node
