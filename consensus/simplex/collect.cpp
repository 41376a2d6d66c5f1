// R4: votes, and the certificates that a quorum of them makes.

#include "consensus/planted_bug.h"
#include "consensus/simplex/core.h"
#include "ledger/base/check.h"

#include <algorithm>

namespace tally::consensus {
namespace {

std::size_t slot_of(VoteKind kind) { return static_cast<std::size_t>(kind) - 1; }

}  // namespace

Core::Round& Core::round(View view) {
    Round& round = m_rounds[view];
    if (round.votes[0].empty()) {
        for (auto& votes : round.votes) {
            votes.resize(m_options.validators.size());
        }
    }
    return round;
}

const Vote* Core::find_vote(View view, VoteKind kind, ValidatorIndex signer) const {
    const auto found = m_rounds.find(view);
    if (found == m_rounds.end() || found->second.votes[0].empty()) {
        return nullptr;
    }
    const std::optional<HeldVote>& held = found->second.votes[slot_of(kind)][signer];
    return held && held->verified ? &held->vote : nullptr;
}

bool Core::holds(ValidatorIndex signer, const Hash& digest, const Signature& signature) const {
    const VerifyKey& key = m_options.validators[signer];
    return m_options.check_signature ? m_options.check_signature(key, digest, signature)
                                     : key.verify(digest, signature);
}

bool Core::verify(const Vote& vote) const {
    return vote.signer < m_options.validators.size() &&
           holds(vote.signer, vote.statement.signing_digest(m_options.chain_id), vote.signature);
}

bool Core::verify(const QuorumCertificate& certificate) const {
    const VoteStatement& statement = certificate.statement;
    const std::size_t count = m_options.validators.size();
    const std::uint64_t all = count == 64 ? UINT64_MAX : (std::uint64_t{1} << count) - 1;
    const auto signers = static_cast<std::size_t>(__builtin_popcountll(certificate.bitmap));
    const bool is_ours =
        statement.epoch == m_options.epoch || planted(PlantedBug::old_epoch_replay);
    if (!is_ours || (certificate.bitmap & ~all) != 0 || signers < m_quorum ||
        signers != certificate.signatures.size()) {
        return false;
    }
    const Hash digest = statement.signing_digest(m_options.chain_id);
    std::size_t next{0};
    for (ValidatorIndex signer = 0; signer < count; ++signer) {
        if ((certificate.bitmap >> signer & 1) == 0) {
            continue;
        }
        const Signature& signature = certificate.signatures[next++];
        const Vote* known = find_vote(statement.view, statement.kind, signer);
        if (known != nullptr && known->statement == statement && known->signature == signature &&
            !planted(PlantedBug::certificates_checked_again)) {
            continue;
        }
        if (!holds(signer, digest, signature)) {
            return false;
        }
    }
    return true;
}

void Core::on(const VoteReceived& event) {
    const VoteStatement& statement = event.vote.statement;
    m_heard[event.from] = m_now;
    if (event.vote.signer != event.from && !planted(PlantedBug::vote_of_claimed_signer)) {
        m_effects.push_back(RejectSender{"vote: of another signer"});
        return;
    }
    if (statement.epoch != m_options.epoch) {
        return;
    }
    note_vote(event.from, statement.view);
    // Whoever votes FINALIZE in a view has left it.
    const View their_view =
        statement.kind == VoteKind::finalize ? statement.view + 1 : statement.view;
    if (their_view < m_view) {
        help(event.from, statement.view);
    }
    if (!is_in_window(statement.view)) {
        return;
    }
    record(event.vote, planted(PlantedBug::vote_of_claimed_signer) &&
                           verify(Vote{statement, event.from, event.vote.signature}));
}

void Core::on(const VoteCast& event) {
    const VoteStatement& statement = event.vote.statement;
    ReleasedVote& released = m_safety.of(statement.kind);
    released = {statement.view, statement.parent_view, statement.digest, event.vote.signature};
    if (statement.kind == VoteKind::nullify) {
        m_retry_at = m_now + m_options.retry_interval;
    }
    if (planted(PlantedBug::finalize_without_notarization) &&
        statement.kind == VoteKind::notarize) {
        m_finalize_view = statement.view;
        m_effects.push_back(CastVote{{statement.epoch, VoteKind::finalize, statement.view,
                                      statement.parent_view, statement.digest}});
    }
    if (is_in_window(statement.view) && !planted(PlantedBug::own_vote_not_counted)) {
        record(event.vote, true);
    }
}

bool Core::has_vote(VoteKind kind, ValidatorIndex validator) const {
    const auto found = m_rounds.find(m_view);
    return found != m_rounds.end() && !found->second.votes[0].empty() &&
           found->second.votes[slot_of(kind)][validator].has_value();
}

bool Core::is_in_window(View view) const {
    return view != 0 && view <= m_view + 1 && view + vote_window > m_view;
}

/// Whether one vote more for this statement changes nothing.
bool Core::is_settled_as(const VoteStatement& statement) const {
    if (statement.view <= m_final_view) {
        return true;
    }
    const auto& held = statement.kind == VoteKind::notarize ? m_notarizations : m_nullifications;
    const auto found = held.find(statement.view);
    return statement.kind != VoteKind::finalize && found != held.end() &&
           found->second.statement == statement;
}

/// The first vote of a signer per view and kind is kept for good; a different one is evidence.
void Core::record(const Vote& vote, bool verified) {
    const VoteStatement& statement = vote.statement;
    Round& round = this->round(statement.view);
    if (meets_held_vote(round, vote, verified)) {
        return;
    }
    const bool settled = is_settled_as(statement);
    if (!verified && !settled && !verify(vote) && !planted(PlantedBug::vote_signature_unverified)) {
        m_effects.push_back(RejectSender{"vote: wrong signature"});
        return;
    }
    const HeldVote held{vote, verified || !settled};
    round.votes[slot_of(statement.kind)][vote.signer] = held;
    std::optional<HeldVote>& newest = m_newest[vote.signer][slot_of(statement.kind)];
    if (!newest || newest->vote.statement.view < statement.view) {
        newest = held;
    }
    find_conflict(round, vote);
    if (statement.view == m_view) {
        note_votes_of_others();
    }
    tally(statement);
}

/// Whether a vote of this kind and signer is held that leaves nothing to do for the new one but to
/// report both. What turns out not to be its signer's makes room.
bool Core::meets_held_vote(Round& round, const Vote& vote, bool verified) {
    std::optional<HeldVote>& held = round.votes[slot_of(vote.statement.kind)][vote.signer];
    if (!held) {
        return false;
    }
    if (held->vote.statement == vote.statement) {
        const bool is_better = verified || held->vote.signature != vote.signature;
        if (!held->verified && is_better && (verified || verify(vote))) {
            held = HeldVote{vote, true};
        }
        if (planted(PlantedBug::repeated_vote_counts_twice)) {
            tally(vote.statement, 1);
        }
        return true;
    }
    if ((round.reported >> vote.signer & 1) != 0 ||
        !is_equivocation(held->vote.statement, vote.statement)) {
        return true;
    }
    if (!verified && !verify(vote) && !planted(PlantedBug::vote_signature_unverified)) {
        m_effects.push_back(RejectSender{"vote: wrong signature"});
        return true;
    }
    if (!confirm(held)) {
        return false;
    }
    report(round, held->vote, vote);
    return true;
}

/// Checks what was kept unchecked; forgets it when it does not hold.
bool Core::confirm(std::optional<HeldVote>& held) const {
    if (held && !held->verified) {
        held->verified = verify(held->vote);
        if (!held->verified) {
            held.reset();
        }
    }
    return held.has_value();
}

void Core::report(Round& round, const Vote& first, const Vote& second) {
    round.reported |= std::uint64_t{1} << first.signer;
    m_effects.push_back(ReportEvidence{first, second});
}

/// NULLIFY and FINALIZE in one view contradict each other; NOTARIZE and NULLIFY do not.
void Core::find_conflict(Round& round, const Vote& vote) {
    const VoteKind kind = vote.statement.kind;
    if (kind == VoteKind::notarize && !planted(PlantedBug::notarize_and_nullify_as_evidence)) {
        return;
    }
    const VoteKind other = kind == VoteKind::nullify ? VoteKind::finalize : VoteKind::nullify;
    std::optional<HeldVote>& against = round.votes[slot_of(other)][vote.signer];
    std::optional<HeldVote>& held = round.votes[slot_of(kind)][vote.signer];
    if (against && (round.reported >> vote.signer & 1) == 0 && confirm(held) && confirm(against)) {
        report(round, against->vote, held->vote);
    }
}

/// The votes inside a certificate that holds are votes like others: an equivocator may show each of
/// its faces to one half of the validators only, and their certificates then meet.
void Core::record_signatures(const QuorumCertificate& certificate) {
    if (!is_in_window(certificate.statement.view)) {
        return;
    }
    std::size_t next{0};
    for (ValidatorIndex signer = 0; signer < m_options.validators.size(); ++signer) {
        if ((certificate.bitmap >> signer & 1) == 0) {
            continue;
        }
        const Signature& signature = certificate.signatures[next++];
        if (m_options.self != signer) {
            record({certificate.statement, signer, signature}, true);
        }
    }
}

/// A leader that gives up its own view will not propose any more; f + 1 votes in this view mean
/// that an honest validator sees a reason to end it, so our timers start as well.
void Core::note_votes_of_others() {
    const auto found = m_rounds.find(m_view);
    if (found == m_rounds.end() || found->second.votes[0].empty()) {
        return;
    }
    const Round& round = found->second;
    if (find_vote(m_view, VoteKind::nullify, leader(m_view)) != nullptr) {
        m_must_nullify = NullifyReason::leader_nullified;
    }
    std::size_t voters{0};
    for (std::size_t signer = 0; signer < m_options.validators.size(); ++signer) {
        const bool voted =
            std::any_of(round.votes.begin(), round.votes.end(),
                        [&](const auto& votes) { return votes[signer].has_value(); });
        voters += voted ? 1U : 0U;
    }
    if (voters > faults_tolerated(m_options.validators.size())) {
        note_activity();
    }
}

void Core::tally(const VoteStatement& statement, std::size_t extra) {
    const bool held =
        statement.view <= m_final_view ||
        (statement.kind == VoteKind::notarize && m_notarizations.count(statement.view) != 0) ||
        (statement.kind == VoteKind::nullify && m_nullifications.count(statement.view) != 0);
    if (held) {
        return;
    }
    QuorumCertificate certificate;
    certificate.statement = statement;
    const auto& votes = round(statement.view).votes[slot_of(statement.kind)];
    for (std::size_t signer = 0; signer < votes.size(); ++signer) {
        const std::optional<HeldVote>& vote = votes[signer];
        if (vote && vote->verified && vote->vote.statement == statement) {
            certificate.bitmap |= std::uint64_t{1} << signer;
            certificate.signatures.push_back(vote->vote.signature);
        }
    }
    if (certificate.signatures.size() + extra >= m_quorum) {
        accept(certificate);
    }
}

}  // namespace tally::consensus
