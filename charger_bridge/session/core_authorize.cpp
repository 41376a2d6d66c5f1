// Swipes: from the token at the charger to the final approval.

#include "charger_bridge/session/core.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

TagStatus status_of(const std::string& reason) {
    if (reason == "concurrent_charge") {
        return TagStatus::concurrent_tx;
    }
    const bool blocked = reason == "token_blocked" || reason == "insufficient_balance" ||
                         reason == "minimum_approval" || reason == "limit_exceeded";
    return blocked ? TagStatus::blocked : TagStatus::invalid;
}

}  // namespace

std::optional<SessionCore::Taken> SessionCore::take_prepaid(const std::string& station,
                                                            std::uint16_t connector) {
    std::deque<Stated>& stated = m_prepaid[station];
    std::erase_if(stated, [this](const Stated& s) { return m_now.mono >= s.until; });
    auto found = stated.begin();  // A swipe does not say where: first come, first served.
    if (connector != 0) {
        found = std::find_if(stated.begin(), stated.end(),
                             [&](const Stated& s) { return s.connector == connector; });
        if (found == stated.end()) {
            found = std::find_if(stated.begin(), stated.end(),
                                 [](const Stated& s) { return s.connector == 0; });
        }
    }
    if (found == stated.end()) {
        return std::nullopt;
    }
    const Taken taken{found->amount, found->connector};
    stated.erase(found);
    return taken;
}

void SessionCore::on(const AuthorizeCalled& event) {
    const std::string& station = event.call.station;
    const std::string token = upper_case(event.token);
    if (is_master(token)) {
        swipe_master(event);
        return;
    }
    if (!is_token(token)) {
        refuse_at_once(event, token, "unknown_token");
        return;
    }
    std::deque<Stated>& stated = m_prepaid[station];
    std::erase_if(stated, [this](const Stated& s) { return m_now.mono >= s.until; });
    const Stated* const wish = stated.empty() ? nullptr : &stated.front();
    for (LiveSession* session : m_sessions.open_of(station)) {
        if (session->record.token == token && answer_from(*session, event, wish)) {
            return;
        }
    }
    if (const std::string mark = mark_of(station); !mark.empty()) {
        refuse_at_once(event, token, mark);
        return;
    }
    if (const std::string full = backlog(station); !full.empty()) {
        refuse_at_once(event, token, full);
        return;
    }
    give_back_for(station, token);
    const std::optional<Taken> taken = take_prepaid(station, 0);
    LiveSession& session = ask({station, token, taken ? taken->connector : std::uint16_t{0},
                                taken ? std::optional{taken->amount} : std::nullopt});
    wait_for(session, event.call, false);
}

bool SessionCore::is_master(const std::string& token) const {
    return m_config.master.tokens.contains(token);
}

void SessionCore::swipe_master(const AuthorizeCalled& event) {
    note("master_pass", event.call.station, "", "");
    for (LiveSession* session : m_sessions.open_of(event.call.station)) {
        const Session& record = session->record;
        if (record.state == SessionState::charging && record.transaction_name.empty()) {
            request_stop(*session, "master_pass");
            save(*session);
        }
    }
    m_step.effects.emplace_back(
        AnswerAuthorize{event.call, TagStatus::accepted, {}, m_config.master.group});
}

bool SessionCore::answer_from(LiveSession& session, const AuthorizeCalled& event,
                              const Stated* wish) {
    const Session& record = session.record;
    // A wish for another connector means another charge, whatever the token does elsewhere.
    if (wish != nullptr && wish->connector != 0 && record.connector != 0 &&
        wish->connector != record.connector) {
        return false;
    }
    if (record.state == SessionState::charging) {
        m_step.effects.emplace_back(AnswerAuthorize{event.call, TagStatus::accepted, {}});
        note("returning_token", session);
        return true;
    }
    if (record.state == SessionState::approved) {
        if (wish != nullptr) {
            release(session, "prepaid_changed");
            return false;
        }
        m_step.effects.emplace_back(AnswerAuthorize{event.call, TagStatus::accepted, {}});
        return true;
    }
    if (record.state == SessionState::authorizing && wish == nullptr) {
        wait_for(session, event.call, false);
        return true;
    }
    return false;
}

void SessionCore::refuse_at_once(const AuthorizeCalled& event, const std::string& token,
                                 const std::string& reason) {
    remember_refusal(event.call.station, token, reason);
    note("refused", event.call.station, "", reason);
    m_step.effects.emplace_back(AnswerAuthorize{event.call, status_of(reason), reason});
}

void SessionCore::remember_refusal(const std::string& station, const std::string& token,
                                   const std::string& reason) {
    m_refusals.push_front({m_now.wall, station, token.substr(0, token_kept_bytes_max), reason});
    if (m_refusals.size() > refusals_max) {
        m_refusals.pop_back();
    }
}

LiveSession& SessionCore::ask(const Ask& ask) {
    Session record;
    record.id = m_random.fixed<SessionId>();
    record.station = ask.station;
    record.token = ask.token;
    record.connector = ask.connector;
    record.prepaid_asked = ask.prepaid;
    record.asked_at = m_now.wall;
    LiveSession& session = m_sessions.add(std::move(record));
    session.ask_deadline = deadline_of_ask();
    send_request(session);
    save(session);
    return session;
}

void SessionCore::send_request(LiveSession& session) {
    if (!m_node_connected) {
        return;
    }
    if (!session.record.asked_node) {
        session.record.asked_node = true;
        save(session);
    }
    node::AuthorizeRequest request;
    request.session = session.record.id;
    request.station = session.record.station;
    request.connector = session.record.connector;
    request.token = session.record.token;
    request.prepaid = session.record.prepaid_asked;
    request.health = connector_states(session.record.station, m_now);
    m_step.effects.emplace_back(SendToNode{std::move(request)});
}

void SessionCore::wait_for(LiveSession& session, const CallKey& call, bool is_start) {
    if (call.id.empty()) {
        return;  // It was answered already.
    }
    if (session.waiting.size() >= waiting_calls_max) {
        session.waiting.erase(session.waiting.begin());
    }
    session.waiting.push_back({call, is_start});
}

void SessionCore::answer_waiting(LiveSession& session, TagStatus status,
                                 const std::string& reason) {
    for (const WaitingCall& waiting : session.waiting) {
        if (waiting.is_start) {
            m_step.effects.emplace_back(
                AnswerStart{waiting.call, session.record.transaction, status, reason});
        } else {
            m_step.effects.emplace_back(AnswerAuthorize{waiting.call, status, reason});
        }
    }
    session.waiting.clear();
}

void SessionCore::approve(LiveSession& session, const node::AuthorizeResult& result) {
    Session& record = session.record;
    record.authorization = result.authorization;
    record.prepaid = result.prepaid;
    record.start_by = result.start_by;
    record.evses = result.evses;
    record.evses.resize(std::min(record.evses.size(), evses_max));
    remember_terms(record);
    note("approved", session, to_text(result.authorization));
    if (record.transaction == 0) {
        record.state = SessionState::approved;
        if (!m_health.is_connected(record.station)) {
            session.absent_since = m_now.mono;
        }
        save(session);
        answer_waiting(session, TagStatus::accepted);
        return;
    }
    const bool is_late = is_overtaken(record);
    if (is_late || !begin_charge(session)) {
        queue(node::ApprovalUnused{0, record.id});
        refuse(session, is_late ? "connector_taken" : "connector_not_offered");
        return;
    }
    answer_waiting(session, TagStatus::accepted);
}

void SessionCore::refuse(LiveSession& session, const std::string& reason) {
    Session& record = session.record;
    note("refused", session, reason);
    remember_refusal(record.station, record.token, reason);
    if (reason == "node_unreachable" && record.asked_node) {
        queue(node::ApprovalUnused{0, record.id});  // Its answer may still come.
    }
    if (record.transaction != 0) {
        record.state = SessionState::refused;
        record.reason = reason.substr(0, reason_bytes_max);
        erase_evidence(m_step.changes, record);  // Nobody is billed by it.
        if (is_stop_owed(record)) {
            request_stop(session, reason);
        }
        save(session);
        answer_waiting(session, status_of(reason), reason);
        forget_refused(record.station);
        return;
    }
    answer_waiting(session, status_of(reason), reason);
    m_sessions.remove(record.id, m_step.changes);
    m_step.must_sync = true;
}

void SessionCore::forget_refused(const std::string& station) {
    std::vector<SessionId> refused;
    for (const LiveSession* session : m_sessions.open_of(station)) {
        if (session->record.state == SessionState::refused) {
            refused.push_back(session->record.id);
        }
    }
    const std::size_t most = refused_per_connector_max * m_health.connectors(station);
    for (std::size_t i = 0; i + most < refused.size(); ++i) {
        m_sessions.remove(refused[i], m_step.changes);
    }
}

std::chrono::milliseconds SessionCore::deadline_of_ask() const {
    return m_now.mono + m_config.authorize_budget +
           (m_node_connected ? m_config.answer_grace : decltype(m_now.mono){});
}

void SessionCore::release(LiveSession& session, const char* why) {
    note("approval_unused", session, why);
    if (!session.record.is_undecided()) {
        queue(node::ApprovalUnused{0, session.record.id});
    }
    m_step.must_sync = true;
    m_sessions.remove(session.record.id, m_step.changes);
}

}  // namespace tally::bridge
