// A machine with an empty ledger joins: it fetches a snapshot from peers of which some lie.

#include "ledger/store/snapshot.h"
#include "tests/simulator/scenario_parts.h"

#include <algorithm>
#include <variant>

namespace tally::simulator {

namespace {

using namespace std::chrono_literals;

/// Final height when the joiner comes: two snapshots were taken by then.
constexpr consensus::Height history{45};

/// The joiner is the last machine.
NodeIndex joiner_of(World& world) { return world.size() - 1; }

bool asks_for_a_part(const consensus::Message& message) {
    const auto* request = std::get_if<consensus::SnapshotRequest>(&message);
    if (request == nullptr) {
        return false;
    }
    const auto query = decode_snapshot_query(request->query);
    return query && !std::holds_alternative<ManifestQuery>(*query);
}

void make_history(World& world) {
    world.boot_all();
    world.schedule_workload(400, 2s);
    world.run_until([&] { return world.oracle().highest_final() >= history; }, 120s,
                    "the history of the others");
    submit_for_ever(world, 0, 400ms);
}

void begin_to_join(World& world) {
    world.node(joiner_of(world)).keep_down(false);
    world.node(joiner_of(world)).boot();
}

/// The joiner follows, and what it has is byte for byte what node 0 has.
void end_as_the_others(World& world) {
    const NodeIndex joiner = joiner_of(world);
    world.run_until([&] { return world.node(joiner).is_up(); }, 120s, "the joiner has a ledger");
    demand_that(world, world.coverage().of(Happening::state_synced) > 0,
                "the joiner began without a snapshot");
    honest_advance(world, 10, 60s);
    const auto same_height = [&] {
        return world.oracle().final_height(joiner) == world.oracle().final_height(0);
    };
    world.run_until(same_height, 30s, "the joiner is as far as node 0");
    const auto state = world.node(joiner).final_state();
    demand_that(world, state.size() > 20 && state == world.node(0).final_state(),
                "the joiner's state is not that of node 0");
}

void sync_join(World& world) {
    make_history(world);
    begin_to_join(world);
    end_as_the_others(world);
    demand_that(world, world.node(joiner_of(world)).liars_named().empty(), "somebody is blamed");
}

/// At first the requests for parts reach only liars: the joiner has their word for everything.
void join_among_liars(World& world, bool names_liars) {
    make_history(world);
    world.network().set_filter([&world](NodeIndex, NodeIndex to, const consensus::Message& one) {
        return !world.node(to).is_corrupt() && asks_for_a_part(one);
    });
    begin_to_join(world);
    const SimNode& joiner = world.node(joiner_of(world));
    if (names_liars) {
        world.run_until([&] { return !joiner.liars_named().empty(); }, 60s, "a liar is named");
    } else {
        world.run_for(10s);
    }
    demand_that(world, joiner.is_joining(), "the joiner has a ledger by the word of liars");
    world.network().heal();
    end_as_the_others(world);
}

template <SnapshotLie lie>
void choose_lie(World& world) {
    for (NodeIndex i = 0; i < world.size(); ++i) {
        world.node(i).choose_snapshot_lie(lie);
    }
}

/// What proves itself a lie names the liar.
template <SnapshotLie lie>
void caught(World& world) {
    choose_lie<lie>(world);
    join_among_liars(world, true);
    demand_that(world, world.node(joiner_of(world)).liars_named() == std::set<NodeIndex>{1},
                "the liar is not named");
}

/// What could be bad luck names nobody.
template <SnapshotLie lie>
void outlived(World& world) {
    choose_lie<lie>(world);
    join_among_liars(world, false);
    demand_that(world, world.node(joiner_of(world)).liars_named().empty(), "somebody is blamed");
}

void sync_join_with_liars(World& world) {
    world.node(1).choose_snapshot_lie(SnapshotLie::wrong_values);
    world.node(3).choose_snapshot_lie(SnapshotLie::wrong_blocks);
    join_among_liars(world, true);
    demand_that(world, !world.node(joiner_of(world)).liars_named().empty(), "no liar is named");
}

/// Power fails while the snapshot is fetched; it goes on from there.
void sync_join_crashes(World& world) {
    make_history(world);
    world.set_restart_delay(10ms, 300ms);
    begin_to_join(world);
    SimNode& joiner = world.node(joiner_of(world));
    for (std::uint64_t effects = 0; effects < 60 && !joiner.is_up(); ++effects) {
        joiner.arm({.kind = {}, .effects_before = effects, .frame = {}});
        world.run_for(400ms);
    }
    joiner.disarm();
    end_as_the_others(world);
}

WorldOptions joining(std::size_t nodes, const std::vector<NodeIndex>& liars) {
    WorldOptions options;
    options.nodes = nodes;
    options.joiners = 1;
    options.real_ledger = true;
    for (const NodeIndex liar : liars) {
        options.actors.emplace_back(liar, ActorKind::lying_sync_peer);
    }
    return options;
}

}  // namespace

std::vector<Scenario> sync_scenarios() {
    using Lie = SnapshotLie;
    return {
        {"sync_join", "an empty ledger is filled from a snapshot", joining(4, {}), 100, sync_join},
        {"sync_join_crashes", "power fails during the import", joining(4, {}), 101,
         sync_join_crashes},
        {"sync_join_with_liars", "two of seven lie about state and blocks", joining(7, {1, 3}), 102,
         sync_join_with_liars},
        {"sync_join_wrong_values", "a part of the state with an entry changed", joining(4, {1}),
         103, caught<Lie::wrong_values>},
        {"sync_join_wrong_part", "another part of the state than was asked for", joining(4, {1}),
         104, caught<Lie::wrong_part>},
        {"sync_join_wrong_manifest", "an offer that nobody finalized", joining(4, {1}), 105,
         caught<Lie::wrong_manifest>},
        {"sync_join_withheld", "an offer, then silence", joining(4, {1}), 106,
         outlived<Lie::withheld>},
        {"sync_join_split_for_ever", "every part is said to be too large", joining(4, {1}), 107,
         caught<Lie::split_for_ever>},
        {"sync_join_old_snapshot", "an offer of what is not held any more", joining(4, {1}), 108,
         outlived<Lie::old_snapshot>},
        {"sync_join_wrong_blocks", "blocks behind the state that are others", joining(4, {1}), 109,
         caught<Lie::wrong_blocks>},
    };
}

}  // namespace tally::simulator
