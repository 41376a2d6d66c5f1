#pragma once

#include "charger_bridge/bridge.h"
#include "charger_bridge/evidence_feeder.h"
#include "node/link/link.h"

#include <optional>
#include <string>

namespace tally::bridge {

/// The authenticated link to the operator's node: dials, keeps connected, hands messages over.
/// What does not decode ends up in a metric and the log; the node is trusted no further than that.
/// Why it cannot be reached is logged when it changes, not at each attempt.
class LinkedNode final : public NodeLine {
public:
    LinkedNode(boost::asio::io_context& io, const BridgeConfig& config, Signer& key,
               node::Metrics& metrics);
    /// Starts dialing; until `stop`, `bridge` and `evidence` hear of the link and must
    /// live.
    void start(Bridge& bridge, EvidenceFeeder& evidence);
    void stop();
    bool send(const node::BridgeMessage& message) override;
    /// Dropped when the link is down or crowded; its sender repeats it.
    void send(const node::EvidenceMessage& message);

private:
    void linked(bool is_up);
    void not_linked(node::LinkRefusal reason);
    void received(node::FrameKind kind, const Bytes& body);
    [[nodiscard]] bool understood(node::FrameKind kind, const Bytes& body);

    PublicKey m_node;
    std::string m_address;
    std::optional<node::LinkRefusal> m_refused;  ///< last, since the link was up
    node::Metrics& m_metrics;
    Bridge* m_bridge{nullptr};
    EvidenceFeeder* m_evidence{nullptr};
    node::LinkHub m_hub;
};

}  // namespace tally::bridge
