#pragma once

#include "tests/simulator/sim_node.h"

#include <memory>

namespace tally::simulator {

/// What runs on a machine whose ledger is empty: the production client of state sync, fed with the
/// frames and the time of the world. What it sends is sent, whom it blames is cut off.
class SimNode::Joining {
public:
    Joining(SimNode& node, std::unique_ptr<SimImport> import);
    Joining(const Joining&) = delete;
    Joining& operator=(const Joining&) = delete;

    void link_up(const consensus::Peer& peer);
    void link_down(consensus::PeerId peer);
    void frame_arrived(consensus::PeerId peer, const Frame& frame);
    /// Every so often, until it is done.
    void tick();

private:
    void tick_later();
    void carry_out(const consensus::SyncEffects& effects);
    void blame(consensus::PeerId peer, const std::string& why);
    void end();

    SimNode& m_node;
    std::unique_ptr<SimImport> m_import;
    consensus::SyncClient m_client;
    bool m_done{false};
};

}  // namespace tally::simulator
