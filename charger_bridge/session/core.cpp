#include "charger_bridge/session/core.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

constexpr std::uint8_t stop_delay_prefix{'d'};
constexpr std::size_t scan_step{1'000};  ///< entries read at once

Bytes stop_delay_key(const std::string& station) {
    return std::move(Encoder{}.u8(stop_delay_prefix).raw(as_bytes(station))).take();
}

/// Calls `take(key, value)` for every entry under a prefix; false from it ends with an error.
template <typename Take>
Expected<Done, std::string> load_all(const KeyValueStore& store, std::uint8_t prefix_byte,
                                     const char* what, Take take) {
    const Bytes prefix{prefix_byte};
    Bytes from = prefix;
    for (;;) {
        const auto entries = store.scan(prefix, from, scan_step);
        if (!entries) {
            return Unexpected{std::string{"cannot read "} + what};
        }
        for (const KeyValueStore::Entry& entry : *entries) {
            if (!take(entry.key, entry.value)) {
                return Unexpected{std::string{what} + " is damaged, key " + to_hex(entry.key)};
            }
        }
        if (entries->size() < scan_step) {
            return Done{};
        }
        from = entries->back().key;
        from.push_back(0);  // The next key there can be.
    }
}

Expected<Done, std::string> load_reports(const KeyValueStore& store, ReportBook& reports) {
    auto loaded = load_all(store, ReportBook::key_prefix, "reported transaction",
                           [&](ByteView, ByteView value) { return reports.load(value); });
    if (!loaded) {
        return loaded;
    }
    return load_all(store, ReportBook::held_prefix, "held report",
                    [&](ByteView, ByteView value) { return reports.load_held(value); });
}

/// Most open sessions are charges that nobody has to be asked or told about.
bool needs_ticks(const LiveSession& session, const Instant& now) {
    const Session& record = session.record;
    return record.state != SessionState::charging || record.stop_requested ||
           record.is_undecided() || (record.prepaid > 0 && now.mono >= session.look_at);
}

}  // namespace

SessionCore::SessionCore(CoreConfig config, Signer& bridge_key, Random& random)
    : m_config{std::move(config)},
      m_bridge_key{bridge_key},
      m_random{random},
      m_health{m_config.stations, m_config.silence} {
    m_sessions.give_from(m_config.transaction_first);
}

Expected<Done, std::string> SessionCore::load(const KeyValueStore& store) {
    auto loaded = load_all(store, SessionTable::key_prefix, "session",
                           [this](ByteView, ByteView value) { return m_sessions.load(value); });
    if (!loaded) {
        return loaded;
    }
    m_sessions.finish_loading();
    for (const LiveSession* session : m_sessions.all()) {
        const Session& record = session->record;
        if (record.state == SessionState::ended) {
            PreviousEnd& last = m_last_end[{record.station, record.connector}];
            last = last.time <= record.meter.last.time ? end_of(record) : last;
        } else if (record.state == SessionState::in_review) {
            m_review[record.review.number] = record.id;
        }
    }
    loaded = load_all(store, KnownTerms::key_prefix, "known terms",
                      [this](ByteView key, ByteView value) { return m_terms.load(key, value); });
    if (!loaded) {
        return loaded;
    }
    loaded = load_all(store, StationMarks::key_prefix, "station mark",
                      [this](ByteView key, ByteView value) { return m_marks.load(key, value); });
    if (!loaded) {
        return loaded;
    }
    loaded = load_all(store, BilledReadings::key_prefix, "billed reading",
                      [this](ByteView key, ByteView value) { return m_billed.load(key, value); });
    if (!loaded) {
        return loaded;
    }
    loaded = load_all(store, ReviewLog::key_prefix, "review decision",
                      [this](ByteView, ByteView value) { return load_decision(value); });
    if (!loaded) {
        return loaded;
    }
    loaded = load_all(store, Orphanage::key_prefix, "orphan",
                      [this](ByteView, ByteView value) { return m_orphans.load(value); });
    if (!loaded) {
        return loaded;
    }
    loaded = load_all(store, Health::key_prefix, "station", [this](ByteView key, ByteView value) {
        m_health.load(key, value);
        return true;
    });
    if (!loaded) {
        return loaded;
    }
    loaded = load_all(store, stop_delay_prefix, "stop delay", [this](ByteView key, ByteView value) {
        Decoder decoder{value};
        const std::chrono::milliseconds delay{decoder.i64()};
        m_stop_delay[std::string{as_text(key.subspan(1))}] = delay;
        return decoder.finished();
    });
    if (!loaded) {
        return loaded;
    }
    loaded = load_reports(store, m_reports);
    if (!loaded) {
        return loaded;
    }
    const auto counter = store.get(SessionTable::counter_key());
    if (!counter || (counter.value() && !m_sessions.load_counter(*counter.value()))) {
        return Unexpected{std::string{"transaction counter is damaged"}};
    }
    if (!m_outbox.load(store)) {
        return Unexpected{std::string{"outbox is damaged"}};
    }
    return Done{};
}

bool SessionCore::load_decision(ByteView value) {
    if (!m_decisions.load(value)) {
        return false;
    }
    const ReviewDecision& decision = m_decisions.all().back();
    if (decision.outcome == ReviewOutcome::released_late) {
        m_sessions.keep(decision.session);
    }
    return true;
}

Step SessionCore::step(const Instant& now, const Event& event) {
    m_now = now;
    m_step = Step{};
    if (!m_restored) {
        m_restored = true;
        for (LiveSession* session : m_sessions.open()) {
            session->ask_deadline = now.mono + m_config.authorize_budget;
            session->absent_since = now.mono;
            restore_look(*session);
            if (session->record.heard_at == 0) {  // Stored by a version that did not know it.
                session->record.heard_at = now.wall;
            }
        }
        for (Reported* reported : m_reports.holding()) {
            reported->held_since = now.mono;
        }
    }
    std::visit([this](const auto& concrete) { on(concrete); }, event);
    pump_reports();
    if (m_node_connected) {
        send_durable();
    }
    return std::move(m_step);
}

void SessionCore::note(const char* what, const std::string& station, const std::string& session,
                       const std::string& detail) {
    m_step.effects.emplace_back(Noted{what, station, session, detail});
}

void SessionCore::note(const char* what, const LiveSession& session, const std::string& detail) {
    note(what, session.record.station, to_hex(session.record.id), detail);
}

void SessionCore::save(LiveSession& session) {
    m_sessions.save(session, m_step.changes);
    m_step.must_sync = true;
}

void SessionCore::send_durable() {
    for (node::BridgeMessage& message : m_outbox.take_due()) {
        m_step.effects.emplace_back(SendToNode{std::move(message)});
    }
}

std::vector<std::uint16_t> SessionCore::busy_connectors(const std::string& station) {
    std::vector<std::uint16_t> busy;
    for (const LiveSession* session : m_sessions.open_of(station)) {
        if (session->record.state == SessionState::charging) {
            busy.push_back(session->record.connector);
        }
    }
    return busy;
}

std::vector<node::ConnectorState> SessionCore::connector_states(const std::string& station,
                                                                const Instant& now) {
    std::vector<node::ConnectorState> states =
        m_health.states(station, busy_connectors(station), now);
    if (!states.empty() && m_marks.find(station) != nullptr) {
        // The node refuses the station's swipes too, whoever asks it.
        states.front() = {0, node::ConnectorHealth::faulted, "StopIgnored"};
    }
    return states;
}

const LiveSession* SessionCore::find_transaction(const std::string& station,
                                                 std::int64_t transaction) {
    return m_sessions.find_transaction(station, transaction);
}

Money SessionCore::amount_of(const Session& session) {
    const bool metered =
        session.state == SessionState::charging || session.state == SessionState::ended;
    return metered && session.evses.size() == 1 ? amount_so_far(session.meter, session.terms()) : 0;
}

void SessionCore::send_station(const std::string& station) {
    m_health.told_silence(station, m_now);
    if (!m_node_connected) {
        return;
    }
    node::StationState state;
    state.station = station;
    state.connected = m_health.is_connected(station);
    state.connectors = connector_states(station, m_now);
    m_step.effects.emplace_back(SendToNode{std::move(state)});
}

void SessionCore::send_progress(const Session& session) {
    if (!m_node_connected || session.is_undecided() || session.review.is_late) {
        return;
    }
    node::ChargeProgress progress;
    progress.session = session.at_node();
    progress.elapsed_s = (session.meter.last.time - session.meter.begin.time) / 1000;
    progress.energy_wh = session.meter.last.register_wh - session.meter.begin.register_wh;
    progress.amount_so_far = amount_of(session);
    progress.time = session.meter.last.time;
    m_step.effects.emplace_back(SendToNode{progress});
}

std::int32_t SessionCore::take_number() {
    std::int32_t number = 0;
    do {
        number = m_sessions.take_transaction(m_step.changes);
    } while (m_decisions.has(static_cast<std::uint64_t>(number)));
    return number;
}

void SessionCore::add_orphan(Orphan orphan) {
    orphan.received_at = m_now.wall;
    const std::string station = orphan.station;
    const std::string kind = orphan.kind;
    if (m_orphans.add(std::move(orphan), m_step.changes)) {
        m_step.must_sync = true;
        note("orphan", station, "", kind);
        if (const auto& gone = m_orphans.forgotten()) {
            note("orphan_forgotten", gone->station, "",
                 gone->kind + " " + std::to_string(gone->number));
        }
    }
}

// ---- stations

void SessionCore::on(const StatusReported& event) {
    m_health.report(event.station, event.facts, m_step.changes);
    m_step.must_sync = true;
    watch_connector(event.station, event.facts);
    send_station(event.station);
}

void SessionCore::on(const StationBooted& event) {
    m_health.set_booted(event.station, m_step.changes);
    m_step.must_sync = true;
}

void SessionCore::on(const StationForgotten& event) {
    m_health.remove(event.station, m_step.changes);
    m_step.must_sync = true;
}

void SessionCore::on(const StationConnected& event) {
    m_health.set_connected(event.station, true, m_now);
    for (LiveSession* session : m_sessions.open_of(event.station)) {
        session->absent_since = {};
        session->next_stop_at = m_now.mono;
        session->stop_heard_since = {};
        put_off_look(*session);
    }
    wait_after_absence(event.station);
    send_station(event.station);
}

void SessionCore::on(const StationDisconnected& event) {
    m_reports.forget_calls(event.station);
    m_health.set_connected(event.station, false, m_now);
    for (LiveSession* session : m_sessions.open_of(event.station)) {
        session->waiting.clear();
        session->absent_since = m_now.mono;
    }
    send_station(event.station);
}

void SessionCore::on(const StationHeard& event) { m_health.heard(event.station, m_now); }

void SessionCore::on(const PrepaidStated& event) {
    std::deque<Stated>& stated = m_prepaid[event.station];
    if (event.connector != 0) {
        // A driver who corrects the amount at the same connector means the last one.
        std::erase_if(stated, [&](const Stated& s) { return s.connector == event.connector; });
    }
    if (stated.size() >= prepaid_stated_max) {
        stated.pop_front();
    }
    stated.push_back({event.connector, event.amount, m_now.mono + m_config.prepaid_window});
}

void SessionCore::on(const Quarantined& event) {
    Orphan orphan;
    orphan.kind = event.kind;
    orphan.station = event.station;
    orphan.detail = event.detail;
    orphan.text = event.text;
    orphan.facts = sha256(as_bytes(event.station), as_bytes(event.text));
    add_orphan(std::move(orphan));
}

// ---- node

void SessionCore::on(const NodeConnected& /*event*/) {
    m_node_connected = true;
    m_outbox.rewind();
    node::BridgeHello hello;
    hello.bridge_id = m_config.bridge_id;
    hello.stations = m_health.stations();
    m_step.effects.emplace_back(SendToNode{std::move(hello)});
    for (const std::string& station : m_health.stations()) {
        send_station(station);
    }
    for (LiveSession* session : m_sessions.open()) {
        if (session->record.state == SessionState::authorizing) {
            if (!session->record.asked_node) {  // Once: a flapping link must not put it off.
                session->ask_deadline += m_config.answer_grace;
            }
            send_request(*session);
        } else if (session->record.state == SessionState::charging) {
            send_progress(session->record);
        }
    }
    ask_all_afterwards();
}

void SessionCore::on(const NodeDisconnected& /*event*/) { m_node_connected = false; }

void SessionCore::on(const NodeSaid& event) {
    std::visit([this](const auto& message) { on_node(message); }, event.message);
}

void SessionCore::on_node(const node::AuthorizeResult& result) {
    LiveSession* const session = find_at_node(result.session);
    if (session != nullptr && session->record.cut_off) {
        decide_afterwards(*session, result);
        return;
    }
    if (session == nullptr) {
        if (result.accepted) {  // We gave up waiting, or lost the swipe before it was on disk.
            note("late_approval", "", to_hex(result.session), "");
            queue(node::ApprovalUnused{0, result.session});
        }
        return;
    }
    if (session->record.state != SessionState::authorizing) {
        return;  // Told twice.
    }
    if (!result.accepted) {
        refuse(*session, result.reason.empty() ? "refused" : result.reason);
        return;
    }
    const LiveSession* const used = m_sessions.find_authorization(result.authorization);
    if (used != nullptr && used != session) {
        // The end of that charge has not reached the node yet, which takes this swipe for the
        // driver's return. A second charge on one approval could never be recorded.
        note("approval_used", *session, to_text(result.authorization));
        session->ask_again = true;
        return;
    }
    approve(*session, result);
}

void SessionCore::on_node(const node::StopCharge& stop) {
    LiveSession* const session = find_at_node(stop.session);
    if (session == nullptr) {
        return;
    }
    if (session->record.state == SessionState::approved) {
        release(*session, "stopped_by_node");
    } else if (session->record.state == SessionState::charging) {
        request_stop(*session, stop.reason.empty() ? "stopped_by_node" : stop.reason);
        save(*session);
    }
}

void SessionCore::on_node(const node::SessionNotice& notice) {
    if (LiveSession* const session = find_at_node(notice.session)) {
        session->ledger_state = notice.state.substr(0, reason_bytes_max);
    }
}

void SessionCore::on_node(const node::Acknowledge& acknowledge) {
    // Not synced: an acknowledgement that is lost only means that the message is sent once more.
    m_outbox.acknowledge(acknowledge.sequence, m_step.changes);
}

// ---- time

void SessionCore::on(const Tick& /*event*/) {
    tick_reports();
    std::vector<SessionId> open;
    for (const LiveSession* session : m_sessions.open()) {
        if (needs_ticks(*session, m_now) || is_stop_overdue(session->record)) {
            open.push_back(session->record.id);
        }
    }
    for (const SessionId& id : open) {
        if (LiveSession* const session = m_sessions.find(id)) {  // One may end another.
            tick_session(*session);
        }
    }
    for (const std::string& station : m_health.silence_to_tell(m_now)) {
        send_station(station);
    }
}

void SessionCore::tick_session(LiveSession& session) {
    const bool present = m_health.is_connected(session.record.station);
    switch (session.record.state) {
        case SessionState::authorizing:
            if (m_now.mono < session.ask_deadline) {
                if (std::exchange(session.ask_again, false)) {
                    send_request(session);
                }
            } else if (!grant_cut_off(session)) {
                refuse(session, "node_unreachable");
            }
            return;
        case SessionState::approved:
            if (m_now.wall > session.record.start_by) {
                release(session, "start_by_passed");
            } else if (!present && m_now.mono - session.absent_since >= m_config.absence) {
                release(session, "station_away");
            }
            return;
        case SessionState::charging:
            if (is_stop_overdue(session.record)) {
                end_without_stop(session, false);
                return;
            }
            watch_estimate(session);
            press_stop(session);
            tick_cut_off(session);
            return;
        case SessionState::in_review:
            tick_review(session);
            return;
        case SessionState::undecided:
            tick_cut_off(session);
            return;
        case SessionState::refused:
            press_stop(session);
            return;
        case SessionState::ended:
        case SessionState::held:
            return;
    }
}

void SessionCore::on(const StopWanted& event) {
    LiveSession* const session = m_sessions.find_transaction(event.station, event.transaction);
    if (session != nullptr && session->record.state == SessionState::charging) {
        request_stop(*session, "stopped_by_site");
        save(*session);
    }
}

void SessionCore::observe_stop_delay(const Session& session, const MeterReading& end) {
    constexpr std::chrono::milliseconds delay_min{1'000};
    constexpr std::chrono::milliseconds delay_max{300'000};
    if (!session.stop_requested || end.time < session.stop_requested_at) {
        return;
    }
    const std::chrono::milliseconds seen = std::clamp(
        std::chrono::milliseconds{end.time - session.stop_requested_at}, delay_min, delay_max);
    const auto known = m_stop_delay.find(session.station);
    const std::chrono::milliseconds old =
        known != m_stop_delay.end() ? known->second : m_config.stop_delay_first;
    // Rises at once and falls slowly: stopping late costs the operator, stopping early little.
    const std::chrono::milliseconds delay = std::max(seen, (old * 3 + seen) / 4);
    m_stop_delay[session.station] = delay;
    m_step.changes.put(stop_delay_key(session.station),
                       std::move(Encoder{}.i64(delay.count())).take());
}

}  // namespace tally::bridge
