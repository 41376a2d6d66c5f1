// Charges that are held for a person to look at: what they wait for, and what is decided.

#include "charger_bridge/session/core.h"
#include "charger_bridge/session/statement.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

void SessionCore::hold(LiveSession& session, const std::vector<std::string>& reasons) {
    Session& record = session.record;
    const bool is_new = record.state != SessionState::in_review;
    record.state = SessionState::in_review;
    record.review.reasons.clear();
    for (const std::string& reason : reasons) {
        if (record.review.reasons.size() < review_reasons_max) {
            record.review.reasons.push_back(printable_reason(reason));
        }
    }
    record.reason = record.review.reasons.front();
    if (is_new) {
        if (record.review.number == 0) {  // One that went on after it was held keeps its number.
            record.review.number = static_cast<std::uint64_t>(take_number());
        }
        record.review.held_at = m_now.wall;
        m_review[record.review.number] = record.id;
        note("charge_held", session, record.reason);
    }
    if (m_config.review_keep.count() == 0) {
        give_back(session, "not_kept");
    }
    save(session);
}

void SessionCore::give_back(LiveSession& session, const char* why) {
    Session& record = session.record;
    if (record.review.is_late) {
        return;
    }
    // There is no record yet: the node must not keep the EVSE and the driver's hold waiting for
    // one. From here on only a late charge can bill it, on which both operators must agree.
    record.review.is_late = true;
    queue(node::ApprovalUnused{0, record.at_node()});
    save(session);
    note("review_approval_given_back", session, why);
}

void SessionCore::give_back_for(const std::string& station, const std::string& token) {
    for (LiveSession* session : m_sessions.open_of(station)) {
        if (session->record.state == SessionState::in_review && session->record.token == token) {
            give_back(*session, "driver_returned");
        }
    }
}

std::string SessionCore::why_not_releasable(const Session& record) const {
    const Reckoning reckoning = reckon(record);
    if (reckoning.readings.empty()) {
        return "no record can be made: " + record.review.reasons.back();
    }
    if (m_billed.has_any(reckoning.by_meter.payloads)) {
        return "signed_record_repeated: these signed readings were billed before";
    }
    if (!record.review.is_late && !reckoning.implausible.empty()) {
        return "the ledger does not take such a record: " + reckoning.implausible.front();
    }
    return {};
}

const LiveSession* SessionCore::find_review(std::uint64_t number) {
    const auto found = m_review.find(number);
    return found != m_review.end() ? m_sessions.find(found->second) : nullptr;
}

std::optional<MeteredCharge> SessionCore::late_charge(std::uint64_t number) {
    for (const ReviewDecision& decision : m_decisions.all()) {
        if (decision.number == number && decision.outcome == ReviewOutcome::released_late) {
            const LiveSession* const session = m_sessions.find(decision.session);
            return session != nullptr ? std::optional{metered_of(session->record)} : std::nullopt;
        }
    }
    return std::nullopt;
}

void SessionCore::decide(LiveSession& session, const Verdict& verdict) {
    Session& record = session.record;
    ReviewDecision decision;
    decision.number = record.review.number;
    decision.session = record.id;
    decision.station = record.station;
    decision.connector = record.connector;
    decision.transaction = record.transaction;
    decision.reasons = record.review.reasons;
    decision.outcome = verdict.outcome;
    decision.by = verdict.by;
    decision.why = verdict.why;
    decision.held_at = record.review.held_at;
    decision.decided_at = m_now.wall;
    add_evidence(session, review_statement(decision), EvidenceKind::own);
    m_review.erase(record.review.number);
    note("review_decided", session, to_text(decision.outcome));
    if (const auto gone = m_decisions.add(std::move(decision), m_step.changes)) {
        m_sessions.let_go(gone->session);
        if (gone->outcome == ReviewOutcome::released_late) {
            note("late_charge_forgotten", gone->station, to_hex(gone->session),
                 std::to_string(gone->number));
        }
    }
    m_step.must_sync = true;
}

void SessionCore::on(const ReviewDecided& event) {
    const auto found = m_review.find(event.number);
    if (found == m_review.end()) {
        return;
    }
    LiveSession& session = *m_sessions.find(found->second);
    if (!event.release) {
        reject(session, event);
        return;
    }
    if (!why_not_releasable(session.record).empty()) {
        return;  // The API asks before; here it only must not be billed.
    }
    release_charge(session, event);
}

void SessionCore::reject(LiveSession& session, const ReviewDecided& event) {
    Session& record = session.record;
    decide(session, {ReviewOutcome::rejected, event.by, event.why});
    if (!record.review.is_late) {
        record.review.is_late = true;
        queue(node::ApprovalUnused{0, record.at_node()});
    }
    record.state = SessionState::held;
    record.finished_at = m_now.wall;
    put_evidence_name(m_step.changes, record);
    save(session);
}

void SessionCore::release_charge(LiveSession& session, const ReviewDecided& event) {
    Session& record = session.record;
    const Reckoning reckoning = reckon(record);
    if (!record.review.is_late) {
        decide(session, {ReviewOutcome::released, event.by, event.why});
        record.state = SessionState::ended;
        complete(session, reckoning);
        return;
    }
    decide(session, {ReviewOutcome::released_late, event.by, event.why});
    static_cast<void>(sign_charge(session, reckoning));
    record.state = SessionState::held;
    save(session);
    m_sessions.keep(record.id);
}

void SessionCore::tick_review(LiveSession& session) {
    if (m_now.wall - session.record.review.held_at >= m_config.review_keep.count()) {
        give_back(session, "kept_long_enough");
    }
}

std::string SessionCore::backlog(const std::string& station) {
    if (m_outbox.is_crowded() || m_sessions.open_count() >= open_sessions_max) {
        return "bridge_backlog";
    }
    const std::vector<LiveSession*> open = m_sessions.open_of(station);
    const auto asks = std::count_if(open.begin(), open.end(), [](const LiveSession* session) {
        return session->record.state == SessionState::authorizing ||
               session->record.state == SessionState::approved;
    });
    if (static_cast<std::size_t>(asks) >= asks_per_connector_max * m_health.connectors(station)) {
        return "station_backlog";
    }
    const auto held = std::count_if(open.begin(), open.end(), [](const LiveSession* session) {
        return session->record.state == SessionState::in_review;
    });
    const bool is_full = m_review.size() >= review_waiting_max ||
                         static_cast<std::size_t>(held) >= review_of_station_max;
    return is_full ? "review_full" : "";
}

}  // namespace tally::bridge
