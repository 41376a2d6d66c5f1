#include "node/process/node_ports.h"

#include "node/process/peer_book.h"

#include <utility>

namespace tally::node {

const Hash& ReplicaLedgerPort::chain_id() const { return m_replica.ledger().chain_id(); }

const StateView& ReplicaLedgerPort::final_state() const { return m_replica.ledger().final_state(); }

UnixMillis ReplicaLedgerPort::final_time() const { return m_replica.ledger().final_header().time; }

std::uint64_t ReplicaLedgerPort::final_height() const {
    return m_replica.ledger().final_header().height;
}

std::optional<FinalizedBlock> ReplicaLedgerPort::read_block(std::uint64_t height) const {
    return m_replica.ledger().read_block(height);
}

bool ReplicaLedgerPort::submit(Bytes envelope) {
    const GateResult result = m_replica.submit_own(envelope);
    return result == GateResult::added || result == GateResult::already_known;
}

std::optional<ResultCode> ReplicaLedgerPort::find_result(const TransactionRef& ref) const {
    const auto location = m_replica.ledger().find_transaction(ref);
    return location ? std::optional{location->result} : std::nullopt;
}

std::optional<std::uint64_t> ReplicaLedgerPort::find_height(const TransactionRef& ref) const {
    const auto location = m_replica.ledger().find_transaction(ref);
    return location ? std::optional{location->height} : std::nullopt;
}

bool LinkMemberPort::is_connected(const PartyId& member) const {
    return m_links != nullptr && m_links->is_connected(member);
}

bool LinkMemberPort::send(const PartyId& member, Bytes frame, std::uint64_t needs) {
    return m_links != nullptr && m_links->send(member, FrameKind::roaming, std::move(frame), needs);
}

bool LinkBridgePort::send(const std::string& bridge_id, const BridgeMessage& message) {
    const auto key = bridge_key_of(m_replica.ledger().final_state(), m_self, bridge_id);
    return key && m_links != nullptr &&
           m_links->send(*key, FrameKind::bridge, encode_bridge_message(message));
}

bool LinkBridgePort::send_evidence(const std::string& bridge_id, const EvidenceMessage& message) {
    const auto key = bridge_key_of(m_replica.ledger().final_state(), m_self, bridge_id);
    return key && m_links != nullptr &&
           m_links->send(*key, FrameKind::evidence, encode_evidence_message(message),
                         feature_evidence);
}

}  // namespace tally::node
