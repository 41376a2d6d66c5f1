// Charges of which nothing is heard any more: after some time they are held, so that a person sees
// them. A sample makes them go on, and a Stop ends them, when it comes after all.

#include "charger_bridge/session/core.h"

#include <algorithm>

namespace tally::bridge {

bool SessionCore::is_stop_overdue(const Session& record) const {
    if (record.state != SessionState::charging) {
        return false;
    }
    const std::chrono::milliseconds quiet{m_now.wall - record.heard_at};
    const std::chrono::milliseconds free{m_now.wall - record.free_since};
    const bool is_free = record.free_since != 0 && free >= m_config.stop_missing_free;
    if (!is_free && quiet < m_config.stop_missing_after) {
        return false;
    }
    const bool is_there = !m_health.is_silent(record.station, m_now);
    if (is_there && is_free) {
        return true;
    }
    const bool is_in_use = is_there && m_health.is_in_use(record.station, record.connector);
    const std::chrono::milliseconds longest = std::max<std::chrono::milliseconds>(
        m_config.stop_missing_after, is_in_use ? charge_duration_max : std::chrono::hours{0});
    return quiet >= longest;
}

void SessionCore::heard_of(Session& record) const {
    record.heard_at = m_now.wall;
    record.free_since = 0;
}

void SessionCore::watch_connector(const std::string& station, const StatusFacts& status) {
    LiveSession* const session = m_sessions.find_charging(station, status.connector);
    if (session == nullptr) {
        return;
    }
    Session& record = session->record;
    if (status.status == ConnectorStatus::available && record.free_since == 0) {
        record.free_since = m_now.wall;
        save(*session);
    } else if (m_health.is_in_use(station, status.connector)) {
        heard_of(record);
        save(*session);
    }
}

void SessionCore::wait_after_absence(const std::string& station) {
    for (LiveSession* session : m_sessions.open_of(station)) {
        Session& record = session->record;
        if (record.state == SessionState::charging && record.free_since != 0) {
            record.free_since = m_now.wall;  // Its Stop may be among what it has kept for us.
            save(*session);
        }
    }
}

bool SessionCore::resume(LiveSession& session) {
    Session& record = session.record;
    if (record.state != SessionState::in_review || !record.stop_missing || record.review.is_late ||
        m_sessions.find_charging(record.station, record.connector) != nullptr) {
        return false;
    }
    m_review.erase(record.review.number);
    record.review.reasons.clear();
    record.reason.clear();
    record.stop_reason.clear();
    record.end = MeterReading{};
    record.stop_missing = false;
    record.end_missing = false;
    record.state = SessionState::charging;
    note("charge_goes_on", session);
    return true;
}

void SessionCore::take_late_values(LiveSession& session, const std::vector<MeterSample>& samples) {
    const Session& record = session.record;
    take_signed(session, samples);
    if (record.stop_missing) {
        take_samples(session, samples);
        session.record.end = record.meter.last;
    }
    if (record.stop_missing && record.review.is_late &&
        m_sessions.find_charging(record.station, record.connector) == nullptr) {
        // It goes on, and nobody has promised to pay for it any more.
        m_step.effects.emplace_back(
            RemoteStop{record.station, record.transaction, record.transaction_name});
    }
    conclude(session);
}

}  // namespace tally::bridge
