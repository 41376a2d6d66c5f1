// R3: what a validator does with a proposal.

#include "consensus/planted_bug.h"
#include "consensus/simplex/core.h"

#include <algorithm>

namespace tally::consensus {

/// What no honest leader sends, seen without any signature check. Null when there is nothing.
const char* Core::header_problem(const Proposal& proposal, const BlockMeta& meta) const {
    if (proposal.parent_view >= proposal.view) {
        return "proposal: parent_view not below view";
    }
    if (is_again(proposal, meta)) {
        const bool fits = meta.epoch == proposal.epoch && proposal.parent_view >= meta.view;
        return fits ? nullptr : "proposal: sealing block of another view";
    }
    if (meta.epoch != proposal.epoch || meta.view != proposal.view ||
        meta.parent_view != proposal.parent_view) {
        return "proposal: header of another view";
    }
    if (meta.proposer != leader(proposal.view) && !planted(PlantedBug::proposal_from_anybody)) {
        return "proposal: header of another proposer";
    }
    return nullptr;
}

const char* Core::justification_problem(const Proposal& proposal, const BlockMeta& meta) const {
    const Justification& justification = proposal.justification;
    if (justification.parent.has_value() != (proposal.parent_view != 0)) {
        return "proposal: parent certificate missing";
    }
    if (justification.parent) {
        const VoteStatement& parent = justification.parent->statement;
        if (parent.kind == VoteKind::nullify || parent.epoch != m_options.epoch ||
            parent.view != proposal.parent_view ||
            (parent.digest != parent_of(proposal, meta) &&
             !planted(PlantedBug::parent_unchecked))) {
            return "proposal: parent certificate is about something else";
        }
    }
    const View gap = proposal.view - proposal.parent_view - 1;
    const View wanted = std::min<View>(gap, inline_nullifications_max);
    if (planted(PlantedBug::justification_gap_unchecked)) {
        return nullptr;
    }
    if (justification.nullifications.size() != wanted) {
        return "proposal: nullifications missing";
    }
    View view = proposal.view - wanted;
    for (const QuorumCertificate& nullification : justification.nullifications) {
        const VoteStatement& statement = nullification.statement;
        if (statement.kind != VoteKind::nullify || statement.epoch != m_options.epoch ||
            statement.view != view++) {
            return "proposal: nullification of another view";
        }
    }
    return nullptr;
}

bool Core::is_known(const QuorumCertificate& certificate) const {
    const VoteStatement& statement = certificate.statement;
    if (statement.view <= m_final_view) {
        return true;
    }
    if (statement.kind == VoteKind::finalize) {
        return false;
    }
    const auto& held = statement.kind == VoteKind::notarize ? m_notarizations : m_nullifications;
    const auto found = held.find(statement.view);
    return found != held.end() && found->second.statement == statement;
}

bool Core::justification_holds(const Justification& justification) const {
    const auto holds = [this](const QuorumCertificate& certificate) {
        return is_known(certificate) || verify(certificate) ||
               planted(PlantedBug::justification_unverified);
    };
    if (justification.parent && !holds(*justification.parent)) {
        return false;
    }
    return std::all_of(justification.nullifications.begin(), justification.nullifications.end(),
                       holds);
}

bool Core::gap_is_nullified(View parent_view, View view) const {
    for (View between = view - 1; between > parent_view; --between) {
        if (m_nullifications.count(between) == 0 &&
            !planted(PlantedBug::justification_gap_unchecked)) {
            return false;
        }
    }
    return true;
}

/// Cheap checks first; then the certificates are taken in, which may bring us into the view.
void Core::on(const ProposalReceived& event) {
    const Proposal& proposal = event.proposal;
    m_heard[event.from] = m_now;
    if (proposal.epoch != m_options.epoch) {
        return;
    }
    note_vote(event.from, proposal.view);
    if (proposal.view < m_view) {
        if (is_in_window(proposal.view)) {
            record(leader_vote(event), false);
        }
        help(event.from, proposal.view);
        return;
    }
    if (event.from != leader(proposal.view) && !planted(PlantedBug::proposal_from_anybody)) {
        m_effects.push_back(RejectSender{"proposal: not the leader"});
        return;
    }
    const char* problem = header_problem(proposal, event.meta);
    if (problem == nullptr) {
        problem = justification_problem(proposal, event.meta);
    }
    if (problem != nullptr) {
        m_effects.push_back(RejectSender{problem});
        return;
    }
    take_offer(event);
}

Vote Core::leader_vote(const ProposalReceived& event) const {
    const Proposal& proposal = event.proposal;
    Vote vote;
    vote.statement = {m_options.epoch, VoteKind::notarize, proposal.view, proposal.parent_view,
                      event.meta.digest};
    vote.signer = event.from;
    vote.signature = proposal.leader_signature;
    return vote;
}

void Core::take_offer(const ProposalReceived& event) {
    const Proposal& proposal = event.proposal;
    const Vote vote = leader_vote(event);
    const Vote* held = find_vote(proposal.view, VoteKind::notarize, event.from);
    if ((held == nullptr || *held != vote) && !verify(vote)) {
        m_effects.push_back(RejectSender{"proposal: wrong signature"});
        return;
    }
    // The leader's vote counts whatever becomes of the block that it offers.
    const auto count_vote = [this, &vote] {
        if (is_in_window(vote.statement.view)) {
            record(vote, true);
        }
    };
    if (proposal.parent_view < m_final_view) {
        count_vote();
        return;
    }
    if (!justification_holds(proposal.justification)) {
        count_vote();
        m_effects.push_back(RejectSender{"proposal: certificate does not hold"});
        return;
    }
    if (proposal.justification.parent) {
        accept(*proposal.justification.parent);
    }
    for (const QuorumCertificate& nullification : proposal.justification.nullifications) {
        accept(nullification);
    }
    if (proposal.view != m_view || proposal.parent_view < m_final_view ||
        (proposal.parent_view == m_final_view &&
         parent_of(proposal, event.meta) != m_final_digest &&
         !planted(PlantedBug::parent_unchecked))) {
        count_vote();
        return;
    }
    record(vote, true);
    if (planted(PlantedBug::notarize_both_proposals) && round(m_view).offer &&
        round(m_view).offer->statement != vote.statement) {
        round(m_view).offer.reset();
        m_notarize_view = m_view - 1;
    }
    if (proposal.view != m_view || round(m_view).offer) {
        return;
    }
    Offer offer;
    offer.statement = vote.statement;
    offer.header = proposal.header;
    offer.envelopes = proposal.envelopes;
    round(m_view).offer = std::move(offer);
    note_activity();
}

/// Asks for the block to be executed, once every view between it and its parent is known to be
/// nullified (a long gap does not fit into the proposal).
void Core::try_examine() {
    const auto found = m_rounds.find(m_view);
    if (found == m_rounds.end() || !found->second.offer) {
        return;
    }
    Offer& offer = *found->second.offer;
    if (offer.examining || offer.statement.parent_view < m_final_view ||
        !gap_is_nullified(offer.statement.parent_view, m_view)) {
        return;
    }
    offer.examining = true;
    m_effects.push_back(ExamineBlock{m_view, offer.statement.digest, leader(m_view),
                                     std::move(offer.header), std::move(offer.envelopes)});
}

void Core::on(const BlockExamined& event) {
    const auto found = m_rounds.find(event.view);
    if (event.view != m_view || found == m_rounds.end() || !found->second.offer ||
        found->second.offer->statement.digest != event.digest) {
        return;
    }
    found->second.offer->verdict = event.valid ? Verdict::valid : Verdict::invalid;
    if (!event.valid) {
        m_must_nullify = NullifyReason::invalid_proposal;
    }
}

void Core::try_notarize() {
    const auto found = m_rounds.find(m_view);
    if (!may_notarize(m_view) || found == m_rounds.end() || !found->second.offer ||
        (found->second.offer->verdict != Verdict::valid &&
         !planted(PlantedBug::notarize_before_execution))) {
        return;
    }
    m_notarize_view = m_view;
    m_effects.push_back(CastVote{found->second.offer->statement});
}

}  // namespace tally::consensus
