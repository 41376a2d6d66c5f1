// Carries out what the core asks for.

#include "consensus/driver/driver_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

namespace tally::consensus {
namespace {

/// A planted bug: votes of this kind leave before they are durable.
bool is_sent_unsynced([[maybe_unused]] VoteKind kind) {
    return (kind == VoteKind::notarize && planted(PlantedBug::notarize_before_sync)) ||
           (kind == VoteKind::nullify && planted(PlantedBug::nullify_before_sync)) ||
           (kind == VoteKind::finalize && planted(PlantedBug::finalize_before_sync));
}

}  // namespace

void Driver::Impl::perform(const EnterView& effect) {
    m_entered_view = effect.view;
    m_entered_at = now();
    m_examination.reset();
    m_build.reset();
    m_own_block.reset();
    m_clock_wait.reset();
    if (is_pending()) {
        feed(PendingChanged{true});
    }
}

void Driver::Impl::perform(ExamineBlock& effect) {
    const std::optional<BlockMeta> meta = m_application.decode_header(effect.header);
    ENSURE(meta.has_value());
    // The list of envelopes is not under the digest: a wrong one must not stick to the block, which
    // may become final with the right one.
    if (is_misplaced(*meta) || (!m_application.body_matches(effect.header, effect.envelopes) &&
                                !planted(PlantedBug::body_unchecked))) {
        ++m_counters.proposals_rejected;
        feed(BlockExamined{effect.view, effect.digest, false});
        return;
    }
    fill_from_mempool(m_tree.insert(*meta, effect.header, effect.envelopes));
    m_examination = Examination{effect.view, effect.digest, effect.leader};
}

void Driver::Impl::perform(BuildBlock& effect) { m_build = std::move(effect); }

/// The body goes into the journal before the record of the vote for it; both are synced before
/// the vote is sent at the end of the turn.
void Driver::Impl::perform(const CastVote& effect) {
    const VoteStatement& statement = effect.statement;
    if (!m_signer) {
        return;
    }
    if (statement.kind == VoteKind::nullify) {
        m_own_nullify = std::pair{statement.view, effect.reason};
    }
    if (statement.kind == VoteKind::notarize) {
        TreeBlock* block = m_tree.find(statement.digest);
        if (block == nullptr ||
            (!block->executed && !planted(PlantedBug::notarize_before_execution))) {
            return;  // finalized or cut off in this very turn
        }
        journal_block(*block);
    }
    const std::optional<Vote> vote = m_signer->sign(statement);
    if (!vote) {
        halt("consensus: the safety record refuses a vote that the protocol asked for in view " +
             std::to_string(statement.view));
        return;
    }
    if (statement.kind == VoteKind::notarize && m_own_block &&
        m_own_block->digest == statement.digest && m_own_block->view == statement.view) {
        send_proposal(*vote);
    } else {
        send_to_validators(*vote);
    }
    if (is_sent_unsynced(statement.kind)) {
        transmit();
    }
    feed(VoteCast{*vote});
}

void Driver::Impl::journal_block(TreeBlock& block) {
    if (!block.journaled) {
        m_ports.journal->append_block({block.header, block.envelopes});
        block.journaled = true;
    }
}

void Driver::Impl::send_proposal(const Vote& leader_vote) {
    Proposal proposal = std::move(m_own_block->proposal);
    m_own_block.reset();
    proposal.leader_signature = leader_vote.signature;
    m_own_proposal_view = proposal.view;
    m_own_proposal = encode_message(proposal);
    m_ports.journal->append_own_proposal(m_own_proposal);
    m_outbox.push_back({Audience::all, 0, m_own_proposal});
    ++m_counters.proposals_sent;
    if (planted(PlantedBug::proposal_before_sync)) {
        transmit();
    }
}

/// A finalization needs no place in the journal when the ledger commits it within the same turn:
/// the segment holds it then. `publish` decides.
void Driver::Impl::perform(const KeepCertificate& effect) {
    const QuorumCertificate& certificate = effect.certificate;
    m_tree.certify(certificate);
    if (certificate.statement.kind == VoteKind::finalize) {
        m_unkept_finalization = certificate;
    } else if (m_signer) {
        m_ports.journal->append_certificate(certificate);
    }
    if (certificate.statement.kind == VoteKind::nullify) {
        note_nullified(certificate);
    }
    send_to_all(certificate);
    if (planted(PlantedBug::certificate_before_sync)) {
        transmit();
    }
}

void Driver::Impl::perform(const SendCertificate& effect) {
    for (const auto& [id, peer] : m_peers.all()) {
        if (peer.index == effect.to) {
            send(id, effect.certificate);
        }
    }
}

void Driver::Impl::perform(const RepeatVote& effect) {
    send_to_validators(effect.vote);
    if (effect.entry) {
        send_to_validators(*effect.entry);
    }
}

void Driver::Impl::perform(const ReportEvidence& effect) {
    const Evidence evidence{effect.first, effect.second};
    ++m_counters.evidence;
    if (m_ports.journal->append_evidence(evidence)) {
        m_new_evidence.push_back(evidence);
    }
}

void Driver::Impl::perform(const RejectSender& effect) { reject(m_sender, effect.reason); }

}  // namespace tally::consensus
