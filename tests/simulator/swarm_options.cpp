// What chance makes of a seed.

#include "tests/simulator/world.h"

#include <algorithm>
#include <array>

namespace tally::simulator {

namespace {

/// Share of the seeds whose votes are signed with ECDSA, in permille.
constexpr std::uint32_t real_signatures_permille{125};
/// Share of the seeds with liars, and of those in which the validator set changes.
constexpr std::uint32_t liars_permille{450};
constexpr std::uint32_t changes_permille{250};
constexpr std::uint32_t short_epochs_permille{150};
/// One in so many worlds with the production ledger has a machine that joins.
constexpr std::uint64_t joins_every{3};
/// Larger worlds run for a shorter time: they cost the square of their size.
constexpr std::size_t large_world{8};

/// The fault kinds that a world may have, and how many in 1000 worlds have each.
constexpr std::array<std::pair<Happening, std::uint32_t>, 14> fault_kinds{{
    {Happening::partition_symmetric, 600},
    {Happening::partition_asymmetric, 600},
    {Happening::crash_between_events, 600},
    {Happening::crash_before_send, 600},
    {Happening::whole_cluster_crash, 400},
    {Happening::restart_loop, 500},
    {Happening::pause, 500},
    {Happening::clock_jump, 500},
    {Happening::clock_set_back, 300},
    {Happening::slow_disk, 300},
    {Happening::full_disk, 250},
    {Happening::sync_error, 250},
    {Happening::bit_flip, 150},
    {Happening::backup_restored, 150},
}};

void choose_liars(SimRandom& random, WorldOptions& options) {
    if (!random.chance(liars_permille)) {
        return;
    }
    const std::size_t most = faults_tolerated(options.nodes);
    const auto count = static_cast<std::size_t>(random.between(1, most));
    for (const std::size_t node : random.sample(options.nodes, count)) {
        const auto kind = static_cast<std::size_t>(random.between(0, all_actor_kinds.size() - 1));
        options.actors.emplace_back(node, all_actor_kinds[kind]);
    }
}

void choose_epochs(SimRandom& random, WorldOptions& options) {
    if (random.chance(changes_permille)) {
        options.spares = static_cast<std::size_t>(random.between(0, 3));
        options.changes = static_cast<std::uint32_t>(random.between(1, 5));
        // Sets that change leave no room for damage: it could hit more than f of one of them.
        options.faults.erase(Happening::bit_flip);
        options.faults.erase(Happening::backup_restored);
    }
    if (random.chance(short_epochs_permille)) {
        options.epoch_blocks_max = random.between(2, 20);
    }
}

}  // namespace

WorldOptions options_of_seed(std::uint64_t seed) {
    SimRandom random{seed ^ 0x5eed0f0b710550ULL};
    WorldOptions options;
    options.real_signatures = random.chance(real_signatures_permille);
    options.nodes =
        random.pick<std::size_t>({4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 10, 13});
    options.links.loss = random.pick<std::uint32_t>({0, 0, 10, 50, 200});
    options.links.duplication = random.pick<std::uint32_t>({0, 10, 100});
    options.links.lateness = random.pick<std::uint32_t>({0, 5, 30, 100});
    options.links.delay_max =
        random.pick<SimTime>({SimTime{4'000}, SimTime{20'000}, SimTime{45'000}, SimTime{150'000}});
    options.links.late_max = random.between(SimTime{500'000}, SimTime{4'000'000});
    options.links.in_order = random.chance(400);
    const SimTime chaos_max{options.nodes < large_world ? 20'000'000 : 8'000'000};
    options.chaos_time = random.between(SimTime{4'000'000}, chaos_max);
    options.fault_interval_max = random.between(SimTime{100'000}, SimTime{3'000'000});
    options.envelopes = static_cast<std::uint32_t>(random.between(5, 100));
    for (const auto& [kind, permille] : fault_kinds) {
        if (random.chance(permille)) {
            options.faults.insert(kind);
        }
    }
    choose_liars(random, options);
    choose_epochs(random, options);
    return options;
}

WorldOptions ledger_options_of_seed(std::uint64_t seed) {
    WorldOptions options = options_of_seed(seed);
    options.real_ledger = true;
    if (seed % joins_every == 0) {
        options.joiners = 1;
        options.snapshot_interval = 4;
        if (!options.actors.empty()) {
            options.actors.front().second = ActorKind::lying_sync_peer;
        }
        // Damage is counted against what the validators tolerate.
        options.faults.erase(Happening::bit_flip);
        options.faults.erase(Happening::backup_restored);
    }
    return options;
}

}  // namespace tally::simulator
