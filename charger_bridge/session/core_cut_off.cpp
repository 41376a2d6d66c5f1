// Charges that begin while the node is away, by the operator's own list: they are charged up to a
// limit, and the home operator is asked afterwards.

#include "charger_bridge/session/core.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

constexpr std::chrono::milliseconds start_window{300'000};
constexpr std::chrono::milliseconds ask_again_after{60'000};
/// The same, when all that is missing is that the node hears of the end of another charge.
constexpr std::chrono::milliseconds ask_again_soon{1'000};
constexpr const char* denied{"offline_denied"};

Money amount_at_end(const Session& record) {
    const auto readings = final_readings(record.meter, record.terms(), record.end);
    if (!readings) {
        return 0;
    }
    const auto rating = rate(record.evses.front().tariff, *readings);
    return rating ? rating->total() : 0;
}

/// Refusals that say nothing about the driver: asked again.
bool is_passing(const std::string& reason) {
    return reason == "home_unreachable" || reason == "overloaded";
}

}  // namespace

void SessionCore::remember_terms(const Session& record) {
    if (!m_config.cut_off.is_limited) {
        return;
    }
    for (const node::AuthorizeResult::Evse& evse : record.evses) {
        m_terms.set(record.station, evse, m_step.changes);
    }
}

Money SessionCore::exposure_of(const Session& record) const {
    if (!record.is_undecided()) {
        return 0;
    }
    // Until it ended it may come to its limit.
    return record.state == SessionState::undecided ? std::min(amount_at_end(record), record.prepaid)
                                                   : record.prepaid;
}

Money SessionCore::limit_of(const Session& record) {
    Money of_token = 0;
    Money in_all = 0;
    for (const LiveSession* session : m_sessions.open()) {
        const Money exposure = exposure_of(session->record);
        in_all += exposure;
        of_token += session->record.token == record.token ? exposure : 0;
    }
    const Money listed = m_local_list->limit_of(record.token).value_or(0);
    const Money left = std::min(std::min(listed, m_config.cut_off.per_token) - of_token,
                                m_config.cut_off.in_all - in_all);
    return record.prepaid_asked ? std::min(left, *record.prepaid_asked) : left;
}

bool SessionCore::grant_cut_off(LiveSession& session) {
    Session& record = session.record;
    if (!m_config.cut_off.is_limited || m_node_connected || !m_local_list ||
        m_now.wall > m_local_list->valid_until || is_overtaken(record)) {
        return false;
    }
    std::vector<node::AuthorizeResult::Evse> terms =
        m_terms.of(record.station, record.connector, m_local_list->currency);
    const Money limit = limit_of(record);
    if (terms.empty() || limit <= 0) {
        note("cut_off_refused", session, terms.empty() ? "terms_unknown" : "limit_reached");
        return false;
    }
    record.cut_off = true;
    record.evses = std::move(terms);
    record.prepaid = limit;
    record.start_by = m_now.wall + start_window.count();
    note("approved_cut_off", session, money_to_text(limit));
    if (record.transaction != 0) {
        const bool begun = begin_charge(session);
        ENSURE(begun);  // The terms are those of its connector.
    } else {
        record.state = SessionState::approved;
        save(session);
    }
    answer_waiting(session, TagStatus::accepted);
    return true;
}

void SessionCore::ask_afterwards(LiveSession& session) {
    Session& record = session.record;
    if (!m_node_connected) {
        return;
    }
    if (record.asked_as.is_zero()) {
        record.asked_as = m_random.fixed<SessionId>();
        save(session);
    }
    node::AuthorizeRequest request;
    request.session = record.asked_as;
    request.station = record.station;
    request.connector = record.connector;
    request.token = record.token;
    request.health = connector_states(record.station, m_now);
    request.charged_already = true;
    m_step.effects.emplace_back(SendToNode{std::move(request)});
}

void SessionCore::ask_all_afterwards() {
    std::vector<LiveSession*> waiting = m_sessions.open();
    std::erase_if(waiting, [](const LiveSession* session) {
        return !session->record.is_undecided() || session->record.transaction == 0;
    });
    std::stable_sort(waiting.begin(), waiting.end(), [](const auto* left, const auto* right) {
        return left->record.asked_at < right->record.asked_at;
    });
    for (LiveSession* session : waiting) {
        ask_afterwards(*session);
    }
}

LiveSession* SessionCore::find_at_node(const SessionId& id) {
    if (LiveSession* const session = m_sessions.find(id)) {
        return session;
    }
    for (LiveSession* session : m_sessions.open()) {
        if (session->record.cut_off && session->record.asked_as == id) {
            return session;
        }
    }
    return nullptr;
}

void SessionCore::decide_afterwards(LiveSession& session, const node::AuthorizeResult& result) {
    Session& record = session.record;
    if (!record.is_undecided() || record.reason == denied) {
        if (result.accepted && result.session != record.at_node()) {
            queue(node::ApprovalUnused{0, result.session});  // It was asked for twice.
        }
        return;
    }
    if (!result.accepted && is_passing(result.reason)) {
        record.asked_as = SessionId{};
        session.ask_deadline = m_now.mono + ask_again_after;
        save(session);
        return;
    }
    const LiveSession* const used =
        result.accepted ? m_sessions.find_authorization(result.authorization) : nullptr;
    if (used != nullptr && used != &session) {
        wait_for_own_approval(session, used->record);
        return;
    }
    const auto evse = std::find_if(result.evses.begin(), result.evses.end(),
                                   [&](const node::AuthorizeResult::Evse& offered) {
                                       return offered.connector == record.connector;
                                   });
    if (!result.accepted || evse == result.evses.end()) {
        if (result.accepted) {
            queue(node::ApprovalUnused{0, record.at_node()});
        }
        deny_afterwards(session, result.accepted ? "connector_not_offered" : result.reason);
        return;
    }
    record.asked_as = result.session == record.id ? SessionId{} : result.session;
    record.authorization = result.authorization;
    record.prepaid = result.prepaid;
    record.evses = {node::AuthorizeResult::Evse{*evse}};
    note("approved_afterwards", session, to_text(result.authorization));
    if (record.meter.begin.time < m_now.wall - m_config.start_age_max.count()) {
        // The ledger takes no record that began so long before the decision.
        record.review.is_late = true;
        queue(node::ApprovalUnused{0, record.at_node()});
    } else {
        queue_started(record);
    }
    if (record.state == SessionState::undecided) {
        conclude(session);
    } else {
        watch_amount(session);
        save(session);
    }
}

void SessionCore::wait_for_own_approval(LiveSession& session, const Session& used) {
    // The node takes it for the charge that has the approval, whose end it has not heard of. A
    // second charge on one approval could never be recorded. What is asked is the same again: to
    // give it back would give back the other's.
    const Session& record = session.record;
    note("approval_used", session, to_text(used.authorization));
    if (m_now.wall - record.meter.begin.time >= own_approval_wait_max.count()) {
        deny_afterwards(session, "approval_used");
        return;
    }
    session.ask_again = true;
    session.ask_deadline = m_now.mono + (used.is_finished() ? ask_again_soon : ask_again_after);
}

void SessionCore::deny_afterwards(LiveSession& session, const std::string& reason) {
    Session& record = session.record;
    note("denied_afterwards", session, reason);
    remember_refusal(record.station, record.token, reason);
    const bool has_ended = record.state == SessionState::undecided;
    record.reason = denied;
    if (has_ended) {
        lose(session, reason);
    } else {
        request_stop(session, reason);
        save(session);
    }
}

void SessionCore::lose(LiveSession& session, const std::string& reason) {
    Session& record = session.record;
    const Money amount = amount_at_end(record);
    Orphan orphan;
    orphan.kind = denied;
    orphan.station = record.station;
    orphan.transaction = record.transaction;
    orphan.detail = reason;
    orphan.facts = record.start_facts;
    orphan.text = "session " + to_hex(record.id) + ", " +
                  std::to_string(record.meter.begin.register_wh) + " to " +
                  std::to_string(record.end.register_wh) + " Wh, " + money_to_text(amount) + " " +
                  to_text(record.evses.front().tariff.currency);
    add_orphan(std::move(orphan));
    record.state = SessionState::held;
    record.finished_at = m_now.wall;
    save(session);
}

bool SessionCore::conclude_cut_off(LiveSession& session) {
    Session& record = session.record;
    if (!record.is_undecided()) {
        return false;
    }
    if (record.reason == denied) {
        lose(session, record.stop_reason);
        return true;
    }
    record.state = SessionState::undecided;
    save(session);
    note("charge_ended_cut_off", session);
    return true;
}

void SessionCore::tick_cut_off(LiveSession& session) {
    const Session& record = session.record;
    const bool is_due = record.asked_as.is_zero() || session.ask_again;
    if (record.is_undecided() && record.transaction != 0 && record.reason != denied &&
        m_node_connected && is_due && m_now.mono >= session.ask_deadline) {
        session.ask_again = false;
        ask_afterwards(session);
    }
}

void SessionCore::on(const LocalListRead& event) { m_local_list = event.list; }

}  // namespace tally::bridge
