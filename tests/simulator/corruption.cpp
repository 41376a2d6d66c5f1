#include "tests/simulator/corruption.h"

#include "consensus/wire/wire.h"
#include "ledger/base/check.h"

#include <algorithm>
#include <utility>

namespace tally::simulator {

namespace {

Happening happening_of(ActorKind kind) {
    switch (kind) {
        case ActorKind::equivocator:
            return Happening::equivocator;
        case ActorKind::withholder:
            return Happening::withholder;
        case ActorKind::split_certificates:
            return Happening::split_certificates;
        case ActorKind::late_leader:
            return Happening::late_leader;
        case ActorKind::impersonator:
            return Happening::impersonator;
        case ActorKind::nullify_and_finalize:
            return Happening::nullify_and_finalize;
        case ActorKind::flooder:
            return Happening::flooder;
        case ActorKind::lying_sync_peer:
            return Happening::lying_sync_peer;
        case ActorKind::invariant_breaker:
            return Happening::invariant_breaker;
        case ActorKind::hostile_leader:
            return Happening::hostile_leader;
    }
    return Happening::count_;
}

}  // namespace

SimNode::Corruption::Corruption(SimNode& node, consensus::Application& application,
                                consensus::Driver& driver)
    : m_node{node}, m_application{application}, m_driver{driver}, m_random{node.m_random.fork()} {
    renew();
    m_actor = make_actor(*node.m_actor_kind, *this);
    if (node.m_silenced) {
        m_actor->silence();
    }
}

SimNode::Corruption::~Corruption() {
    m_node.m_world.coverage.add(happening_of(*m_node.m_actor_kind), m_actor->deeds());
}

/// Follows the follower into its epoch and view.
void SimNode::Corruption::renew() {
    m_view = m_driver.status().view;
    consensus::EpochInfo epoch = m_application.epoch();
    if (m_leaders && epoch == m_epoch) {
        return;
    }
    m_epoch = std::move(epoch);
    const auto& own_keys = m_node.m_world.kind.public_keys();
    m_keys.clear();
    m_self.reset();
    for (std::size_t i = 0; i < m_epoch.validators.size(); ++i) {
        const std::optional<VerifyKey> key = VerifyKey::parse(m_epoch.validators[i].key);
        ENSURE(key.has_value());
        m_keys.push_back(*key);
        if (m_epoch.validators[i].key == own_keys[m_node.m_index]) {
            m_self = static_cast<consensus::ValidatorIndex>(i);
        }
    }
    m_leaders.emplace(m_node.m_world.kind.chain_id(), m_epoch.epoch, m_epoch.previous_seal,
                      m_keys.size());
}

bool SimNode::Corruption::hears(NodeIndex from, const FramePtr& frame) {
    renew();
    return !frame->message || m_actor->received(from, *frame->message);
}

bool SimNode::Corruption::lets_out(NodeIndex to, const consensus::Message& message) {
    return m_actor->is_silent() || m_actor->sending(to, message);
}

void SimNode::Corruption::turn() {
    renew();
    m_actor->turn();
}

std::size_t SimNode::Corruption::machines() const { return m_node.m_world.kind.keys().size(); }

Signature SimNode::Corruption::sign(const VoteStatement& statement, const Hash& chain_id) {
    return m_node.m_world.signatures.sign(m_node.m_world.kind.keys()[m_node.m_index],
                                          m_node.m_world.kind.public_keys()[m_node.m_index],
                                          statement.signing_digest(chain_id));
}

bool SimNode::Corruption::holds(const QuorumCertificate& certificate) {
    if (certificate.statement.epoch != m_epoch.epoch ||
        certificate.signatures.size() < quorum(m_keys.size())) {
        return false;
    }
    const Hash digest = certificate.statement.signing_digest(kind().chain_id());
    std::size_t next{0};
    for (std::size_t signer = 0; signer < 64; ++signer) {
        if ((certificate.bitmap >> signer & 1U) == 0) {
            continue;
        }
        if (signer >= m_keys.size() || next >= certificate.signatures.size() ||
            !m_node.m_world.signatures.check(m_keys[signer], digest,
                                             certificate.signatures[next])) {
            return false;
        }
        ++next;
    }
    return next == certificate.signatures.size();
}

void SimNode::Corruption::send(NodeIndex to, const consensus::Message& message) {
    send_bytes(to, consensus::encode_message(message));
}

void SimNode::Corruption::send_bytes(NodeIndex to, Bytes bytes) {
    const std::optional<consensus::PeerId> peer = m_node.m_network->peer_id(m_node.m_index, to);
    if (!peer || m_node.m_doomed) {
        return;
    }
    const FramePtr frame = m_node.frame_of(std::move(bytes));
    m_node.watch_corrupt(*frame);
    m_node.m_network->send(m_node.m_index, *peer, frame);
}

void SimNode::Corruption::later(SimTime delay, std::function<void()> action) {
    m_node.m_world.scheduler.after(
        delay, [node = &m_node, incarnation = m_node.m_incarnation, action = std::move(action)] {
            if (node->m_incarnation == incarnation) {
                node->turn([action](Process&) { action(); });
            }
        });
}

}  // namespace tally::simulator
