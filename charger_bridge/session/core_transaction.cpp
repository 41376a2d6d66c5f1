// Transactions: from their start over the samples; core_end.cpp has what follows.

#include "charger_bridge/session/core.h"
#include "charger_bridge/session/transaction_facts.h"
#include "ledger/base/check.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

/// 2020-01-01: a charger that says an earlier time has not set its clock.
constexpr UnixMillis clock_set_min{1'577'836'800'000};

const node::AuthorizeResult::Evse* evse_at(const Session& session, std::uint16_t connector) {
    for (const node::AuthorizeResult::Evse& evse : session.evses) {
        if (evse.connector == connector) {
            return &evse;
        }
    }
    return nullptr;
}

}  // namespace

bool SessionCore::is_clock_right(std::optional<UnixMillis> device) const {
    return device && *device >= clock_set_min &&
           *device <= m_now.wall + m_config.clock_ahead_max.count();
}

MeterReading SessionCore::reading(UnixMillis time, std::int64_t register_wh) const {
    // Nonsense from a meter must not make a record that cannot be read again; clamped, it is held.
    const std::int64_t within = std::clamp<std::int64_t>(register_wh, 0, register_wh_max);
    const UnixMillis when = std::clamp<UnixMillis>(time, 0, unix_millis_max);
    return MeterReading{when, m_config.utc_offset_minutes, within, false};
}

UnixMillis SessionCore::billing_time(const Session& session, std::optional<UnixMillis> device,
                                     UnixMillis not_before) const {
    if (!session.clock_replaced && is_clock_right(device)) {
        return std::max(*device, not_before);
    }
    return std::max(m_now.wall, not_before);
}

UnixMillis SessionCore::begin_time(const Session& session, std::optional<UnixMillis> device) const {
    const UnixMillis time = billing_time(session, device, 0);
    const auto last = m_last_end.find({session.station, session.connector});
    // A clock set back between two charges: the ledger takes no charge that begins before the end
    // of the one before it. What a wrong clock cannot explain stays as it is.
    const bool explained =
        last != m_last_end.end() && last->second.time - time <= m_config.clock_ahead_max.count();
    return explained ? std::max(time, last->second.time) : time;
}

// ---- start

void SessionCore::on(const StartCalled& event) {
    const std::string& station = event.call.station;
    const StartFacts& body = event.facts;
    const std::string token = upper_case(body.token);
    const Hash facts = facts_of(station, body, token);
    if (body.connector == 0 || body.connector > m_health.connectors(station)) {
        start_nowhere(event, facts);
        return;
    }
    if (LiveSession* const known = m_sessions.find_start(facts)) {
        // A charger without a clock says the same of its next charge. That it is one is known when
        // the charge before was stopped by the id we gave: then it had our answer.
        if (!body.transaction.empty() || !known->record.stopped_by_id ||
            is_clock_right(body.time)) {
            repeat_start(*known, event);
            return;
        }
        m_sessions.retire_start(*known, m_step.changes);
    }
    close_previous(station, body.connector);
    if (LiveSession* const approved = find_approved(station, token, body.connector)) {
        note_start(*approved, event, facts);
        const bool begun = begin_charge(*approved);
        ENSURE(begun);  // find_approved gives only sessions that offer the connector.
        m_step.effects.emplace_back(
            AnswerStart{event.call, approved->record.transaction, TagStatus::accepted, {}});
        return;
    }
    if (LiveSession* const asked = is_too_old(body) ? nullptr : find_asked(event, token)) {
        asked->ask_deadline = deadline_of_ask();
        note_start(*asked, event, facts);
        wait_for(*asked, event.call, true);
        return;
    }
    start_without_approval(event, token, facts);
}

void SessionCore::start_nowhere(const StartCalled& event, const Hash& facts) {
    Orphan orphan;
    orphan.kind = "unknown_connector";
    orphan.station = event.call.station;
    orphan.transaction = take_number();
    orphan.facts = facts;
    orphan.text = event.text;
    m_step.must_sync = true;
    m_step.effects.emplace_back(AnswerStart{event.call,
                                            static_cast<std::int32_t>(orphan.transaction),
                                            TagStatus::invalid, "unknown_connector"});
    add_orphan(std::move(orphan));
}

bool SessionCore::is_too_old(const StartFacts& body) const {
    return is_clock_right(body.time) && *body.time < m_now.wall - m_config.start_age_max.count();
}

LiveSession* SessionCore::find_asked(const StartCalled& event, const std::string& token) {
    for (LiveSession* session : m_sessions.open_of(event.call.station)) {
        const Session& record = session->record;
        const bool fits = record.connector == 0 || record.connector == event.facts.connector;
        if (record.state == SessionState::authorizing && record.transaction == 0 && fits &&
            record.token == token) {
            return session;
        }
    }
    return nullptr;
}

void SessionCore::close_previous(const std::string& station, std::uint16_t connector) {
    // One connector, one charge: what is open there has ended without telling us.
    for (LiveSession* old : m_sessions.open_of(station)) {
        if (old->record.connector != connector || old->record.transaction == 0) {
            continue;
        }
        if (old->record.state == SessionState::charging) {
            close_for_next(*old);
        } else if (old->record.state == SessionState::refused) {
            m_sessions.remove(old->record.id, m_step.changes);
        } else if (old->record.state == SessionState::in_review) {
            give_back(*old, "connector_needed");
        }
    }
}

void SessionCore::close_for_next(LiveSession& running) {
    end_without_stop(running, true);
    if (running.record.state == SessionState::in_review) {
        give_back(running, "connector_needed");
    }
}

bool SessionCore::is_overtaken(const Session& record) {
    const LiveSession* const running = m_sessions.find_charging(record.station, record.connector);
    if (record.transaction == 0 || running == nullptr) {
        return false;
    }
    // Numbers go round: the one that is not far ahead is the later one.
    constexpr std::uint32_t numbers{1U << 31U};
    const auto ahead = static_cast<std::uint32_t>(running->record.transaction) -
                       static_cast<std::uint32_t>(record.transaction);
    return ahead % numbers < numbers / 2;
}

void SessionCore::start_without_approval(const StartCalled& event, const std::string& token,
                                         const Hash& facts) {
    const std::string& station = event.call.station;
    const StartFacts& body = event.facts;
    Session record;
    record.id = m_random.fixed<SessionId>();
    record.station = station;
    record.token = is_token(token) ? token : std::string{};
    record.connector = body.connector;
    record.asked_at = m_now.wall;
    const bool too_old = is_too_old(body);
    const std::string mark = is_master(token) ? "master_pass" : mark_of(station);
    const std::string full = mark.empty() ? backlog(station) : mark;
    if (record.token.empty() || too_old || !full.empty()) {
        const std::string other = full.empty() ? "started_too_long_ago" : full;
        const std::string reason = record.token.empty() ? "unknown_token" : other;
        LiveSession& session = m_sessions.add(std::move(record));
        note_start(session, event, facts);
        wait_for(session, event.call, true);
        refuse(session, reason);
        return;
    }
    if (const std::optional<Taken> taken = take_prepaid(station, body.connector)) {
        record.prepaid_asked = taken->amount;
    }
    LiveSession& session = m_sessions.add(std::move(record));
    session.ask_deadline = deadline_of_ask();
    note_start(session, event, facts);
    wait_for(session, event.call, true);
    send_request(session);
}

void SessionCore::repeat_start(LiveSession& session, const StartCalled& event) {
    note("duplicate_start", session);
    const auto answer = [&](TagStatus status) {
        m_step.effects.emplace_back(
            AnswerStart{event.call, session.record.transaction, status, session.record.reason});
    };
    switch (session.record.state) {
        case SessionState::authorizing:
            wait_for(session, event.call, true);
            return;
        case SessionState::approved:
        case SessionState::charging:
        case SessionState::ended:
        case SessionState::in_review:
        case SessionState::undecided:
            answer(TagStatus::accepted);
            return;
        case SessionState::refused:
            answer(TagStatus::invalid);
            return;
        case SessionState::held:
            answer(session.record.evses.empty() ? TagStatus::invalid : TagStatus::accepted);
            return;
    }
}

LiveSession* SessionCore::find_approved(const std::string& station, const std::string& token,
                                        std::uint16_t connector) {
    LiveSession* best = nullptr;
    int best_rank = 0;
    for (LiveSession* session : m_sessions.open_of(station)) {
        const Session& record = session->record;
        if (record.state != SessionState::approved || record.token != token ||
            m_now.wall > record.start_by || evse_at(record, connector) == nullptr) {
            continue;
        }
        // Meant for this connector, for any, for another; among equals the oldest.
        const int other = record.connector == 0 ? 2 : 1;
        const int rank = record.connector == connector ? 3 : other;
        if (rank > best_rank) {
            best = session;
            best_rank = rank;
        }
    }
    return best;
}

void SessionCore::note_start(LiveSession& session, const StartCalled& event, const Hash& facts) {
    Session& record = session.record;
    record.connector = event.facts.connector;
    record.transaction = take_number();
    record.transaction_name = event.facts.transaction.substr(0, transaction_name_bytes_max);
    record.offline = event.facts.offline;
    record.baseline_missing = !event.facts.meter_start_wh;
    record.start_facts = facts;
    record.device_begin = event.facts.time.value_or(0);
    const bool older_than_swipe =
        record.state == SessionState::approved && event.facts.time &&
        *event.facts.time < record.asked_at - m_config.start_age_max.count();
    record.clock_replaced = !is_clock_right(event.facts.time) || older_than_swipe;
    if (record.clock_replaced) {
        note("clock_wrong", session, event.facts.timestamp.substr(0, reason_bytes_max));
    }
    heard_of(record);
    record.meter = MeterTrack{};
    record.meter.begin = reading(begin_time(record, event.facts.time),
                                 std::max<std::int64_t>(event.facts.meter_start_wh.value_or(0), 0));
    record.meter.last = record.meter.begin;
    note_sampled(session);
    record.evidence = evidence_begin(record.id);
    for (const std::string& text : m_texts_before) {
        add_evidence(session, text, EvidenceKind::edge);
    }
    m_texts_before.clear();
    add_evidence(session, event.text, EvidenceKind::edge);
    save(session);
}

bool SessionCore::begin_charge(LiveSession& session) {
    Session& record = session.record;
    const node::AuthorizeResult::Evse* const evse = evse_at(record, record.connector);
    if (evse == nullptr) {
        return false;
    }
    if (LiveSession* const running = m_sessions.find_charging(record.station, record.connector)) {
        close_for_next(*running);  // Both had begun when neither was approved.
    }
    record.evses = {node::AuthorizeResult::Evse{*evse}};
    record.state = SessionState::charging;
    save(session);
    if (record.is_undecided()) {
        ask_afterwards(session);  // The node may be back by now.
    } else {
        queue_started(record);
    }
    note("charge_started", session, record.evses.front().evse_id);
    return true;
}

void SessionCore::queue_started(const Session& record) {
    node::ChargeStarted started;
    started.session = record.at_node();
    started.authorization = record.authorization;
    started.connector = record.connector;
    started.evse_id = record.evses.front().evse_id;
    started.begin = record.meter.begin;
    queue(std::move(started));
}

// ---- samples

void SessionCore::add_evidence(LiveSession& session, std::string_view text, EvidenceKind kind) {
    const bool was_whole = session.record.evidence_left_out == 0;
    add_evidence_text(m_step.changes, session.record, text, kind);
    if (was_whole && session.record.evidence_left_out > 0) {
        note("evidence_full", session, std::to_string(session.record.evidence_bytes));
    }
}

bool SessionCore::is_ocmf(const SignedReading& reading) {
    return reading.encoding.empty() || upper_case(reading.encoding) == "OCMF";
}

void SessionCore::take_signed(LiveSession& session, const std::vector<MeterSample>& samples) {
    Session& record = session.record;
    std::optional<MeterTrust> trust;
    if (record.evses.size() == 1) {
        trust = trust_for(record);
    }
    for (const MeterSample& sample : samples) {
        for (const SignedReading& reading : sample.signed_readings) {
            if (!is_ocmf(reading)) {
                note("signed_reading_unknown", session, printable_reason(reading.encoding));
            } else if (!add_signed(record.signed_track, reading.text, trust ? &*trust : nullptr)) {
                note("signed_reading_invalid", session, record.signed_track.problem);
            }
        }
    }
}

void SessionCore::take_samples(LiveSession& session, const std::vector<MeterSample>& samples) {
    Session& record = session.record;
    for (const MeterSample& sample : samples) {
        if (!sample.register_wh) {
            continue;
        }
        if (record.baseline_missing) {
            record.baseline_missing = false;
            const MeterReading first = reading(record.meter.begin.time, *sample.register_wh);
            record.meter.begin.register_wh = first.register_wh;
            record.meter.last.register_wh = first.register_wh;
            record.meter.baseline_adopted = true;
        }
        const bool usable = !record.clock_replaced && is_clock_right(sample.time);
        const UnixMillis time = usable ? *sample.time : m_now.wall;
        const UnixMillis before = record.meter.last.time;
        const SampleVerdict verdict =
            add_sample(record.meter, record.terms(), reading(time, *sample.register_wh));
        if (verdict != SampleVerdict::accepted) {
            note("sample_dropped", session, to_text(verdict));
        } else if (record.meter.last.time > before) {
            note_sampled(session);  // One that was sent before says nothing of now.
        }
    }
}

void SessionCore::note_sampled(LiveSession& session) {
    session.record.sampled_at = m_now.wall;
    session.sampled_at = m_now.mono;
    session.look_at = m_now.mono + m_config.sample_wait;
    session.look_put_off = false;
}

LiveSession* SessionCore::find_named(const std::string& station, const TransactionName& name) {
    const auto* const number = std::get_if<std::int64_t>(&name);
    return number != nullptr
               ? m_sessions.find_transaction(station, *number)
               : m_sessions.find_start(named_facts(station, std::get<std::string>(name)));
}

LiveSession* SessionCore::session_of_values(const MeterValuesCalled& event) {
    const std::string& station = event.call.station;
    if (event.facts.transaction && is_known_name(*event.facts.transaction)) {
        return find_named(station, *event.facts.transaction);
    }
    return m_sessions.find_charging(station, event.facts.connector);
}

void SessionCore::on(const MeterValuesCalled& event) {
    LiveSession* const session = session_of_values(event);
    if (session != nullptr) {
        static_cast<void>(take_values(*session, event.facts.samples, event.text));
    } else if (event.facts.transaction) {
        note("unknown_transaction", event.call.station, "", "MeterValues");
    }
    m_step.effects.emplace_back(AnswerMeterValues{event.call, amount_known(session)});
}

void SessionCore::watch_amount(LiveSession& session) {
    const Session& record = session.record;
    if (record.stop_requested) {
        return;
    }
    if (!is_ratable(record.meter, record.terms())) {
        request_stop(session, "too_many_price_changes");
        return;
    }
    if (record.prepaid <= 0) {
        return;
    }
    const std::chrono::milliseconds delay = stop_delay_of(record.station);
    const Money amount = amount_so_far(record.meter, record.terms());
    warn_driver(session, amount);
    const Money margin = stop_margin(record.meter, record.terms(), delay);
    if (checked_add(amount, margin).value_or(amount_max) >= record.prepaid) {
        request_stop(session, "prepaid_reached");
    }
}

void SessionCore::request_stop(LiveSession& session, const std::string& reason) {
    Session& record = session.record;
    if (!record.stop_requested) {
        record.stop_requested = true;
        record.stop_requested_at = record.meter.last.time + unsampled(session).count();
        record.stop_reason = reason.substr(0, reason_bytes_max);
        note("stop_requested", session, record.stop_reason);
    }
    if (session.stop_heard_since.count() == 0 && m_health.is_connected(record.station)) {
        session.stop_heard_since = m_now.mono;
    }
    session.next_stop_at = m_now.mono + m_config.stop_repeat;
    m_step.effects.emplace_back(
        RemoteStop{record.station, record.transaction, record.transaction_name});
}

}  // namespace tally::bridge
