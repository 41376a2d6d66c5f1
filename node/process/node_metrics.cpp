#include "node/process/node_metrics.h"

#include "ledger/state/epochs.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <map>
#include <string>

namespace tally::node {

namespace {

double seconds(std::chrono::microseconds duration) {
    return std::chrono::duration<double>{duration}.count();
}

const char* kind_text(std::uint8_t kind) {
    switch (static_cast<FrameKind>(kind)) {
        case FrameKind::consensus:
            return "consensus";
        case FrameKind::roaming:
            return "roaming";
        case FrameKind::bridge:
            return "bridge";
        case FrameKind::evidence:
            return "evidence";
    }
    return "control";
}

void collect_role(Metrics& metrics, consensus::Role role) {
    using consensus::Role;
    for (const Role each : {Role::follower, Role::waiting, Role::validator, Role::observer}) {
        metrics
            .gauge("tally_consensus_role", "1 for the role that holds", {{"role", to_text(each)}})
            .set(each == role ? 1 : 0);
    }
}

/// A member that is no validator any more keeps its last values; its `tally_validator_connected`
/// is what says whether it counts.
void collect_votes(Metrics& metrics, const consensus::DriverStatus& status) {
    for (const consensus::ViewVotes& votes : status.votes) {
        const MetricLabels labels{{"member", to_text(PartyId{votes.member.data})}};
        metrics.gauge("tally_validator_connected", "1 while the validator is linked", labels)
            .set(votes.connected ? 1 : 0);
        metrics.gauge("tally_validator_voted", "1 when it voted in the current view", labels)
            .set(votes.notarized || votes.nullified ? 1 : 0);
        metrics.gauge("tally_validator_silent_seconds", "Since it was heard", labels)
            .set(seconds(votes.last_heard_ago));
    }
}

/// Of the views that the driver remembers.
void collect_nullified(Metrics& metrics, const consensus::DriverStatus& status) {
    using consensus::NullifyReason;
    std::map<std::string, std::size_t> counts;
    for (const NullifyReason reason :
         {NullifyReason::none, NullifyReason::no_proposal, NullifyReason::view_timeout,
          NullifyReason::invalid_proposal, NullifyReason::leader_nullified,
          NullifyReason::build_failed, NullifyReason::leader_silent}) {
        counts[to_text(reason)] = 0;
    }
    for (const consensus::NullifiedView& view : status.nullified) {
        ++counts[to_text(view.own_reason)];
    }
    for (const auto& [reason, count] : counts) {
        metrics
            .gauge("tally_recent_nullified_views",
                   "Of the last 64 views without a block, by this node's reason",
                   {{"reason", reason}})
            .set(static_cast<double>(count));
    }
}

void collect_journal(Metrics& metrics, const consensus::DriverStatus& status) {
    const auto counter = [&metrics](const MetricLabels& labels, std::uint64_t total) {
        metrics
            .counter("tally_journal_sync_bucket_total",
                     "Journal syncs that took at most so many seconds", labels)
            .advance_to(static_cast<double>(total));
    };
    std::uint64_t total{0};
    for (std::size_t index = 0; index < consensus::journal_sync_bounds.size(); ++index) {
        total += status.journal_sync_counts.at(index);
        counter({{"le", std::to_string(seconds(consensus::journal_sync_bounds.at(index)))}}, total);
    }
    total += status.journal_sync_counts.back();
    counter({{"le", "+Inf"}}, total);
    metrics.counter("tally_journal_syncs_total", "Syncs of the consensus journal")
        .advance_to(static_cast<double>(status.journal_syncs));
    metrics.counter("tally_journal_sync_seconds_total", "Time they took together")
        .advance_to(seconds(status.journal_sync_total));
    metrics.gauge("tally_journal_sync_last_seconds", "The newest one")
        .set(seconds(status.journal_sync_last));
    metrics.gauge("tally_journal_sync_max_seconds", "The longest one since start")
        .set(seconds(status.journal_sync_max));
}

}  // namespace

void collect_membership(Metrics& metrics, const StateView& state) {
    const EpochRecord epoch = find_epoch(state);
    const std::vector<MemberRecord> members = list_members(state);
    const auto suspended =
        std::count_if(members.begin(), members.end(),
                      [](const MemberRecord& record) { return record.suspended; });
    const auto gauge = [&metrics](const char* name, const char* help, std::size_t value) {
        metrics.gauge(name, help).set(static_cast<double>(value));
    };
    gauge("tally_members", "Members of the network", members.size());
    gauge("tally_members_suspended", "Members that are suspended",
          static_cast<std::size_t>(suspended));
    gauge("tally_validators", "Validators of the current epoch", epoch.validators.size());
    gauge("tally_validators_wanted", "Validators that members ask for",
          wanted_validators(state).size());
    gauge("tally_validators_ready", "Of the next set, those that reported ready",
          epoch.ready.size());
    gauge("tally_proposals_open", "Changes that wait for votes", list_proposals(state).size());
    gauge("tally_epoch_first_height", "First block of the current epoch", epoch.first_height);
    gauge("tally_epoch_blocks_max", "Blocks of the longest epoch",
          find_parameters(state).epoch_blocks_max);
}

void collect_replica(Metrics& metrics, const Replica& replica) {
    const consensus::DriverStatus status = replica.status();
    const auto gauge = [&metrics](const char* name, const char* help, auto value) {
        metrics.gauge(name, help).set(static_cast<double>(value));
    };
    const auto counter = [&metrics](const char* name, const char* help, std::uint64_t total) {
        metrics.counter(name, help).advance_to(static_cast<double>(total));
    };
    gauge("tally_height", "Height of the last final block", status.final_height);
    gauge("tally_view", "Current view of consensus", status.view);
    gauge("tally_last_final_view", "View of the newest finalization", status.last_final_view);
    gauge("tally_unfinalized_blocks", "Executed or known blocks not yet final",
          status.unfinalized_blocks);
    gauge("tally_validators_connected", "Validators linked to this node",
          status.validators_connected);
    gauge("tally_peers", "Members linked to this node", status.peers);
    gauge("tally_delta_seconds", "Bound on delay that timers use, with back-off",
          seconds(status.delta));
    gauge("tally_mempool_envelopes", "Verified envelopes not yet final", replica.mempool().size());
    gauge("tally_mempool_bytes", "Their bytes", replica.mempool().bytes());
    counter("tally_blocks_total", "Blocks made final since start", status.blocks_committed);
    counter("tally_views_nullified_total", "Views that ended without a block",
            status.views_nullified);
    counter("tally_proposals_rejected_total", "Proposals refused", status.proposals_rejected);
    counter("tally_blocks_fetched_total", "Blocks asked from peers", status.blocks_fetched);
    counter("tally_consensus_messages_rejected_total", "Undecodable or against the protocol",
            status.messages_rejected);
    counter("tally_evidence_total", "Proofs of equivocation found", status.evidence);
    counter("tally_consensus_messages_dropped_total", "More than a peer may send in a second",
            status.messages_dropped);
    gauge("tally_epoch", "Current epoch of consensus", status.epoch);
    gauge("tally_time_in_view_seconds", "Since the current view was entered",
          seconds(status.time_in_view));
    gauge("tally_unfinalized_views", "Views left since the last final one",
          status.unfinalized_views);
    gauge("tally_sealing", "1 while a block that ends the epoch is certified and not final",
          status.is_sealing ? 1 : 0);
    counter("tally_epochs_begun_total", "Epochs begun since start", status.epochs_begun);
    collect_role(metrics, status.role);
    collect_votes(metrics, status);
    collect_nullified(metrics, status);
    collect_journal(metrics, status);
    counter("tally_blocks_refused_total", "Invalid proposed blocks", replica.refused_blocks());
}

void collect_links(Metrics& metrics, const LinkMetrics& links) {
    for (const auto& [kind, counts] : links.frames) {
        const MetricLabels labels{{"kind", kind_text(kind)}};
        metrics.counter("tally_frames_sent_total", "Frames sent", labels)
            .advance_to(static_cast<double>(counts.sent));
        metrics.counter("tally_frame_bytes_sent_total", "Bytes of frames sent", labels)
            .advance_to(static_cast<double>(counts.sent_bytes));
        metrics.counter("tally_frames_received_total", "Frames received", labels)
            .advance_to(static_cast<double>(counts.received));
        metrics.counter("tally_frame_bytes_received_total", "Bytes of frames received", labels)
            .advance_to(static_cast<double>(counts.received_bytes));
        metrics.counter("tally_frames_dropped_total", "Frames not sent", labels)
            .advance_to(static_cast<double>(counts.dropped));
    }
    for (const auto& [reason, count] : links.refusals) {
        metrics
            .counter("tally_links_ended_total", "Connections refused or ended",
                     {{"reason", to_text(reason)}})
            .advance_to(static_cast<double>(count));
    }
}

void collect_roaming(Metrics& metrics, const RoamingService::Load& load) {
    const auto gauge = [&metrics](const char* role, std::size_t value) {
        metrics.gauge("tally_sessions_open", "Charges not yet finished", {{"side", role}})
            .set(static_cast<double>(value));
    };
    gauge("visited", load.visited_open);
    gauge("home", load.home_open);
    metrics.gauge("tally_submissions_pending", "Own transactions not yet final")
        .set(static_cast<double>(load.submissions));
    metrics.gauge("tally_outbox_messages", "Messages to members not yet acknowledged")
        .set(static_cast<double>(load.outbox));
    metrics
        .gauge("tally_unmatched_charges",
               "Ended charges of our bridges that could not be taken up and wait for a person")
        .set(static_cast<double>(load.unmatched));
}

void collect_store(Metrics& metrics, const std::string& name, LevelDbStore& store) {
    const LevelDbStore::Figures figures = store.figures();
    const MetricLabels labels{{"store", name}};
    metrics
        .gauge("tally_leveldb_files_at_level0", "From 8 on writes are slowed, at 12 they wait",
               labels)
        .set(static_cast<double>(figures.files_at_level0));
    metrics.gauge("tally_leveldb_memory_bytes", "Held for writing and as cache, about", labels)
        .set(static_cast<double>(figures.memory_bytes));
    metrics
        .gauge("tally_leveldb_slowest_write_seconds", "Since these figures were asked last", labels)
        .set(std::chrono::duration<double>{store.take_slowest_write()}.count());
    metrics.gauge("tally_leveldb_snapshots", "Open ones, which keep what is replaced", labels)
        .set(static_cast<double>(figures.snapshots));
}

}  // namespace tally::node
