#pragma once

#include "ledger/state/queries.h"
#include "node/link/link.h"

#include <optional>
#include <string>

namespace tally::node {

/// Who a link key belongs to, by the last final state: a member of the network, or a bridge that
/// this node's operator registered. Nothing for strangers. `self` is not admitted as a member.
[[nodiscard]] std::optional<PeerIdentity> identify_peer(const StateView& state, const PartyId& self,
                                                        const PublicKey& link_key);

/// The link key of a member; nothing when there is no such member.
[[nodiscard]] std::optional<PublicKey> link_key_of(const StateView& state, const PartyId& member);
/// The link key of one of `owner`'s bridges.
[[nodiscard]] std::optional<PublicKey> bridge_key_of(const StateView& state, const PartyId& owner,
                                                     const std::string& bridge_id);

}  // namespace tally::node
