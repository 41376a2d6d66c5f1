#include "tests/simulator/sim_join.h"

#include "consensus/wire/wire.h"

#include <fmt/format.h>

#include <utility>

namespace tally::simulator {

namespace {

constexpr SimTime tick_interval{100'000};

}  // namespace

SimNode::Joining::Joining(SimNode& node, std::unique_ptr<SimImport> import)
    : m_node{node},
      m_import{std::move(import)},
      m_client{*node.m_join_options, m_import->sink(), node.m_clock.monotonic()} {
    tick_later();
}

void SimNode::Joining::tick_later() {
    m_node.m_world.scheduler.after(
        tick_interval, [node = &m_node, incarnation = m_node.m_incarnation] {
            if (node->m_incarnation == incarnation) {
                node->join_turn([](Joining& joining) { joining.tick(); });
            }
        });
}

void SimNode::Joining::tick() {
    carry_out(m_client.on_tick(m_node.m_clock.monotonic()));
    if (!m_done) {
        tick_later();
    }
}

void SimNode::Joining::link_up(const consensus::Peer& peer) {
    carry_out(m_client.on_connected(peer, m_node.m_clock.monotonic()));
}

void SimNode::Joining::link_down(consensus::PeerId peer) {
    carry_out(m_client.on_disconnected(peer, m_node.m_clock.monotonic()));
}

void SimNode::Joining::frame_arrived(consensus::PeerId peer, const Frame& frame) {
    if (!frame.message) {
        return;
    }
    m_node.m_world.trace.line(fmt::format("n{}>n{} {}", SimNetwork::node_of(peer), m_node.m_index,
                                          to_text(*frame.message)));
    carry_out(m_client.on_message(peer, *frame.message, m_node.m_clock.monotonic()));
}

void SimNode::Joining::carry_out(const consensus::SyncEffects& effects) {
    for (const auto& [peer, message] : effects.sends) {
        m_node.send(peer, consensus::encode_message(message));
    }
    for (const auto& [peer, why] : effects.disconnects) {
        blame(peer, why);
    }
    const consensus::SyncStep step = m_client.step();
    if (m_done || step == consensus::SyncStep::asking || step == consensus::SyncStep::fetching) {
        return;
    }
    m_done = true;
    if (step == consensus::SyncStep::complete) {
        m_import->finish();
    }
    if (!m_node.m_doomed) {
        m_node.m_world.coverage.add(step == consensus::SyncStep::complete
                                        ? Happening::state_synced
                                        : Happening::started_without_snapshot);
        end();
    }
}

void SimNode::Joining::blame(consensus::PeerId peer, const std::string& why) {
    const NodeIndex other = SimNetwork::node_of(peer);
    if (!m_node.m_world.oracle.is_faulty(other)) {
        m_node.fail(fmt::format("takes honest node {} for a liar: {}", other, why));
    }
    m_node.m_liars_named.insert(other);
    m_node.m_world.coverage.add(Happening::sync_liar_named);
    m_node.m_world.trace.line(fmt::format("n{} names n{}: {}", m_node.m_index, other, why));
    m_node.m_network->close(m_node.m_index, other,
                            m_node.m_random.between(SimTime{200'000}, SimTime{1'500'000}));
}

/// After this turn: the links go down and the process that has the ledger comes up.
void SimNode::Joining::end() {
    m_node.m_world.trace.line(fmt::format("n{} has finished to join", m_node.m_index));
    m_node.m_world.scheduler.after(SimTime{0},
                                   [node = &m_node, incarnation = m_node.m_incarnation] {
                                       if (node->m_incarnation == incarnation) {
                                           node->end_joining();
                                       }
                                   });
}

void SimNode::join_by_sync(const consensus::SyncOptions& options) {
    m_join_options = options;
    initialize();  // Before anything can go wrong with its disk.
}

bool SimNode::begin_joining() {
    std::unique_ptr<SimImport> import = m_world.kind.open_import(m_disk);
    if (import == nullptr) {
        return false;
    }
    m_joining = std::make_unique<Joining>(*this, std::move(import));
    m_network->machine_up(m_index);
    return true;
}

void SimNode::end_joining() {
    m_joining.reset();
    m_network->machine_down(m_index);
    ++m_incarnation;
    start_process();
}

void SimNode::join_turn(const std::function<void(Joining&)>& body) {
    if (m_joining == nullptr) {
        return;
    }
    if (m_world.scheduler.now() < m_paused_until) {
        m_world.scheduler.at(m_paused_until, [this, body, incarnation = m_incarnation] {
            if (m_incarnation == incarnation) {
                join_turn(body);
            }
        });
        return;
    }
    body(*m_joining);
    finish_turn();
}

}  // namespace tally::simulator
