#include "consensus/simplex/core.h"

#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>

namespace tally::consensus {

Core::Core(CoreOptions options, CoreStart start)
    : m_options{std::move(options)},
      m_schedule{m_options.chain_id, m_options.epoch, m_options.previous_seal,
                 m_options.validators.size()},
      m_quorum{planted(PlantedBug::quorum_2f_plus_1)
                   ? 2 * faults_tolerated(m_options.validators.size()) + 1
                   : quorum(m_options.validators.size())},
      m_safety{start.safety},
      m_notarize_view{planted(PlantedBug::notarize_twice_after_restart)
                          ? start.final_view
                          : start.safety.notarize.view},
      m_nullify_view{start.safety.nullify.view},
      m_finalize_view{start.safety.finalize.view},
      m_delta{m_options.delta},
      m_final_view{start.final_view},
      m_final_digest{start.final_digest},
      m_final{std::move(start.final_certificate)},
      m_newest(m_options.validators.size()),
      m_heard(m_options.validators.size()),
      m_last_votes(m_options.validators.size()),
      m_helped(m_options.validators.size()) {
    ENSURE(m_options.skip_timeout > 3 * m_options.delta);
    ENSURE(m_options.skip_timeout > m_options.retry_interval);
    ENSURE(!m_options.self || *m_options.self < m_options.validators.size());
    if (m_final && m_final->statement.epoch == m_options.epoch) {
        check_own_signature(*m_final);
    }
    View settled{m_final_view};
    for (QuorumCertificate& certificate : start.certificates) {
        const VoteStatement& statement = certificate.statement;
        if (statement.epoch != m_options.epoch || statement.view <= m_final_view) {
            continue;
        }
        check_own_signature(certificate);
        settled = std::max(settled, statement.view);
        if (statement.kind == VoteKind::notarize) {
            m_notarizations.emplace(statement.view, std::move(certificate));
        } else if (statement.kind == VoteKind::nullify) {
            m_nullifications.emplace(statement.view, std::move(certificate));
        } else {
            m_final_view = statement.view;
            m_final_digest = statement.digest;
            m_final = std::move(certificate);
        }
    }
    m_view = std::max({View{1}, m_notarize_view, m_nullify_view, m_finalize_view + 1, settled + 1});
    if (planted(PlantedBug::nullify_after_finalize)) {
        m_view = std::max({View{1}, m_notarize_view, m_nullify_view, m_final_view + 1});
    }
    prune();
}

Effects Core::step(const Event& event, Time now) {
    m_now = std::max(m_now, now);
    std::visit([this](const auto& concrete) { on(concrete); }, event);
    try_examine();
    try_propose();
    try_notarize();
    check_timers();
    return std::exchange(m_effects, {});
}

void Core::on(const Started& /*event*/) {
    m_entered = m_now;
    std::fill(m_heard.begin(), m_heard.end(), m_now);
    std::fill(m_last_votes.begin(), m_last_votes.end(), LastVote{m_now, m_view});
    m_effects.push_back(EnterView{m_view});
    if (!m_options.self) {
        return;
    }
    if (m_nullify_view == m_view) {
        m_retry_at = m_now + m_options.retry_interval;
    }
    for (const VoteKind kind : {VoteKind::notarize, VoteKind::nullify, VoteKind::finalize}) {
        if (m_safety.of(kind).view > m_final_view) {
            record(m_safety.vote(kind, *m_options.self), true);
        }
    }
}

void Core::on(const Tick& /*event*/) {}

void Core::on(const VotingAllowed& /*event*/) {
    if (m_voting) {
        return;
    }
    m_voting = true;
    m_entered = m_now;  // time that passed while we had to be silent is nobody's fault
}

void Core::on(const ValidatorHeard& event) { m_heard[event.validator] = m_now; }

void Core::on(const OwnVoteShown& event) {
    const VoteStatement& shown = event.vote.statement;
    if (!m_options.self || event.vote.signer != *m_options.self || shown.epoch != m_options.epoch) {
        return;
    }
    const ReleasedVote& released = m_safety.of(shown.kind);
    if (shown.view < released.view ||
        (shown.view == released.view && shown.digest == released.digest)) {
        return;
    }
    if (!verify(event.vote)) {
        m_effects.push_back(RejectSender{"forged vote of ours"});
        return;
    }
    m_lost_record = !planted(PlantedBug::restored_record_votes);
}

void Core::on(const PendingChanged& event) {
    m_pending_told = event.pending;
    if (event.pending) {
        note_activity();
    }
}

/// R1. The idle rule starts over: nothing is pending until the driver says so.
void Core::enter(View view) {
    ENSURE(view > m_view || planted(PlantedBug::enter_stale_view));
    m_view = view;
    m_entered = m_now;
    m_active_since.reset();
    m_pending_told = false;
    m_build_asked = false;
    m_must_nullify = NullifyReason::none;
    m_effects.push_back(EnterView{view});
    prune();
    note_votes_of_others();
}

void Core::prune() {
    m_notarizations.erase(m_notarizations.begin(), m_notarizations.upper_bound(m_final_view));
    m_nullifications.erase(m_nullifications.begin(), m_nullifications.upper_bound(m_final_view));
    const View behind = m_view > vote_window ? m_view - vote_window : 0;
    if (!planted(PlantedBug::vote_window_unbounded)) {
        m_rounds.erase(m_rounds.begin(), m_rounds.upper_bound(behind));
    }
    for (auto& [view, round] : m_rounds) {
        if (view < m_view) {
            round.offer.reset();
        }
    }
}

void Core::note_activity() {
    if (!m_active_since) {
        m_active_since = m_now;
    }
}

const Hash& Core::tip() const {
    return m_notarizations.empty() ? m_final_digest
                                   : m_notarizations.rbegin()->second.statement.digest;
}

bool Core::is_settled(View view) const {
    return view <= m_final_view || m_notarizations.count(view) != 0 ||
           m_nullifications.count(view) != 0;
}

std::optional<QuorumCertificate> Core::settling_certificate(View view) const {
    if (view <= m_final_view) {
        return m_final;
    }
    if (const auto found = m_notarizations.find(view); found != m_notarizations.end()) {
        return found->second;
    }
    if (const auto found = m_nullifications.find(view); found != m_nullifications.end()) {
        return found->second;
    }
    return std::nullopt;
}

std::vector<const QuorumCertificate*> Core::certificates_of(View view) const {
    std::vector<const QuorumCertificate*> found;
    for (const auto* held : {&m_notarizations, &m_nullifications}) {
        if (const auto at = held->find(view); at != held->end()) {
            found.push_back(&at->second);
        }
    }
    return found;
}

std::optional<std::pair<View, View>> Core::missing_views() const {
    const auto round = m_rounds.find(m_view);
    const bool waits =
        round != m_rounds.end() && round->second.offer && !round->second.offer->examining;
    // A proposal that waits needs nullifications above its parent, whatever else is known there.
    const View parent_view = waits ? round->second.offer->statement.parent_view : m_view;
    std::optional<std::pair<View, View>> missing;
    for (View view = m_final_view + 1; view < m_view; ++view) {
        const bool in_gap = view > parent_view && m_nullifications.count(view) == 0;
        if (!is_settled(view) || in_gap) {
            missing = missing ? std::pair{missing->first, view} : std::pair{view, view};
        }
        if (missing && view - missing->first + 1 >= request_views_max) {
            break;
        }
    }
    return missing;
}

std::optional<QuorumCertificate> Core::entry_certificate() const {
    if (m_final_view + 1 >= m_view) {
        return m_final;
    }
    if (const auto found = m_nullifications.find(m_view - 1); found != m_nullifications.end()) {
        return found->second;
    }
    return settling_certificate(m_view - 1);
}

std::vector<Vote> Core::newest_votes(ValidatorIndex validator) const {
    std::vector<Vote> votes;
    for (const std::optional<HeldVote>& held : m_newest[validator]) {
        if (held && (held->verified || verify(held->vote))) {
            votes.push_back(held->vote);
        }
    }
    return votes;
}

std::vector<QuorumCertificate> Core::unfinalized_certificates() const {
    std::vector<QuorumCertificate> certificates;
    for (const auto* held : {&m_nullifications, &m_notarizations}) {
        for (const auto& [view, certificate] : *held) {
            certificates.push_back(certificate);
        }
    }
    return certificates;
}

bool Core::holds_unfinalized(const QuorumCertificate& certificate) const {
    const std::vector<const QuorumCertificate*> held = certificates_of(certificate.statement.view);
    return std::any_of(held.begin(), held.end(),
                       [&](const QuorumCertificate* each) { return *each == certificate; });
}

}  // namespace tally::consensus
