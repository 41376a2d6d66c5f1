// Rules R3 to R8.

#include "tests/consensus/model/naive_core.h"

#include <algorithm>

namespace tally::consensus::model {

namespace {

/// Views that are lost from the start end at once so many times in a row without a finalization.
constexpr std::uint64_t quick_views_in_a_row{16};
constexpr Time help_interval{1'000'000};

}  // namespace

void NaiveCore::r3_proposal(const ProposalReceived& event) {
    const Proposal& proposal = event.proposal;
    note_spoken(event.from, proposal.epoch, proposal.view);
    const Vote vote{{proposal.epoch, VoteKind::notarize, proposal.view, proposal.parent_view,
                     event.meta.digest},
                    event.from,
                    proposal.leader_signature};
    if (proposal.epoch == m_options.epoch) {
        r7_help(event.from, proposal.view);
    }
    const bool is_near = proposal.view == m_view || proposal.view == m_view + 1;
    if (proposal.view < m_view && proposal.epoch == m_options.epoch &&
        signature_holds(event.from, vote.statement, vote.signature)) {
        r4_collect(vote);  // Too late, but the vote in it is one.
    }
    if (proposal.epoch != m_options.epoch || !is_near || event.from != m_leader(proposal.view) ||
        !signature_holds(event.from, vote.statement, vote.signature)) {
        return;
    }
    if (!r3_header_holds(proposal, event.meta) || !r3_justification_fits(proposal, event.meta)) {
        return;
    }
    if (!r3_justification_holds(proposal.justification)) {
        r4_collect(vote);  // It counts whatever becomes of the block.
        return;
    }
    if (proposal.justification.parent) {
        r5_certificate(*proposal.justification.parent);
    }
    for (const QuorumCertificate& certificate : proposal.justification.nullifications) {
        r5_certificate(certificate);
    }
    r4_collect(vote);
    if (r3_stands_on_final(proposal, event.meta)) {
        m_proposals.emplace(proposal.view, event);
    }
}

/// Not below or beside the last final block.
bool NaiveCore::r3_stands_on_final(const Proposal& proposal, const BlockMeta& meta) const {
    const bool is_again = meta.seals_epoch && meta.view < proposal.view;
    const Hash& parent = is_again ? meta.digest : meta.parent;
    return proposal.parent_view > m_final_view ||
           (proposal.parent_view == m_final_view && parent == m_final_digest);
}

bool NaiveCore::r3_header_holds(const Proposal& proposal, const BlockMeta& meta) const {
    if (meta.epoch != m_options.epoch || proposal.parent_view >= proposal.view) {
        return false;
    }
    const bool is_again = meta.seals_epoch && meta.view < proposal.view;
    if (is_again) {
        return proposal.parent_view >= meta.view;
    }
    return meta.view == proposal.view && meta.parent_view == proposal.parent_view &&
           meta.proposer == m_leader(proposal.view);
}

/// A certificate of the very parent, and the newest nullifications between it and the proposal.
bool NaiveCore::r3_justification_fits(const Proposal& proposal, const BlockMeta& meta) const {
    const Justification& given = proposal.justification;
    const bool is_again = meta.seals_epoch && meta.view < proposal.view;
    const bool stands_on_genesis = proposal.parent_view == 0;
    if (given.parent.has_value() == stands_on_genesis) {
        return false;
    }
    if (given.parent &&
        (given.parent->statement.kind == VoteKind::nullify ||
         given.parent->statement.view != proposal.parent_view ||
         given.parent->statement.digest != (is_again ? meta.digest : meta.parent))) {
        return false;
    }
    const std::uint64_t gap = proposal.view - proposal.parent_view - 1;
    if (given.nullifications.size() != std::min<std::uint64_t>(gap, inline_nullifications_max)) {
        return false;
    }
    View view = proposal.view - given.nullifications.size();
    for (const QuorumCertificate& nullification : given.nullifications) {
        if (nullification.statement.kind != VoteKind::nullify ||
            nullification.statement.view != view++) {
            return false;
        }
    }
    return true;
}

bool NaiveCore::r3_justification_holds(const Justification& given) const {
    return (!given.parent || is_held_or_holds(*given.parent)) &&
           std::all_of(given.nullifications.begin(), given.nullifications.end(),
                       [this](const QuorumCertificate& one) { return is_held_or_holds(one); });
}

bool NaiveCore::r3_gap_is_nullified(View parent_view, View view) const {
    for (View between = parent_view + 1; between < view; ++between) {
        if (!holds(VoteKind::nullify, between)) {
            return false;
        }
    }
    return true;
}

void NaiveCore::r3_examine() {
    const auto found = m_proposals.find(m_view);
    if (found == m_proposals.end() || m_examined.contains(m_view)) {
        return;
    }
    const Proposal& proposal = found->second.proposal;
    if (!r3_gap_is_nullified(proposal.parent_view, m_view)) {
        return;
    }
    m_examined.insert(m_view);
    m_effects.emplace_back(ExamineBlock{m_view, found->second.meta.digest, found->second.from,
                                        proposal.header, proposal.envelopes});
}

void NaiveCore::r3_notarize() {
    const auto verdict = m_verdicts.find(m_view);
    if (verdict == m_verdicts.end() || !verdict->second || !may_vote() ||
        !r0_may_notarize(m_view)) {
        return;
    }
    const ProposalReceived& event = m_proposals.at(m_view);
    ask({m_options.epoch, VoteKind::notarize, m_view, event.proposal.parent_view,
         event.meta.digest},
        NullifyReason::none);
}

/// The first vote of a signer, view and kind counts; another one is evidence.
void NaiveCore::r4_collect(const Vote& vote) {
    r4_find_evidence(vote);
    m_all_votes.push_back(vote);
    m_votes[{vote.statement.view, vote.statement.kind}].emplace(vote.signer, vote);
    r4_count(vote.statement);
}

void NaiveCore::r4_count(const VoteStatement& statement) {
    QuorumCertificate certificate;
    certificate.statement = statement;
    for (const auto& [signer, vote] : m_votes[{statement.view, statement.kind}]) {
        if (vote.statement == statement) {
            certificate.bitmap |= std::uint64_t{1} << signer;
            certificate.signatures.push_back(vote.signature);
        }
    }
    if (certificate.signatures.size() >= quorum()) {
        r5_certificate(certificate);
    }
}

void NaiveCore::r4_find_evidence(const Vote& vote) {
    for (const Vote& other : m_all_votes) {
        const VoteStatement& first = other.statement;
        const VoteStatement& second = vote.statement;
        if (other.signer != vote.signer || first.view != second.view) {
            continue;
        }
        const bool same_kind = first.kind == second.kind;
        const bool notarizes_two = same_kind && first.kind == VoteKind::notarize && first != second;
        const bool finalizes_two =
            same_kind && first.kind == VoteKind::finalize && first.digest != second.digest;
        const bool gives_up_what_is_final =
            !same_kind && first.kind != VoteKind::notarize && second.kind != VoteKind::notarize;
        if ((notarizes_two || finalizes_two || gives_up_what_is_final) &&
            m_convicted.insert({first.view, vote.signer}).second) {
            m_effects.emplace_back(ReportEvidence{other, vote});
        }
    }
}

void NaiveCore::r5_certificate(const QuorumCertificate& certificate) {
    look_for_own_vote(certificate);
    const VoteStatement& statement = certificate.statement;
    if (statement.view <= m_final_view || holds(statement.kind, statement.view)) {
        return;
    }
    m_certificates[{statement.view, statement.kind}] = certificate;
    m_effects.emplace_back(KeepCertificate{certificate});
    switch (statement.kind) {
        case VoteKind::notarize:
            r5_notarization(certificate);
            break;
        case VoteKind::nullify:
            r5_nullification(certificate);
            break;
        case VoteKind::finalize:
            r5_finalization(certificate);
            break;
    }
    for (const Vote& vote : votes_of(certificate)) {
        r4_collect(vote);
    }
}

void NaiveCore::r5_notarization(const QuorumCertificate& certificate) {
    const VoteStatement& statement = certificate.statement;
    if (statement.view < m_view) {
        return;
    }
    if (may_vote() && r0_may_finalize(statement.view, statement.digest)) {
        ask({m_options.epoch, VoteKind::finalize, statement.view, statement.parent_view,
             statement.digest},
            NullifyReason::none);
    }
    // A view that came to its end after we gave it up was too short.
    if (asked_since(VoteKind::nullify, statement.view)) {
        r6_lengthen();
    }
    r1_enter(statement.view + 1);
}

void NaiveCore::r5_nullification(const QuorumCertificate& certificate) {
    if (certificate.statement.view >= m_view) {
        r6_lengthen();
        r1_enter(certificate.statement.view + 1);
    }
}

void NaiveCore::r5_finalization(const QuorumCertificate& certificate) {
    m_final_view = certificate.statement.view;
    m_final_digest = certificate.statement.digest;
    m_lost_views_in_a_row = 0;
    m_delta = std::max(m_options.delta, m_delta / 2);
    if (m_final_view >= m_view) {
        r1_enter(m_final_view + 1);
    }
}

/// From the second lost view in a row on; the row ends with a finalization.
void NaiveCore::r6_lengthen() {
    ++m_lost_views_in_a_row;
    if (m_lost_views_in_a_row >= 2) {
        m_delta = std::min(m_options.delta_max, m_delta + m_delta / 2);
    }
}

/// A proposal was seen since the start. A leader that builds has its own, as far as its timers go.
bool NaiveCore::is_proposed() const {
    return m_proposals.contains(m_view) || m_built.contains(m_view);
}

/// The block is invalid, none can be built, or the leader gave up its own view.
bool NaiveCore::r6_is_lost_from_the_start() const {
    if (m_hopeless.contains(m_view)) {
        return true;
    }
    const auto votes = m_votes.find({m_view, VoteKind::nullify});
    return votes != m_votes.end() && votes->second.contains(m_leader(m_view)) &&
           m_leader(m_view) != m_self;
}

/// Not heard for `skip_timeout`, or for as long without taking part (a vote in our view then, or in
/// a newer one than before) while two rounds of leaders went by.
bool NaiveCore::r6_is_silent(ValidatorIndex peer, Time when) const {
    Time took_part = m_started;
    View newest = m_start_view;
    for (const Spoken& one : m_spoken) {
        if (one.peer == peer && (one.view >= one.our_view || one.view > newest)) {
            took_part = one.when;
            newest = std::max(newest, one.view);
        }
    }
    const bool takes_no_part = when - took_part >= m_options.skip_timeout &&
                               m_view > newest + 2 * m_options.validators.size();
    return when - m_heard.at(peer) >= m_options.skip_timeout || takes_no_part;
}

/// A quorum, with us, is not silent, but the leader is.
bool NaiveCore::r6_leader_is_silent(Time when) const {
    std::size_t others{0};
    for (const auto& [peer, heard] : m_heard) {
        others += peer != m_self && !r6_is_silent(peer, when) ? 1U : 0U;
    }
    return r6_is_silent(m_leader(m_view), when) && others + 1 >= quorum();
}

/// When the view is given up if nothing else happens.
Time NaiveCore::r6_time_to_nullify() const {
    const bool is_ours = m_leader(m_view) == m_self;
    const Time lead_ends = r8_start() + 2 * m_delta;
    const Time view_ends = r8_start() + 3 * m_delta;
    const bool is_lost = r6_is_lost_from_the_start();
    if (is_lost && m_lost_views_in_a_row < quick_views_in_a_row) {
        return m_now;
    }
    Time first = lead_ends;
    if (is_proposed() || is_ours) {
        return is_lost ? lead_ends : view_ends;
    }
    for (const Spoken& one : m_spoken) {
        const Time ends = one.when + m_options.skip_timeout;
        if (one.peer == m_leader(m_view) && ends > m_now && ends < first &&
            r6_leader_is_silent(ends)) {
            first = ends;
        }
    }
    const Time ends = m_heard.at(m_leader(m_view)) + m_options.skip_timeout;
    if (ends > m_now && ends < first && r6_leader_is_silent(ends)) {
        first = ends;
    }
    return r6_leader_is_silent(m_now) ? m_now : first;
}

void NaiveCore::r6_timers() {
    if (may_vote() && r0_may_nullify(m_view) && m_view <= m_final_view + unfinalized_views_max &&
        m_now >= r6_time_to_nullify()) {
        ask({m_options.epoch, VoteKind::nullify, m_view, 0, Hash{}}, NullifyReason::none);
    }
    const auto repeated =
        std::find_if(m_released.rbegin(), m_released.rend(), [this](const Vote& vote) {
            return vote.statement.kind == VoteKind::nullify && vote.statement.view == m_view;
        });
    if (repeated != m_released.rend() && m_now >= m_retry_at) {
        m_retry_at = m_now + m_options.retry_interval;
        m_effects.emplace_back(RepeatVote{*repeated, r6_entry_certificate()});
    }
}

std::optional<QuorumCertificate> NaiveCore::r6_entry_certificate() const {
    const QuorumCertificate* best{nullptr};
    if (m_final_view + 1 >= m_view) {
        best = certificate(VoteKind::finalize, m_final_view);
    }
    for (const VoteKind kind : {VoteKind::nullify, VoteKind::notarize}) {
        best = best == nullptr ? certificate(kind, m_view - 1) : best;
    }
    return best == nullptr ? std::nullopt : std::optional{*best};
}

/// Whoever votes in a view that we left gets a certificate, once per second.
void NaiveCore::r7_help(ValidatorIndex peer, View their_view) {
    const auto helped = m_helped.find(peer);
    if (their_view >= m_view ||
        (helped != m_helped.end() && m_now < helped->second + help_interval)) {
        return;
    }
    const bool is_settled = m_final_view >= their_view || holds(VoteKind::nullify, their_view) ||
                            holds(VoteKind::notarize, their_view);
    const std::optional<QuorumCertificate> entry = r6_entry_certificate();
    if (is_settled || entry) {
        m_helped[peer] = m_now;
        m_effects.emplace_back(SendCertificate{peer, entry.value_or(QuorumCertificate{})});
    }
}

/// Since when there is a reason for a block: a pending envelope, a proposal, f + 1 others that
/// vote.
void NaiveCore::r8_note_reason() {
    std::set<ValidatorIndex> voters;
    for (const VoteKind kind : {VoteKind::notarize, VoteKind::nullify, VoteKind::finalize}) {
        for (const auto& [signer, vote] : m_votes[{m_view, kind}]) {
            voters.insert(signer);
        }
    }
    const std::size_t faults = m_options.validators.size() - quorum();
    if (!m_reason_since && (m_pending || m_proposals.contains(m_view) || voters.size() > faults)) {
        m_reason_since = m_now;
    }
}

bool NaiveCore::r8_is_unfinalized() const {
    return std::any_of(m_certificates.begin(), m_certificates.end(), [this](const auto& one) {
        return one.first.second == VoteKind::notarize && one.first.first > m_final_view;
    });
}

Time NaiveCore::r8_start() const {
    if (m_reason_since) {
        return *m_reason_since;
    }
    return m_entered + (r8_is_unfinalized() ? m_delta : m_options.idle_interval);
}

std::optional<Time> NaiveCore::next_due() const {
    std::optional<Time> due;
    const auto add = [&due](Time when) { due = due ? std::min(*due, when) : when; };
    if (may_vote() && m_leader(m_view) == m_self && r0_may_notarize(m_view) &&
        !m_built.contains(m_view) && r2_walk_down()) {
        add(r8_start());
    }
    if (may_vote() && r0_may_nullify(m_view) && m_view <= m_final_view + unfinalized_views_max) {
        add(r6_time_to_nullify());
    }
    for (const Vote& vote : m_released) {
        if (vote.statement.kind == VoteKind::nullify && vote.statement.view == m_view) {
            add(m_retry_at);
        }
    }
    return due;
}

}  // namespace tally::consensus::model
