#include "tests/simulator/mutants.h"

#include "tests/simulator/naive_model.h"

#include <algorithm>
#include <utility>

namespace tally::simulator {

namespace {

using consensus::PlantedBug;

void six_nodes(WorldOptions& options) { options.nodes = 6; }

/// Nodes lose power again and again, right before or after something became durable.
void crashes(WorldOptions& options) {
    options.faults = {Happening::crash_between_events, Happening::crash_before_send,
                      Happening::whole_cluster_crash, Happening::restart_loop};
    options.fault_interval_max = std::min(options.fault_interval_max, SimTime{500'000});
}

/// Little arrives, and what arrives is late: views are given up and repaired.
void bad_links(WorldOptions& options) {
    options.links.loss = std::max<std::uint32_t>(options.links.loss, 150);
    options.links.lateness = std::max<std::uint32_t>(options.links.lateness, 50);
    options.faults.insert(Happening::partition_symmetric);
    options.faults.insert(Happening::partition_asymmetric);
}

}  // namespace

const std::vector<Mutant>& all_mutants() {
    static const std::vector<Mutant> mutants{
        {PlantedBug::notarize_twice_after_restart, "notarize-twice-after-restart",
         "R0: a restart forgets the view of the last NOTARIZE", crashes},
        {PlantedBug::notarize_both_proposals, "notarize-both-proposals",
         "R0, R3: a leader's second proposal is voted for like the first", nullptr},
        {PlantedBug::notarize_after_nullify, "notarize-after-nullify",
         "R0: NOTARIZE in a view that was given up", bad_links},
        {PlantedBug::nullify_after_finalize, "nullify-after-finalize",
         "R0: a restart goes back into the view of its FINALIZE and gives it up", crashes},
        {PlantedBug::finalize_after_nullify, "finalize-after-nullify",
         "R0: FINALIZE in a view that was given up", bad_links},
        {PlantedBug::finalize_without_notarization, "finalize-without-notarization",
         "R0: FINALIZE as soon as the own NOTARIZE is out", nullptr},
        {PlantedBug::enter_stale_view, "enter-stale-view",
         "R1: a late certificate leads back into an old view", bad_links},
        {PlantedBug::propose_over_missing_nullification, "propose-over-missing-nullification",
         "R2: the walk down to the parent passes views that are not nullified", bad_links},
        {PlantedBug::propose_on_final_block, "propose-on-final-block",
         "R2: a notarized block is passed over because its view is nullified too", bad_links},
        {PlantedBug::notarize_before_execution, "notarize-before-execution",
         "R3: NOTARIZE before the block was executed", nullptr},
        {PlantedBug::repeated_vote_counts_twice, "repeated-vote-counts-twice",
         "R4: a vote that is sent again counts again", bad_links},
        {PlantedBug::own_vote_not_counted, "own-vote-not-counted",
         "R4: a node does not count its own vote", nullptr},
        {PlantedBug::notarize_and_nullify_as_evidence, "notarize-and-nullify-as-evidence",
         "R4: NULLIFY and NOTARIZE of one view count as equivocation", bad_links},
        {PlantedBug::quorum_2f_plus_1, "quorum-2f-plus-1", "2.1: 3 votes of 6 make a certificate",
         six_nodes},
        {PlantedBug::notarization_refused_after_nullification,
         "notarization-refused-after-nullification",
         "R5: a notarization is dropped when its view is nullified", bad_links},
        {PlantedBug::enter_without_certificate, "enter-without-certificate",
         "R5: a node leaves the view that it gives up at once", bad_links},
        {PlantedBug::view_never_given_up, "view-never-given-up",
         "R6: a view with a proposal has no end without a certificate", bad_links},
        {PlantedBug::no_retry, "no-retry", "R6: a NULLIFY is sent once", bad_links},
        {PlantedBug::laggards_not_helped, "laggards-not-helped",
         "R7: no certificate goes to who is behind, and nobody asks for any", bad_links},
        {PlantedBug::proposal_before_sync, "proposal-before-sync",
         "2.7: a proposal leaves before its block is durable", crashes},
        {PlantedBug::notarize_before_sync, "notarize-before-sync",
         "2.7: NOTARIZE leaves before it is durable", crashes},
        {PlantedBug::nullify_before_sync, "nullify-before-sync",
         "2.7: NULLIFY leaves before it is durable", crashes},
        {PlantedBug::finalize_before_sync, "finalize-before-sync",
         "2.7: FINALIZE leaves before it is durable", crashes},
        {PlantedBug::certificate_before_sync, "certificate-before-sync",
         "2.7: a certificate leaves before it is durable", crashes},
        {PlantedBug::final_before_sync, "final-before-sync",
         "2.7: a block is called final before the own vote in its certificate is durable", crashes},
        {PlantedBug::compaction_drops_blocks, "compaction-drops-blocks",
         "2.7: a rewritten journal lacks the blocks that are not final", crashes},
        {PlantedBug::commit_without_ancestors, "commit-without-ancestors",
         "R5: a final block is committed without its ancestors", bad_links},
        {PlantedBug::votes_before_status, "votes-before-status",
         "2.7: a node votes before it has heard what others saw of it", crashes},
    };
    return mutants;
}

const Mutant* find_mutant(std::string_view name) {
    const auto& mutants = all_mutants();
    const auto found = std::find_if(mutants.begin(), mutants.end(),
                                    [&](const Mutant& one) { return one.name == name; });
    return found == mutants.end() ? nullptr : &*found;
}

RunResult run_mutant_seed(const Mutant& mutant, std::uint64_t seed, const Trace::Sink& sink) {
    WorldOptions options = options_of_seed(seed);
    if (mutant.bias != nullptr) {
        mutant.bias(options);
    }
    const std::size_t nodes = options.nodes;
    World world{seed, std::move(options)};
    world.trace().set_sink(sink);
    const auto kind = make_fake_kind(nodes);
    consensus::NaiveModel model{nodes, *kind};
    world.observe(model);
    world.run_chaos();
    world.run_liveness();
    world.check_end();
    if (model.problem() && world.sound()) {
        world.oracle().report("by the naive model: " + *model.problem());
    }
    return result_of(world, seed);
}

RunResult run_any_mutant_world(std::uint64_t seed) {
    const auto& mutants = all_mutants();
    return run_mutant_seed(mutants[seed % mutants.size()], seed);
}

}  // namespace tally::simulator
