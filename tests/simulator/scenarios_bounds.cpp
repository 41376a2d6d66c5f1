// Held against what a node may hold at most: as much of it as a cluster in trouble brings together.

#include "tests/simulator/scenario_parts.h"

#include <variant>

namespace tally::simulator {

namespace {

using namespace std::chrono_literals;
using consensus::Message;

VoteKind kind_of(const Message& message) {
    if (const auto* vote = std::get_if<consensus::Vote>(&message)) {
        return vote->statement.kind;
    }
    const auto* certificate = std::get_if<QuorumCertificate>(&message);
    return certificate == nullptr ? VoteKind::notarize : certificate->statement.kind;
}

/// No FINALIZE arrives: blocks, their certificates and votes pile up on all nodes.
void unfinalized_pile(World& world) {
    constexpr std::size_t blocks_wanted{250};
    world.boot_all();
    submit_for_ever(world, 0, 10ms);
    honest_advance(world, 3, 20s);
    world.network().set_filter([](NodeIndex, NodeIndex, const Message& message) {
        return kind_of(message) == VoteKind::finalize;
    });
    world.run_until([&] { return world.node(0).status().unfinalized_blocks >= blocks_wanted; },
                    300s, "blocks pile up");
    const consensus::DriverStatus status = world.node(0).status();
    demand_that(world, status.vote_views >= 63, "the window of votes is not full");
    demand_that(world, status.certificates + 5 >= blocks_wanted, "certificates do not pile up");
    world.network().heal();
    honest_advance(world, 10, 60s);
    demand_that(world, world.node(0).status().unfinalized_blocks < 20, "the pile stays");
}

/// A flooder among four, and clients that go on handing in while nothing moves.
void flooded_mempool(World& world) {
    constexpr std::size_t waiting{2'000};
    world.boot_all();
    world.run_for(2s);
    for (NodeIndex i = 0; i < world.size(); ++i) {
        for (NodeIndex other = 0; other < world.size(); ++other) {
            world.network().set_cut(i, other, true);
        }
    }
    for (std::size_t i = 0; i < waiting; ++i) {
        world.submit(0);
    }
    demand_that(world, world.node(0).mempool_size() > waiting / 2, "few envelopes wait");
    world.run_for(2s);
    world.network().heal();
    honest_advance(world, 10, 120s);
}

WorldOptions four(bool has_flooder) {
    WorldOptions options;
    options.real_signatures = false;
    if (has_flooder) {
        options.actors.emplace_back(2, ActorKind::flooder);
    }
    return options;
}

}  // namespace

std::vector<Scenario> bound_scenarios() {
    return {
        {"unfinalized_pile",
         "no FINALIZE arrives for 250 blocks: they and their certificates pile up", four(false),
         150, unfinalized_pile},
        {"flooded_mempool", "a flooder, and 2000 envelopes that come while nothing moves",
         four(true), 151, flooded_mempool},
    };
}

}  // namespace tally::simulator
