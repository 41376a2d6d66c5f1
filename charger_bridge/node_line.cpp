#include "charger_bridge/node_line.h"

#include "node/runtime/logging.h"

#include <optional>
#include <utility>

namespace tally::bridge {

namespace {

node::LinkConfig link_config(const BridgeConfig& config) {
    node::LinkConfig link;
    link.chain_id = config.chain_id;
    link.targets.push_back(
        {config.node_link_key, config.node_address.host, config.node_address.port});
    return link;
}

}  // namespace

LinkedNode::LinkedNode(boost::asio::io_context& io, const BridgeConfig& config, Signer& key,
                       node::Metrics& metrics)
    : m_node{config.node_link_key},
      m_address{config.node_address.host + ':' + std::to_string(config.node_address.port)},
      m_metrics{metrics},
      m_hub{io, link_config(config), key,
            node::LinkHandlers{
                [this](const PublicKey& peer) {
                    node::PeerIdentity identity;
                    identity.link_key = peer;
                    return peer == m_node ? std::optional{identity} : std::nullopt;
                },
                [this](const node::PeerIdentity&) { linked(true); },
                [this](const node::PeerIdentity&) { linked(false); },
                [this](const node::PeerIdentity&, node::FrameKind kind, Bytes body) {
                    received(kind, body);
                },
                [this](const PublicKey&, node::LinkRefusal reason) { not_linked(reason); }}} {}

void LinkedNode::start(Bridge& bridge, EvidenceFeeder& evidence) {
    m_bridge = &bridge;
    m_evidence = &evidence;
    m_hub.start();
}

void LinkedNode::stop() {
    m_bridge = nullptr;
    m_evidence = nullptr;
    m_hub.stop();
}

void LinkedNode::linked(bool is_up) {
    if (m_bridge == nullptr) {
        return;
    }
    if (is_up) {
        m_refused.reset();
        m_bridge->node_connected();
        m_evidence->node_connected();
    } else {
        m_bridge->node_disconnected();
        m_evidence->node_disconnected();
    }
}

void LinkedNode::not_linked(node::LinkRefusal reason) {
    if (m_bridge == nullptr || m_refused == reason) {
        return;
    }
    m_refused = reason;
    const NodeTrouble trouble = trouble_of(reason);
    node::log_warn("node", "not_reached",
                   {{"address", m_address}, {"why", trouble.why}, {"do", trouble.advice}});
    m_bridge->node_not_reached(trouble);
}

bool LinkedNode::send(const node::BridgeMessage& message) {
    return m_hub.send(m_node, node::FrameKind::bridge, node::encode_bridge_message(message));
}

void LinkedNode::send(const node::EvidenceMessage& message) {
    static_cast<void>(m_hub.send(m_node, node::FrameKind::evidence,
                                 node::encode_evidence_message(message), node::feature_evidence));
}

void LinkedNode::received(node::FrameKind kind, const Bytes& body) {
    if (m_bridge != nullptr && !understood(kind, body)) {
        m_metrics.counter("tally_bridge_node_malformed_total", "Frames of the node not understood")
            .add();
        node::log_warn("node", "malformed_message");
    }
}

bool LinkedNode::understood(node::FrameKind kind, const Bytes& body) {
    if (kind == node::FrameKind::evidence) {
        const auto message = node::decode_evidence_message(body);
        if (message) {
            m_evidence->node_said(*message);
        }
        return message.has_value();
    }
    const auto message = node::decode_bridge_message(body);
    if (kind != node::FrameKind::bridge || !message) {
        return false;
    }
    m_bridge->node_said(*message);
    return true;
}

}  // namespace tally::bridge
