#include "tests/simulator/twins.h"

#include "ledger/base/overloaded.h"
#include "tests/simulator/scenario_parts.h"

#include <algorithm>
#include <chrono>
#include <variant>

namespace tally::simulator {

namespace {

using consensus::View;

/// The view that a message is about; nothing for those that are about none.
std::optional<View> view_of(const consensus::Message& message) {
    if (const auto* vote = std::get_if<consensus::Vote>(&message)) {
        return vote->statement.view;
    }
    if (const auto* certificate = std::get_if<QuorumCertificate>(&message)) {
        return certificate->statement.view;
    }
    if (const auto* proposal = std::get_if<consensus::Proposal>(&message)) {
        return proposal->view;
    }
    return std::nullopt;
}

bool on_second_side(std::uint32_t partition, NodeIndex machine) {
    return (partition >> machine & 1U) != 0;
}

/// Loses what crosses the partition of the view it is about, or that its sender is in.
SimNetwork::Filter partition_filter(World& world, const TwinsCase& twins) {
    return [&world, partitions = twins.partitions](NodeIndex from, NodeIndex to,
                                                   const consensus::Message& message) {
        const View view = view_of(message).value_or(world.node(from).status().view);
        if (view == 0 || view > partitions.size()) {
            return false;
        }
        const std::uint32_t partition = partitions[view - 1];
        return on_second_side(partition, from) != on_second_side(partition, to);
    };
}

View highest_view(World& world) {
    View highest{0};
    for (NodeIndex i = 0; i < world.size(); ++i) {
        highest = std::max(highest, world.node(i).status().view);
    }
    return highest;
}

}  // namespace

TwinsCase twins_case(std::uint64_t number) {
    TwinsCase twins;
    if (number < twins_exhaustive) {
        twins.twin = static_cast<NodeIndex>(number % 4);
        number /= 4;
        for (int view = 0; view < 4; ++view) {
            twins.partitions.push_back(static_cast<std::uint32_t>(number % 16) << 1U);
            number /= 16;
        }
        return twins;
    }
    SimRandom random{number};
    twins.nodes = random.pick<std::size_t>({4, 7, 7, 10});
    twins.twin = static_cast<NodeIndex>(random.between(0, twins.nodes - 1));
    const std::uint64_t views = random.between(5, 8);
    for (std::uint64_t view = 0; view < views; ++view) {
        twins.partitions.push_back(
            static_cast<std::uint32_t>(random.between(0, (1UL << twins.nodes) - 1)) << 1U);
    }
    return twins;
}

bool is_mirrored(const TwinsCase& twins) {
    std::vector<std::uint32_t> mirrored;
    for (const std::uint32_t partition : twins.partitions) {
        const bool first = on_second_side(partition, twins.twin);
        const bool second = on_second_side(partition, twins.nodes);
        std::uint32_t other = partition & ~(1U << twins.twin) & ~(1U << twins.nodes);
        other |= (second ? 1U : 0U) << twins.twin | (first ? 1U : 0U) << twins.nodes;
        const std::uint32_t all = (2U << twins.nodes) - 1;
        mirrored.push_back((other & 1U) != 0 ? ~other & all : other);  // machine 0 first
    }
    return mirrored < twins.partitions;
}

RunResult run_twins(std::uint64_t number, const RunOptions& options) {
    using namespace std::chrono_literals;
    const TwinsCase twins = twins_case(number);
    WorldOptions world_options;
    world_options.nodes = twins.nodes;
    world_options.spares = 1;
    world_options.real_signatures = false;
    world_options.twin_of = twins.twin;
    World world{number, std::move(world_options)};
    world.trace().set_sink(options.sink);
    if (is_mirrored(twins)) {
        RunResult skipped;
        skipped.seed = number;
        return skipped;
    }
    world.network().set_filter(partition_filter(world, twins));
    world.boot_all();
    for (NodeIndex i = 0; i < world.size(); ++i) {
        world.scheduler().after(SimTime{30ms * (i + 1)}, [&world, i] { world.submit(i); });
    }
    const SimTime end = world.scheduler().now() + SimTime{20s};
    while (world.sound() && world.scheduler().now() < end &&
           highest_view(world) <= twins.partitions.size()) {
        world.run_for(50ms);
    }
    world.network().heal();
    const consensus::Height goal = world.oracle().highest_final() + 2;
    world.run_until(
        [&] {
            for (NodeIndex i = 0; i < world.size(); ++i) {
                if (!world.oracle().is_faulty(i) && world.oracle().final_height(i) < goal) {
                    return false;
                }
            }
            return true;
        },
        60s, "progress beside twins");
    world.check_end();
    world.coverage().add(Happening::twins);
    return result_of(world, number);
}

}  // namespace tally::simulator
