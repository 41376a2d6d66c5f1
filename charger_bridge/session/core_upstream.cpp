// Where another central system stands behind the bridge: what is the bridge's own.

#include "charger_bridge/session/core.h"
#include "charger_bridge/session/transaction_facts.h"

#include <algorithm>

namespace tally::bridge {

namespace {

/// What was refused here is not ours: it went to the other central system.
bool is_held(const LiveSession* session) {
    if (session == nullptr || session->record.state == SessionState::refused) {
        return false;
    }
    const bool was_refused =
        session->record.state == SessionState::held && session->record.evses.empty();
    return !was_refused;
}

bool is_running(const Session& record) {
    return record.state == SessionState::authorizing || record.state == SessionState::approved ||
           record.state == SessionState::charging;
}

}  // namespace

bool SessionCore::holds_token(const std::string& station, const std::string& token) {
    const std::vector<LiveSession*> open = m_sessions.open_of(station);
    return std::any_of(open.begin(), open.end(), [&](const LiveSession* session) {
        return session->record.token == token && is_running(session->record);
    });
}

bool SessionCore::holds_start(const std::string& station, const StartFacts& start) {
    return is_held(m_sessions.find_start(facts_of(station, start, upper_case(start.token))));
}

bool SessionCore::holds_transaction(const std::string& station, const TransactionName& name) {
    return is_known_name(name) && is_held(find_named(station, name));
}

bool SessionCore::holds_stop(const std::string& station, const StopFacts& stop) {
    if (is_known_name(stop.transaction)) {
        return holds_transaction(station, stop.transaction);
    }
    if (m_sessions.find_stop(facts_of(station, stop)) != nullptr) {
        return true;
    }
    // Without a token it may as well be the end of one of the other's.
    return !stop.token.empty() &&
           is_held(session_of_stop(StopCalled{CallKey{station, {}}, stop, {}}));
}

bool SessionCore::is_charging(const std::string& station, std::uint16_t connector) {
    return m_sessions.find_charging(station, connector) != nullptr;
}

bool SessionCore::is_any_open(const std::string& station) {
    const std::vector<LiveSession*> open = m_sessions.open_of(station);
    return std::any_of(open.begin(), open.end(),
                       [](const LiveSession* session) { return is_running(session->record); });
}

void SessionCore::on(const ConnectorTaken& event) {
    if (LiveSession* const old = m_sessions.find_charging(event.station, event.connector)) {
        close_for_next(*old);  // One connector, one charge: it has ended without telling us.
    }
}

}  // namespace tally::bridge
