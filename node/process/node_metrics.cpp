#include "node/process/node_metrics.h"

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
    }
    return "control";
}

}  // namespace

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
}

}  // namespace tally::node
