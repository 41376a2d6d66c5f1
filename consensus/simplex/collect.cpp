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
    const std::optional<Vote>& vote = found->second.votes[slot_of(kind)][signer];
    return vote ? &*vote : nullptr;
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
    if (statement.epoch != m_options.epoch || (certificate.bitmap & ~all) != 0 ||
        signers < m_quorum || signers != certificate.signatures.size()) {
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
        if (known != nullptr && known->statement == statement && known->signature == signature) {
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
    // Whoever votes FINALIZE in a view has left it.
    const View their_view =
        statement.kind == VoteKind::finalize ? statement.view + 1 : statement.view;
    if (their_view < m_view) {
        help(event.from, statement.view);
    }
    if (statement.view <= m_final_view || statement.view > m_view + 1 ||
        statement.view + vote_window <= m_view) {
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
    if (statement.view > m_final_view && statement.view + vote_window > m_view &&
        !planted(PlantedBug::own_vote_not_counted)) {
        record(event.vote, true);
    }
}

/// The first vote of a signer per view and kind is kept for good; a different one is evidence.
void Core::record(const Vote& vote, bool verified) {
    const VoteStatement& statement = vote.statement;
    Round& round = this->round(statement.view);
    std::optional<Vote>& slot = round.votes[slot_of(statement.kind)][vote.signer];
    const std::uint64_t bit = std::uint64_t{1} << vote.signer;
    if (slot && (slot->statement == statement || (round.reported & bit) != 0)) {
        if (planted(PlantedBug::repeated_vote_counts_twice) && slot->statement == statement) {
            tally(statement, 1);
        }
        return;
    }
    if (!verified && !verify(vote) && !planted(PlantedBug::vote_signature_unverified)) {
        m_effects.push_back(RejectSender{"vote: wrong signature"});
        return;
    }
    if (slot) {
        round.reported |= bit;
        m_effects.push_back(ReportEvidence{*slot, vote});
        return;
    }
    slot = vote;
    std::optional<Vote>& newest = m_newest[vote.signer][slot_of(statement.kind)];
    if (!newest || newest->statement.view < statement.view) {
        newest = vote;
    }
    find_conflict(round, vote);
    if (statement.view == m_view) {
        note_votes_of_others();
    }
    tally(statement);
}

/// NULLIFY and FINALIZE in one view contradict each other; NOTARIZE and NULLIFY do not.
void Core::find_conflict(Round& round, const Vote& vote) {
    const VoteKind kind = vote.statement.kind;
    if (kind == VoteKind::notarize && !planted(PlantedBug::notarize_and_nullify_as_evidence)) {
        return;
    }
    const VoteKind other = kind == VoteKind::nullify ? VoteKind::finalize : VoteKind::nullify;
    const std::optional<Vote>& held = round.votes[slot_of(other)][vote.signer];
    const std::uint64_t bit = std::uint64_t{1} << vote.signer;
    if (held && (round.reported & bit) == 0) {
        round.reported |= bit;
        m_effects.push_back(ReportEvidence{*held, vote});
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
    if (round.votes[slot_of(VoteKind::nullify)][leader(m_view)]) {
        m_must_nullify = true;
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
        statement.kind == VoteKind::notarize  ? m_notarizations.count(statement.view) != 0
        : statement.kind == VoteKind::nullify ? m_nullifications.count(statement.view) != 0
                                              : statement.view <= m_final_view;
    if (held) {
        return;
    }
    QuorumCertificate certificate;
    certificate.statement = statement;
    const auto& votes = round(statement.view).votes[slot_of(statement.kind)];
    for (std::size_t signer = 0; signer < votes.size(); ++signer) {
        if (votes[signer] && votes[signer]->statement == statement) {
            certificate.bitmap |= std::uint64_t{1} << signer;
            certificate.signatures.push_back(votes[signer]->signature);
        }
    }
    if (certificate.signatures.size() + extra >= m_quorum) {
        accept(certificate);
    }
}

}  // namespace tally::consensus
