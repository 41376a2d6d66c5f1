#include "tests/simulator/mutants.h"

#include "tests/simulator/naive_model.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace tally::simulator {

namespace {

using consensus::PlantedBug;

/// Small worlds without liars, set changes or disks that forget what they have kept.
void plain(WorldOptions& options) {
    options.nodes = std::min<std::size_t>(options.nodes, 7);
    options.actors.clear();
    options.spares = 0;
    options.changes = 0;
    options.epoch_blocks_max = 0;
    options.faults.erase(Happening::bit_flip);
    options.faults.erase(Happening::backup_restored);
    options.fault_interval_max = std::min(options.fault_interval_max, SimTime{800'000});
}

void six_nodes(WorldOptions& options) {
    plain(options);
    options.nodes = 6;
}

/// Nodes lose power again and again, right before or after something became durable.
void crashes(WorldOptions& options) {
    plain(options);
    options.faults = {Happening::crash_between_events, Happening::crash_before_send,
                      Happening::whole_cluster_crash, Happening::restart_loop};
    options.fault_interval_max = std::min(options.fault_interval_max, SimTime{500'000});
}

/// Little arrives, and what arrives is late: views are given up and repaired.
void bad_links(WorldOptions& options) {
    plain(options);
    options.links.loss = std::max<std::uint32_t>(options.links.loss, 150);
    options.links.lateness = std::max<std::uint32_t>(options.links.lateness, 50);
    options.faults.insert(Happening::partition_symmetric);
    options.faults.insert(Happening::partition_asymmetric);
}

/// As many liars of this kind as the cluster tolerates.
void with_liars(WorldOptions& options, ActorKind kind) {
    plain(options);
    for (NodeIndex node = 0; node < faults_tolerated(options.nodes); ++node) {
        options.actors.emplace_back(node, kind);
    }
}
void equivocators(WorldOptions& options) { with_liars(options, ActorKind::equivocator); }
void impersonators(WorldOptions& options) { with_liars(options, ActorKind::impersonator); }
void hostile(WorldOptions& options) { with_liars(options, ActorKind::hostile_leader); }
void lying_peers(WorldOptions& options) {
    bad_links(options);
    with_liars(options, ActorKind::lying_sync_peer);
}

/// Old copies of a node's disks come back, and nothing else happens.
void backups(WorldOptions& options) {
    plain(options);
    options.links = LinkFaults{};
    options.faults = {Happening::backup_restored};
    options.fault_interval_max = std::min(options.fault_interval_max, SimTime{500'000});
}

/// Four nodes that make blocks all the time, and everything in any order.
void busy(WorldOptions& options) {
    plain(options);
    options.nodes = 4;
    options.links = LinkFaults{};
    options.links.in_order = false;
    options.links.delay_max = SimTime{25'000};
    options.envelopes = 400;
    options.chaos_time = SimTime{20'000'000};
    options.faults = {Happening::crash_between_events};
    options.fault_interval_max = SimTime{3'000'000};
}

/// Old copies of disks come back, and what others know of it comes in any order.
void late_backups(WorldOptions& options) {
    backups(options);
    options.links.in_order = false;
    options.links.delay_max = SimTime{45'000};
    options.links.lateness = 100;
    options.links.late_max = SimTime{2'000'000};
}

/// Blocks wait for their certificates when power fails.
void crashes_when_slow(WorldOptions& options) {
    crashes(options);
    options.nodes = 4;
    options.links.delay_max = SimTime{45'000};
    options.links.loss = 50;
    options.envelopes = 400;
    options.chaos_time = SimTime{20'000'000};
    options.fault_interval_max = SimTime{250'000};
}

void bit_flips(WorldOptions& options) {
    plain(options);
    options.faults = {Happening::bit_flip, Happening::crash_between_events};
    options.fault_interval_max = std::min(options.fault_interval_max, SimTime{500'000});
}

/// Epochs of a few blocks, sets that change, and all that goes wrong on links.
void epochs(WorldOptions& options) {
    bad_links(options);
    options.nodes = std::min<std::size_t>(options.nodes, 5);
    options.epoch_blocks_max = 3;
    options.spares = 2;
    options.changes = 4;
}
/// Four nodes, good links, and every tenth of a second one that loses power at some effect.
void crashes_at_effects(WorldOptions& options) {
    plain(options);
    options.nodes = 4;
    options.links = LinkFaults{};
    options.envelopes = 200;
    options.chaos_time = SimTime{20'000'000};
    options.faults = {Happening::crash_before_send};
    options.fault_interval_max = SimTime{100'000};
}
void crashes_in_epochs(WorldOptions& options) {
    crashes_at_effects(options);
    options.epoch_blocks_max = 2;
}

/// A restored node must not vote in an epoch in which everybody else has a newer vote of it than
/// its record has. The oracle leaves such nodes alone: their disks have forgotten what they sent.
class BackupWatch final : public WorldObserver {
public:
    void starting(NodeIndex node, const VoteRecord& recovered) override {
        m_recovered[node] = {recovered.notarize.view, recovered.nullify.view,
                             recovered.finalize.view};
        m_outdated.erase(node);
        for (std::size_t kind = 0; kind < 3; ++kind) {
            if (m_known[node][kind] > m_recovered[node][kind]) {
                m_outdated.insert(node);
            }
        }
    }
    void delivered(NodeIndex from, NodeIndex to, const consensus::Message& message) override {
        const auto* vote = std::get_if<consensus::Vote>(&message);
        if (vote == nullptr || vote->statement.epoch != 0) {
            return;
        }
        const std::size_t kind = static_cast<std::size_t>(vote->statement.kind) - 1;
        const consensus::View view = vote->statement.view;
        if (m_outdated.contains(from) && view > m_recovered[from][kind] && !m_problem) {
            m_problem = "node " + std::to_string(from) + " votes with a record it has outlived";
        }
        std::set<NodeIndex>& hearers = m_heard[{from, kind, view}];
        hearers.insert(to);
        if (hearers.size() + 1 >= m_nodes) {
            m_known[from][kind] = std::max(m_known[from][kind], view);
        }
    }
    explicit BackupWatch(std::size_t nodes) : m_nodes{nodes} {}
    [[nodiscard]] const std::optional<std::string>& problem() const { return m_problem; }

private:
    using Views = std::array<consensus::View, 3>;  // by kind
    std::size_t m_nodes;
    std::map<NodeIndex, Views> m_recovered;
    std::map<NodeIndex, Views> m_known;  // to everybody
    std::map<std::tuple<NodeIndex, std::size_t, consensus::View>, std::set<NodeIndex>> m_heard;
    std::set<NodeIndex> m_outdated;
    std::optional<std::string> m_problem;
};

constexpr std::array<Mutant, 46> mutant_list{{
    {PlantedBug::notarize_twice_after_restart, "notarize-twice-after-restart",
     "R0: a restart forgets the view of the last NOTARIZE", crashes},
    {PlantedBug::notarize_both_proposals, "notarize-both-proposals",
     "R0, R3: a leader's second proposal is voted for like the first", equivocators},
    {PlantedBug::notarize_after_nullify, "notarize-after-nullify",
     "R0: NOTARIZE in a view that was given up", bad_links},
    {PlantedBug::nullify_after_finalize, "nullify-after-finalize",
     "R0: a restart goes back into the view of its FINALIZE and gives it up", crashes},
    {PlantedBug::finalize_after_nullify, "finalize-after-nullify",
     "R0: FINALIZE in a view that was given up", bad_links},
    {PlantedBug::finalize_without_notarization, "finalize-without-notarization",
     "R0: FINALIZE as soon as the own NOTARIZE is out", plain},
    {PlantedBug::enter_stale_view, "enter-stale-view",
     "R1: a late certificate leads back into an old view", bad_links},
    {PlantedBug::propose_over_missing_nullification, "propose-over-missing-nullification",
     "R2: the walk down to the parent passes views that are not nullified", bad_links},
    {PlantedBug::propose_on_final_block, "propose-on-final-block",
     "R2: only a final block is taken for a parent", bad_links},
    {PlantedBug::proposal_from_anybody, "proposal-from-anybody",
     "R3: whoever proposes first in a view is taken for its leader", hostile},
    {PlantedBug::justification_gap_unchecked, "justification-gap-unchecked",
     "R3: views between parent and proposal need no nullification", hostile},
    {PlantedBug::justification_unverified, "justification-unverified",
     "R3: the certificates of a justification are believed", hostile},
    {PlantedBug::parent_unchecked, "parent-unchecked",
     "R3: the parent's certificate may be another block's than the header's parent", hostile},
    {PlantedBug::notarize_before_execution, "notarize-before-execution",
     "R3: NOTARIZE before the block was executed", plain},
    {PlantedBug::body_unchecked, "body-unchecked",
     "R3: a proposal's list of envelopes is kept without a look at the header", hostile},
    {PlantedBug::repeated_vote_counts_twice, "repeated-vote-counts-twice",
     "R4: a vote that is sent again counts again", bad_links},
    {PlantedBug::vote_of_claimed_signer, "vote-of-claimed-signer",
     "R4: a vote is checked with the key of its connection and counted for the signer it names",
     impersonators},
    {PlantedBug::vote_signature_unverified, "vote-signature-unverified",
     "R4: signatures of votes are believed", impersonators},
    {PlantedBug::own_vote_not_counted, "own-vote-not-counted",
     "R4: a node does not count its own vote", plain},
    {PlantedBug::notarize_and_nullify_as_evidence, "notarize-and-nullify-as-evidence",
     "R4: NULLIFY and NOTARIZE of one view count as equivocation", bad_links},
    {PlantedBug::vote_window_unbounded, "vote-window-unbounded",
     "2.9: votes of views long gone are kept", busy},
    {PlantedBug::certificates_checked_again, "certificates-checked-again",
     "2.9: a certificate that is held is checked whenever it comes", busy},
    {PlantedBug::quorum_2f_plus_1, "quorum-2f-plus-1", "2.1: 3 votes of 6 make a certificate",
     six_nodes},
    {PlantedBug::enter_without_certificate, "enter-without-certificate",
     "R5: a node leaves the view that it gives up at once", bad_links},
    {PlantedBug::finalization_unverified, "finalization-unverified",
     "R5: a finalization is believed", impersonators},
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
     "2.7: a block is called final before the own vote in its certificate is durable", busy},
    {PlantedBug::epoch_before_record, "epoch-before-record",
     "2.7: the record of the old epoch is removed before there is one of the new",
     crashes_in_epochs},
    {PlantedBug::older_slot_wins, "older-slot-wins",
     "2.7: of the two slots of the safety record the older one counts", crashes},
    {PlantedBug::damaged_journal_accepted, "damaged-journal-accepted",
     "2.7: a journal that lost synced records is opened all the same", bit_flips},
    {PlantedBug::compaction_drops_blocks, "compaction-drops-blocks",
     "2.7: a compacted journal has lost the blocks that are not final", crashes_when_slow},
    {PlantedBug::commit_without_ancestors, "commit-without-ancestors",
     "R5: a final block is committed without its ancestors", bad_links},
    {PlantedBug::fetched_block_unchecked, "fetched-block-unchecked",
     "2.8: a fetched block may be another one than was asked for", lying_peers},
    {PlantedBug::range_certificates_believed, "range-certificates-believed",
     "2.8: the certificates of a fetched range are believed", lying_peers},
    {PlantedBug::restored_record_votes, "restored-record-votes",
     "2.7: a node votes though others show it newer votes of its own", backups},
    {PlantedBug::vote_before_status, "vote-before-status",
     "2.7: a node votes before others have told it of its votes", late_backups},
    {PlantedBug::old_epoch_replay, "old-epoch-replay",
     "2.10: certificates of epochs that are over count in the present one", epochs},
    {PlantedBug::seal_not_proposed_again, "seal-not-proposed-again",
     "2.10: a leader gives up its view instead of proposing a sealing block again", epochs},
    {PlantedBug::old_set_after_epoch, "old-set-after-epoch",
     "2.10: the validators of the old epoch stay on in the next one", epochs},
}};

}  // namespace

const std::vector<Mutant>& all_mutants() {
    static const std::vector<Mutant> mutants(mutant_list.begin(), mutant_list.end());
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
    mutant.bias(options);
    const std::size_t nodes = options.nodes;
    std::set<std::size_t> liars;
    for (const auto& [node, actor] : options.actors) {
        liars.insert(node);
    }
    // The model knows one epoch, and disks that keep what they promised.
    const bool is_judged =
        options.changes == 0 && options.epoch_blocks_max == 0 && !options.damages();
    const std::set<Happening> options_faults = options.faults;
    World world{seed, std::move(options)};
    world.trace().set_sink(sink);
    const auto kind = make_fake_kind({.machines = nodes, .validators = nodes});
    consensus::NaiveModel model{nodes, *kind, std::move(liars)};
    if (is_judged) {
        world.observe(model);
    }
    BackupWatch backups_watch{nodes};
    const bool only_backups = options_faults == std::set{Happening::backup_restored};
    if (only_backups) {
        world.observe(backups_watch);
    }
    world.oracle().be_thorough();
    world.run_chaos();
    if (!only_backups) {
        world.run_liveness();
        world.check_end();
    }
    if (backups_watch.problem() && world.sound()) {
        world.oracle().report(*backups_watch.problem());
    }
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
