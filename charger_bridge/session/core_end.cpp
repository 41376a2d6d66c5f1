// The end of a charge: from its Stop, or the lack of one, to the metered charge.

#include "charger_bridge/metering/metered_charge.h"
#include "charger_bridge/session/core.h"
#include "charger_bridge/session/statement.h"
#include "charger_bridge/session/transaction_facts.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace tally::bridge {

namespace {

/// What the charger read when the charge ended; nothing when it did not say.
std::optional<std::int64_t> register_at_end(const StopFacts& stop) {
    std::optional<std::int64_t> at_end = stop.meter_stop_wh;
    for (const MeterSample& sample : stop.samples) {
        if (!at_end && sample.context == ReadingContext::end) {
            at_end = sample.register_wh;
        }
    }
    return at_end;
}

}  // namespace

LiveSession* SessionCore::session_of_stop(const StopCalled& event) {
    const std::string& station = event.call.station;
    const StopFacts& body = event.facts;
    if (is_known_name(body.transaction)) {
        return find_named(station, body.transaction);
    }
    if (LiveSession* const known = m_sessions.find_stop(facts_of(station, body))) {
        return known;  // Said before; another charge that runs now is not meant.
    }
    // A charger that never learnt its transaction id says -1: the only charge it can mean.
    const std::string token = upper_case(body.token);
    LiveSession* match = nullptr;
    for (LiveSession* session : m_sessions.open_of(station)) {
        const Session& record = session->record;
        const bool later = !is_clock_right(body.time) || record.clock_replaced ||
                           *body.time >= record.meter.begin.time;
        if (record.state != SessionState::charging || !later ||
            (!token.empty() && token != record.token) ||
            body.meter_stop_wh.value_or(record.meter.last.register_wh) <
                record.meter.last.register_wh) {
            continue;
        }
        if (match != nullptr) {
            return nullptr;
        }
        match = session;
    }
    return match;
}

void SessionCore::end_by_stop(LiveSession& session, const StopCalled& event) {
    Session& record = session.record;
    remember_stop(record, event);
    add_evidence(session, event.text, EvidenceKind::edge);
    take_signed(session, event.facts.samples);
    std::vector<MeterSample> later = event.facts.samples;
    std::erase_if(later, [&](const MeterSample& sample) {
        return !sample.time || *sample.time <= record.meter.last.time;
    });
    const auto is_before_end = [&](const MeterSample& sample) {
        return sample.register_wh && sample.context != ReadingContext::end &&
               sample.time < event.facts.time;
    };
    // What is read at the end says nothing of the begin.
    if (!record.baseline_missing || std::any_of(later.begin(), later.end(), is_before_end)) {
        take_samples(session, later);
    }
    const UnixMillis time = billing_time(record, event.facts.time, record.meter.begin.time);
    const std::optional<std::int64_t> at_end = register_at_end(event.facts);
    record.end_missing = !at_end;
    end_charge(session, reading(time, at_end.value_or(record.meter.last.register_wh)),
               event.facts.reason);
}

void SessionCore::remember_stop(Session& record, const StopCalled& event) {
    record.stopped_by_id = is_known_name(event.facts.transaction);
    if (!record.stopped_by_id) {
        record.stop_facts = facts_of(event.call.station, event.facts);
    }
}

void SessionCore::on(const StopCalled& event) {
    LiveSession* const session = stop_session(event);
    m_step.effects.emplace_back(
        AnswerStop{event.call, !event.facts.token.empty(), amount_known(session)});
}

LiveSession* SessionCore::stop_session(const StopCalled& event) {
    const StopFacts& body = event.facts;
    LiveSession* const session = session_of_stop(event);
    const auto keep = [&](const char* kind) {
        Orphan orphan;
        orphan.kind = kind;
        orphan.station = event.call.station;
        orphan.transaction = number_of(session, body.transaction);
        orphan.facts = facts_of(event.call.station, body);
        orphan.text = event.text;
        add_orphan(std::move(orphan));
    };
    if (session == nullptr) {
        keep("unknown_stop");
    } else if (session->record.state == SessionState::charging) {
        end_by_stop(*session, event);
    } else if (session->record.state == SessionState::refused) {
        close_refused(*session, event);
    } else if (session->record.stop_missing && !session->record.is_finished()) {
        session->record.stop_missing = false;
        end_by_stop(*session, event);
    } else if (session->record.state == SessionState::authorizing) {
        keep("stop_before_approval");
        queue(node::ApprovalUnused{0, session->record.id});
        refuse(*session, "stopped_before_approval");
        close_refused(*session, event);
    } else if (session->record.stop_missing) {
        keep("late_stop");
    } else {
        note("duplicate_stop", *session);
    }
    return session;
}

void SessionCore::close_refused(LiveSession& session, const StopCalled& event) {
    Session& record = session.record;
    remember_stop(record, event);
    const std::int64_t begin = record.meter.begin.register_wh;
    record.end = reading(billing_time(record, event.facts.time, record.meter.begin.time), begin);
    if (event.facts.meter_stop_wh.value_or(begin) > begin) {
        Orphan orphan;
        orphan.kind = "not_authorized";
        orphan.station = record.station;
        orphan.transaction = record.transaction;
        orphan.detail = record.reason;
        orphan.facts = facts_of(record.station, event.facts);
        orphan.text = event.text;
        add_orphan(std::move(orphan));
    }
    record.state = SessionState::held;
    record.finished_at = m_now.wall;
    save(session);
}

void SessionCore::end_without_stop(LiveSession& session, bool may_bill) {
    Session& record = session.record;
    record.stop_missing = true;
    note("stop_missing", session);
    const MeterReading last = record.meter.last;
    // The last sample can stand for the end; no sample of any energy says nothing of it.
    record.end_missing = !may_bill || last.register_wh == record.meter.begin.register_wh;
    end_charge(session, last, "Other");
}

void SessionCore::end_charge(LiveSession& session, const MeterReading& end,
                             const std::string& reason) {
    Session& record = session.record;
    observe_stop_delay(record, end);
    record.end = end;
    record.stop_reason = printable_reason(reason);
    conclude(session);
}

void SessionCore::conclude(LiveSession& session) {
    if (conclude_cut_off(session)) {
        return;
    }
    const Reckoning reckoning = reckon(session.record);
    if (reckoning.reasons.empty() && session.record.review.is_late) {
        save(session);  // Nothing speaks against it any more, but its approval was given back.
    } else if (reckoning.reasons.empty()) {
        complete(session, reckoning);
    } else {
        hold(session, reckoning.reasons);
    }
}

MeterTrust SessionCore::trust_for(const Session& record) const {
    const auto site = m_config.meters.find({record.station, record.connector});
    const node::AuthorizeResult::Evse& evse = record.evses.front();
    return trust_of(site != m_config.meters.end() ? &site->second : nullptr, evse.meter_serial,
                    evse.meter_public_key);
}

std::optional<UnixMillis> SessionCore::meter_time(const Session& record,
                                                  std::optional<UnixMillis> by_meter,
                                                  UnixMillis by_charger) const {
    // A meter's clock that is far from the charger's, or says what the ledger would not take, is
    // not believed: the time of the charger counts, and the evidence says so.
    const UnixMillis earliest = record.asked_at - m_config.start_age_max.count();
    const bool is_usable = by_meter && is_clock_right(by_meter) && *by_meter >= earliest &&
                           std::abs(*by_meter - by_charger) <= m_config.meter_clock_apart.count();
    return is_usable ? by_meter : std::nullopt;
}

Reckoning SessionCore::reckon(const Session& record) const {
    Reckoning reckoning;
    SignedResult& result = reckoning.by_meter;
    result = judge_signed(record.signed_track, trust_for(record), record.meter.begin.register_wh);
    reckoning.reasons = result.reasons;
    MeterTrack track = record.meter;
    MeterReading end = record.end;
    const bool is_signed = result.verdict == SignedVerdict::billable;
    if (is_signed) {
        result.begin_time = meter_time(record, result.begin_time, track.begin.time);
        result.end_time = meter_time(record, result.end_time, end.time);
        take_signed_readings(result, track, end);
    } else if (record.baseline_missing && end.register_wh != track.begin.register_wh) {
        reckoning.reasons.emplace_back("meter_begin_missing");
        return reckoning;
    } else if (record.end_missing) {
        reckoning.reasons.emplace_back(record.stop_missing ? "stop_missing" : "meter_end_missing");
    }
    if (m_billed.has_any(result.payloads)) {
        reckoning.reasons.emplace_back("signed_record_repeated");
    }
    auto readings = final_readings(track, record.terms(), end);
    if (!readings) {
        reckoning.reasons.emplace_back(to_text(readings.error()));
        return reckoning;
    }
    reckoning.readings = std::move(readings).value();
    const auto previous = m_last_end.find({record.station, record.connector});
    const node::AuthorizeResult::Evse& evse = record.evses.front();
    reckoning.implausible =
        implausible_after(previous != m_last_end.end() ? &previous->second : nullptr,
                          evse.meter_serial, evse.meter_epoch, reckoning.readings);
    if (record.cut_off && record.review.is_late) {
        reckoning.reasons.emplace_back("began_too_long_before_decision");
    }
    reckoning.reasons.insert(reckoning.reasons.end(), reckoning.implausible.begin(),
                             reckoning.implausible.end());
    return reckoning;
}

MeteredCharge SessionCore::sign_charge(LiveSession& session, const Reckoning& reckoning) {
    Session& record = session.record;
    add_evidence(session, metering_statement(reckoning.by_meter, record), EvidenceKind::own);
    record.meter.begin = reckoning.readings.front();
    record.meter.changes.assign(reckoning.readings.begin() + 1, reckoning.readings.end() - 1);
    record.meter.last = reckoning.readings.back();
    record.finished_at = m_now.wall;
    m_billed.add(reckoning.by_meter.payloads, m_step.changes);
    put_evidence_name(m_step.changes, record);
    return metered_of(record);
}

MeteredCharge SessionCore::metered_of(const Session& record) const {
    const node::AuthorizeResult::Evse& evse = record.evses.front();
    MeteredCharge metered;
    metered.authorization = record.authorization;
    metered.evse_id = evse.evse_id;
    metered.bridge_id = m_config.bridge_id;
    metered.meter_serial = evse.meter_serial;
    metered.meter_epoch = evse.meter_epoch;
    metered.readings.push_back(record.meter.begin);
    metered.readings.insert(metered.readings.end(), record.meter.changes.begin(),
                            record.meter.changes.end());
    metered.readings.push_back(record.meter.last);
    metered.evidence = record.evidence;
    sign_metered(metered, m_config.chain_id, m_bridge_key);
    return metered;
}

void SessionCore::complete(LiveSession& session, const Reckoning& reckoning) {
    Session& record = session.record;
    if (record.state == SessionState::in_review) {
        decide(session, {ReviewOutcome::completed, "bridge", "what was missing came afterwards"});
    }
    node::ChargeEnded ended;
    ended.session = record.at_node();
    ended.metered = sign_charge(session, reckoning);
    ended.stop_reason = record.stop_reason;
    record.state = SessionState::ended;
    note_overshoot(session);
    m_last_end[{record.station, record.connector}] = end_of(record);
    queue(std::move(ended));
    save(session);
    note("charge_ended", session, record.stop_reason);
}

PreviousEnd SessionCore::end_of(const Session& record) {
    const node::AuthorizeResult::Evse& evse = record.evses.front();
    return {record.meter.last.time, record.meter.last.register_wh, evse.meter_serial,
            evse.meter_epoch};
}

}  // namespace tally::bridge
