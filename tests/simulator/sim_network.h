#pragma once

#include "consensus/driver/ports.h"
#include "consensus/simplex/messages.h"
#include "tests/simulator/coverage.h"
#include "tests/simulator/scheduler.h"
#include "tests/simulator/sim_application.h"
#include "tests/simulator/sim_random.h"
#include "tests/simulator/trace.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace tally::simulator {

/// A frame on its way, decoded once for traces and checkers. The receiver decodes the bytes again.
struct Frame {
    Bytes bytes;
    std::optional<consensus::Message> message;  ///< nothing when it does not decode
};
using FramePtr = std::shared_ptr<const Frame>;

/// How badly links behave. Chances are in permille of frames.
struct LinkFaults {
    std::uint32_t loss{0};
    std::uint32_t duplication{0};
    std::uint32_t lateness{0};  ///< frames held up for up to `late_max`
    SimTime delay_min{1'000};
    SimTime delay_max{5'000};
    SimTime late_max{2'000'000};
    bool in_order{true};  ///< frames of one link never overtake each other
};

/// What a machine hears from the network.
class Endpoint {
public:
    virtual ~Endpoint() = default;
    virtual void link_up(const consensus::Peer& peer) = 0;
    virtual void link_down(consensus::PeerId peer) = 0;
    virtual void frame_arrived(NodeIndex from, consensus::PeerId peer, const FramePtr& frame) = 0;
};

/// Connections between the machines of a world, and everything that goes wrong on them.
///
/// A connection between two machines has a number; a new one gets a new number, and what was still
/// under way on the old one is gone. Cutting a direction loses frames silently.
class SimNetwork {
public:
    SimNetwork(Scheduler& scheduler, SimRandom random, Trace& trace, Coverage& coverage,
               std::vector<Endpoint*> endpoints);

    void set_faults(const LinkFaults& faults) { m_faults = faults; }
    [[nodiscard]] const LinkFaults& faults() const noexcept { return m_faults; }

    /// Connects a machine that came up with all that are up.
    void machine_up(NodeIndex node);
    /// Breaks all its connections; the others notice after a while.
    void machine_down(NodeIndex node);
    /// Breaks and re-establishes one connection.
    void reconnect(NodeIndex left, NodeIndex right);
    /// One side has closed the connection: gone at once, back after `pause`.
    void close(NodeIndex left, NodeIndex right, SimTime pause);
    /// Number of the connection as `from` knows it, to send to `to`; nothing without one.
    [[nodiscard]] std::optional<consensus::PeerId> peer_id(NodeIndex from, NodeIndex to) const;

    void set_cut(NodeIndex from, NodeIndex to, bool cut) { m_links[from][to].cut = cut; }
    /// `machine` proves to others that it is the member of `as`.
    void set_alias(NodeIndex machine, NodeIndex as) { m_aliases[machine] = as; }
    /// Ends all cuts, filters and faults.
    void heal();
    /// Frames that this accepts are lost.
    using Filter = std::function<bool(NodeIndex from, NodeIndex to, const consensus::Message&)>;
    void set_filter(Filter filter) { m_filter = std::move(filter); }

    /// Frames to a connection that is gone are dropped. `held_up`: leaves the machine that much
    /// later.
    void send(NodeIndex from, consensus::PeerId peer, FramePtr frame, SimTime held_up = SimTime{0});
    [[nodiscard]] static NodeIndex node_of(consensus::PeerId peer) {
        return static_cast<NodeIndex>(peer % peers_per_connection);
    }

private:
    static constexpr std::uint64_t peers_per_connection{128};
    struct Link {
        std::uint64_t connection{0};  ///< 0: none
        bool cut{false};
        SimTime last_arrival{0};
    };

    void connect(NodeIndex left, NodeIndex right);
    void disconnect(NodeIndex left, NodeIndex right);
    void deliver_after(SimTime delay, NodeIndex from, NodeIndex to, const FramePtr& frame);
    [[nodiscard]] SimTime draw_delay();

    Scheduler& m_scheduler;
    SimRandom m_random;
    Trace& m_trace;
    Coverage& m_coverage;
    std::vector<Endpoint*> m_endpoints;
    std::vector<bool> m_up;
    std::vector<std::vector<Link>> m_links;  // [from][to]
    std::uint64_t m_connections{0};
    std::map<NodeIndex, NodeIndex> m_aliases;
    LinkFaults m_faults;
    Filter m_filter;
};

}  // namespace tally::simulator
