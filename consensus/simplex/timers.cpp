// R6, R7 and the idle rule: when a view is given up, and how those behind are helped.

#include "consensus/planted_bug.h"
#include "consensus/simplex/core.h"

#include <algorithm>

namespace tally::consensus {
namespace {

constexpr Time help_interval{1'000'000};
constexpr std::uint32_t nullified_before_back_off{2};
/// From then on a view that cannot succeed lasts as long as one without a proposal: views, and the
/// certificates that are kept of them, must not pile up at the speed of the network.
constexpr std::uint32_t nullified_at_once_max{16};

}  // namespace

const char* to_text(NullifyReason reason) {
    switch (reason) {
        case NullifyReason::none:
            return "none";
        case NullifyReason::no_proposal:
            return "no_proposal";
        case NullifyReason::view_timeout:
            return "view_timeout";
        case NullifyReason::invalid_proposal:
            return "invalid_proposal";
        case NullifyReason::leader_nullified:
            return "leader_nullified";
        case NullifyReason::build_failed:
            return "build_failed";
        case NullifyReason::leader_silent:
            break;
    }
    return "leader_silent";
}

/// When the leader should propose; everything else is counted from here. With a reason (pending
/// envelope, proposal, votes of others) at once; while something notarized is not final, after
/// one delta, because its finalization is most likely on its way; else after the idle interval.
Time Core::start_of_round() const {
    if (m_active_since) {
        return std::max(*m_active_since, m_entered);
    }
    return m_entered + (m_notarizations.empty() ? m_options.idle_interval : m_delta);
}

bool Core::can_nullify() const {
    return m_options.self && may_vote() && m_view > m_nullify_view &&
           m_view - m_final_view <= unfinalized_views_max &&
           (m_view > m_finalize_view || planted(PlantedBug::nullify_after_finalize));
}

void Core::note_vote(ValidatorIndex validator, View view) {
    LastVote& last = m_last_votes[validator];
    // However old: votes from far away come when we have gone on. Each counts once.
    if (view <= m_view + 1 && (view >= m_view || view > last.view)) {
        last = {m_now, std::max(view, last.view)};
    }
}

/// Whoever says nothing, and whoever says things but takes no part: an observer, or a flooder that
/// repeats itself. Both for `skip_timeout`; taking no part is seen only where views go by.
bool Core::is_silent(ValidatorIndex validator) const {
    const LastVote& last = m_last_votes[validator];
    return m_now - m_heard[validator] >= m_options.skip_timeout ||
           (m_now - last.at >= m_options.skip_timeout &&
            m_view > last.view + 2 * m_options.validators.size());
}

/// The leader is silent while a quorum of the others is not.
bool Core::leader_is_silent() const {
    if (!is_silent(leader(m_view))) {
        return false;
    }
    std::size_t heard{0};
    for (ValidatorIndex validator = 0; validator < m_heard.size(); ++validator) {
        heard += validator != *m_options.self && !is_silent(validator) ? 1U : 0U;
    }
    return heard + 1 >= m_quorum;
}

NullifyReason Core::reason_to_nullify() const {
    const Time start = start_of_round();
    const bool at_once = m_nullified_in_a_row < nullified_at_once_max;
    if (m_must_nullify != NullifyReason::none && (at_once || m_now >= start + 2 * m_delta)) {
        return m_must_nullify;
    }
    const auto found = m_rounds.find(m_view);
    const bool offered = found != m_rounds.end() && found->second.offer;
    if (m_now >= start + 3 * m_delta && !planted(PlantedBug::view_never_given_up)) {
        return offered ? NullifyReason::view_timeout : NullifyReason::no_proposal;
    }
    if (offered || leader(m_view) == *m_options.self) {
        return NullifyReason::none;
    }
    if (m_now >= start + 2 * m_delta) {
        return NullifyReason::no_proposal;
    }
    return leader_is_silent() ? NullifyReason::leader_silent : NullifyReason::none;
}

void Core::check_timers() {
    if (can_nullify()) {
        const NullifyReason reason = reason_to_nullify();
        if (reason != NullifyReason::none) {
            nullify(reason);
            return;
        }
    }
    if (!m_options.self || m_safety.nullify.view != m_view || m_now < m_retry_at) {
        return;
    }
    m_retry_at = m_now + m_options.retry_interval;
    if (planted(PlantedBug::no_retry)) {
        return;
    }
    const Vote vote = m_safety.vote(VoteKind::nullify, *m_options.self);
    m_effects.push_back(RepeatVote{
        vote, planted(PlantedBug::laggards_not_helped) ? std::nullopt : entry_certificate()});
    record(vote, true);
}

void Core::nullify(NullifyReason reason) {
    m_nullify_view = m_view;
    m_retry_at = m_now + m_options.retry_interval;
    m_effects.push_back(CastVote{{m_options.epoch, VoteKind::nullify, m_view, 0, Hash{}}, reason});
    if (planted(PlantedBug::enter_without_certificate)) {
        enter(m_view + 1);
    }
}

std::optional<Time> Core::next_deadline() const {
    if (!m_options.self) {
        return std::nullopt;
    }
    if (m_nullify_view == m_view) {
        return m_retry_at;
    }
    if (!can_nullify() || planted(PlantedBug::view_never_given_up)) {
        return std::nullopt;
    }
    const Time start = start_of_round();
    const bool is_lost = m_must_nullify != NullifyReason::none;
    Time deadline = start + (is_lost ? 2 : 3) * m_delta;
    if (leader(m_view) == *m_options.self) {
        return start > m_now && !m_build_asked ? start : deadline;
    }
    const auto found = m_rounds.find(m_view);
    if (found == m_rounds.end() || !found->second.offer) {
        deadline = start + 2 * m_delta;
        const ValidatorIndex leads = leader(m_view);
        for (const Time last : {m_heard[leads], m_last_votes[leads].at}) {
            if (const Time silent_at = last + m_options.skip_timeout; silent_at > m_now) {
                deadline = std::min(deadline, silent_at);
            }
        }
    }
    return deadline;
}

/// R7: whoever speaks in a view that we have left gets what settles that view and what brings it
/// into ours, once per second at most.
void Core::help(ValidatorIndex validator, View their_view) {
    std::optional<Time>& helped = m_helped[validator];
    if ((helped && m_now < *helped + help_interval) || planted(PlantedBug::laggards_not_helped)) {
        return;
    }
    helped = m_now;
    const std::optional<QuorumCertificate> settling = settling_certificate(their_view);
    const std::optional<QuorumCertificate> entry = entry_certificate();
    if (settling) {
        m_effects.push_back(SendCertificate{validator, *settling});
    }
    if (entry && entry != settling) {
        m_effects.push_back(SendCertificate{validator, *entry});
    }
}

void Core::back_off() {
    if (++m_nullified_in_a_row >= nullified_before_back_off) {
        m_delta = std::min(m_options.delta_max, m_delta + m_delta / 2);
    }
}

}  // namespace tally::consensus
