#include "node/process/peer_book.h"

namespace tally::node {

std::optional<PeerIdentity> identify_peer(const StateView& state, const PartyId& self,
                                          const PublicKey& link_key) {
    for (const MemberRecord& record : list_members(state)) {
        if (record.member.link_key == link_key) {
            if (record.member.party == self) {
                return std::nullopt;
            }
            return PeerIdentity{link_key, record.member.party, ""};
        }
    }
    for (const BridgeEntry& entry : list_bridges(state, self, bridges_listed_max)) {
        if (entry.bridge.public_key == link_key) {
            return PeerIdentity{link_key, std::nullopt, entry.bridge_id};
        }
    }
    return std::nullopt;
}

std::optional<PublicKey> link_key_of(const StateView& state, const PartyId& member) {
    const std::optional<MemberRecord> record = find_member(state, member);
    return record ? std::optional{record->member.link_key} : std::nullopt;
}

std::optional<PublicKey> bridge_key_of(const StateView& state, const PartyId& owner,
                                       const std::string& bridge_id) {
    const std::optional<BridgeRecord> record = find_bridge(state, owner, bridge_id);
    return record && !record->revoked ? std::optional{record->public_key} : std::nullopt;
}

}  // namespace tally::node
