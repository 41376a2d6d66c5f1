// Stopping a charge: the driver is warned, the charger is asked, and what follows when it does not
// listen.

#include "charger_bridge/session/core.h"

#include <algorithm>

namespace tally::bridge {

void SessionCore::warn_driver(LiveSession& session, Money amount) {
    Session& record = session.record;
    const std::int64_t percent = m_config.warn_percent;
    // Exact, and without a product that could overflow.
    const Money threshold = record.prepaid / 100 * percent + record.prepaid % 100 * percent / 100;
    if (record.warned || percent == 0 || record.prepaid <= 0 || amount < threshold) {
        return;
    }
    record.warned = true;
    m_step.effects.emplace_back(
        UpdateCost{record.station, record.transaction, record.transaction_name, amount});
    note("driver_warned", session, money_to_text(amount));
}

std::chrono::milliseconds SessionCore::stop_delay_of(const std::string& station) const {
    const auto known = m_stop_delay.find(station);
    return known != m_stop_delay.end() ? known->second : m_config.stop_delay_first;
}

std::chrono::milliseconds SessionCore::unsampled(const LiveSession& session) const {
    return std::max(m_now.mono - session.sampled_at, decltype(m_now.mono){});
}

void SessionCore::restore_look(LiveSession& session) const {
    const std::chrono::milliseconds age{m_now.wall - session.record.sampled_at};
    session.sampled_at = m_now.mono - std::max(age, decltype(age){});
    session.look_at = m_now.mono;
}

void SessionCore::put_off_look(LiveSession& session) const {
    if (!session.look_put_off && unsampled(session) >= m_config.sample_wait) {
        session.look_put_off = true;
        session.look_at = m_now.mono + m_config.sample_wait;
    }
}

void SessionCore::watch_estimate(LiveSession& session) {
    const Session& record = session.record;
    if (record.stop_requested || record.prepaid <= 0 || m_now.mono < session.look_at) {
        return;
    }
    session.look_at = m_now.mono + m_config.estimate_repeat;
    if (!m_health.is_connected(record.station)) {
        return;  // It could not be asked; what it measured meanwhile it sends when it is back.
    }
    const auto most = amount_at_rated_power(record.meter, record.terms(),
                                            unsampled(session) + stop_delay_of(record.station));
    if (!most || *most >= record.prepaid) {
        request_stop(session, "prepaid_may_be_reached");
        save(session);
    }
}

void SessionCore::note_overshoot(const LiveSession& session) {
    const Session& record = session.record;
    const Money beyond = amount_so_far(record.meter, record.terms()) - record.prepaid;
    if (record.prepaid > 0 && beyond > 0) {
        note("prepaid_exceeded", session, std::to_string(beyond));
    }
}

void SessionCore::press_stop(LiveSession& session) {
    Session& record = session.record;
    if (!record.stop_requested || !m_health.is_connected(record.station)) {
        return;
    }
    if (session.stop_heard_since.count() == 0) {
        session.stop_heard_since = m_now.mono;
    }
    const bool is_due = m_now.mono >= session.next_stop_at;
    if (!session.stop_pressed &&
        m_now.mono - session.stop_heard_since >= m_config.ignored_stop_after) {
        session.stop_pressed = true;
        ignored_stop(session);
    } else if (is_due && session.press_owed) {
        press(session);  // Before the stop, which else takes the room that came free.
    }
    if (is_due) {
        session.next_stop_at = m_now.mono + m_config.stop_repeat;
        m_step.effects.emplace_back(
            RemoteStop{record.station, record.transaction, record.transaction_name});
    }
}

void SessionCore::ignored_stop(LiveSession& session) {
    const Session& record = session.record;
    note("stop_ignored", session, record.stop_reason);
    if (m_marks.set(record.station, {"stop_ignored", record.transaction, m_now.wall},
                    m_step.changes)) {
        m_step.must_sync = true;
        send_station(record.station);
    }
    press(session);
}

void SessionCore::press(LiveSession& session) {
    const Session& record = session.record;
    session.press_owed = false;
    ++session.presses;
    switch (m_config.ignored_stop) {
        case IgnoredStop::none:
            return;
        case IgnoredStop::unlock:
            m_step.effects.emplace_back(
                UnlockConnector{record.station, record.connector, record.transaction});
            return;
        case IgnoredStop::reset:
            m_step.effects.emplace_back(ResetStation{record.station, record.transaction});
            return;
    }
}

void SessionCore::on(const PressLost& event) {
    LiveSession* const session = m_sessions.find_transaction(event.station, event.transaction);
    if (session != nullptr && session->stop_pressed) {
        session->press_owed = session->presses < presses_max;
        note(session->press_owed ? "press_lost" : "press_given_up", *session);
    }
}

void SessionCore::on(const MarkCleared& event) {
    if (m_marks.clear(event.station, m_step.changes)) {
        m_step.must_sync = true;
        note("mark_cleared", event.station, "", event.by + ": " + event.why);
        send_station(event.station);
    }
}

std::string SessionCore::mark_of(const std::string& station) const {
    const StationMark* const mark = m_marks.find(station);
    return mark != nullptr ? mark->reason : "";
}

}  // namespace tally::bridge
