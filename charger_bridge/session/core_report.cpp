// Transactions that chargers name and number themselves: their reports, put into order, become the
// start, the samples and the end of a charge. And what a charge so far costs, as chargers are told.

#include "charger_bridge/session/core.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

/// The register that a charge begins with: what is marked as its begin, else the first there is.
/// Gives the number of samples up to it, 0 when none has a register.
std::size_t count_to_begin(const std::vector<MeterSample>& samples) {
    std::size_t first = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        if (!samples[i].register_wh) {
            continue;
        }
        if (samples[i].context == ReadingContext::begin) {
            return i + 1;
        }
        first = first == 0 ? i + 1 : first;
    }
    return first;
}

std::optional<std::int64_t> last_register(const std::vector<MeterSample>& samples) {
    std::optional<std::int64_t> last;
    for (const MeterSample& sample : samples) {
        if (!sample.register_wh) {
            continue;
        }
        last = sample.register_wh;
        if (sample.context == ReadingContext::end) {
            return last;
        }
    }
    return last;
}

/// The register that a charge ends with; what is marked as its begin says nothing of that.
std::optional<std::int64_t> register_at_end(const std::vector<MeterSample>& samples) {
    std::vector<MeterSample> later = samples;
    std::erase_if(
        later, [](const MeterSample& sample) { return sample.context == ReadingContext::begin; });
    return last_register(later);
}

bool has_signed(const std::vector<MeterSample>& samples) {
    return std::any_of(samples.begin(), samples.end(),
                       [](const MeterSample& sample) { return !sample.signed_readings.empty(); });
}

/// Nothing more is expected of it, but for what a person may decide.
bool is_ended(const Session& record) {
    return record.is_finished() || record.state == SessionState::in_review ||
           record.state == SessionState::undecided;
}

UnixMillis end_time(const Session& record) {
    return record.end.time != 0 ? record.end.time : record.finished_at;
}

StopFacts stop_of(const ReportFacts& report) {
    StopFacts stop;
    stop.transaction = report.transaction;
    stop.token = report.token.value_or("");
    stop.meter_stop_wh = register_at_end(report.samples);
    stop.timestamp = report.timestamp;
    stop.time = report.time;
    stop.reason = report.reason.empty() ? "Local" : report.reason;
    stop.samples = report.samples;
    return stop;
}

}  // namespace

std::optional<Money> SessionCore::amount_known(const LiveSession* session) {
    const bool metered = session != nullptr && (session->record.state == SessionState::charging ||
                                                session->record.state == SessionState::ended);
    return metered ? std::optional{amount_of(session->record)} : std::nullopt;
}

bool SessionCore::take_values(LiveSession& session, const std::vector<MeterSample>& samples,
                              std::string_view text) {
    static_cast<void>(resume(session));
    const SessionState state = session.record.state;
    if (state == SessionState::charging) {
        heard_of(session.record);
        add_evidence(session, text,
                     has_signed(samples) ? EvidenceKind::signed_sample : EvidenceKind::sample);
        take_signed(session, samples);
        take_samples(session, samples);
        watch_amount(session);
        save(session);
        send_progress(session.record);
        update_cost(session);
        return true;
    }
    if (state == SessionState::in_review && (session.record.stop_missing || has_signed(samples))) {
        // What was missing may have come.
        add_evidence(session, text,
                     has_signed(samples) ? EvidenceKind::edge : EvidenceKind::sample);
        take_late_values(session, samples);
        return true;
    }
    return false;
}

void SessionCore::update_cost(LiveSession& session) {
    const Session& record = session.record;
    const Money amount = amount_of(record);
    if (amount == session.cost_told || m_now.mono < session.next_cost_at) {
        return;
    }
    session.cost_told = amount;
    session.next_cost_at = m_now.mono + m_config.cost_repeat;
    m_step.effects.emplace_back(
        UpdateCost{record.station, record.transaction, record.transaction_name, amount});
}

bool SessionCore::is_paused(const Reported& reported) {
    // What is said while the home operator is asked waits: without a tariff nothing can be rated.
    const LiveSession* const session = find_named(reported.station, reported.transaction);
    return session != nullptr && session->record.state == SessionState::authorizing;
}

void SessionCore::on(const TransactionReported& event) {
    const ReportFacts& facts = event.facts;
    Reported* reported = m_reports.find(event.call.station, facts.transaction);
    LiveSession* const known = find_named(event.call.station, facts.transaction);
    if (is_named_again(reported, known, facts)) {
        note("name_given_again", event.call.station, "", facts.transaction);
        give_name_again(reported, known);
    } else if (reported == nullptr && known != nullptr) {
        note("duplicate_report", *known);
        answer_report(event.call, known, facts);
        return;
    }
    if (reported == nullptr) {
        std::vector<Reported> forgotten;
        reported = &m_reports.add(event.call.station, facts.transaction, m_step.changes, forgotten);
        keep_forgotten(forgotten);
    }
    if (reported->has_seen(facts)) {
        note("duplicate_report", event.call.station, "", facts.transaction);
        answer_again(event);
        return;
    }
    const bool is_next =
        facts.kind == ReportKind::started || (reported->next && facts.sequence <= *reported->next);
    if (!is_next || is_paused(*reported)) {
        hold_report(*reported, event);
        return;
    }
    take_report(*reported, {facts, event.text}, event.call);
    pump(*reported);
}

bool SessionCore::is_named_again(const Reported* reported, const LiveSession* known,
                                 const ReportFacts& facts) const {
    const bool is_over = known != nullptr && is_ended(known->record);
    const bool has_ended = known != nullptr ? is_over : reported != nullptr && reported->ended;
    if (!has_ended || (reported != nullptr && reported->has_seen(facts))) {
        return false;
    }
    const bool is_later =
        is_clock_right(facts.time) && (known == nullptr || *facts.time > end_time(known->record));
    const bool is_behind_stop = is_later && is_over && !known->record.stop_missing;
    switch (facts.kind) {
        case ReportKind::started:
            return is_later || (reported != nullptr && reported->start_seen);
        case ReportKind::updated:  // Its numbers begin again: no last word about the old one.
            return is_behind_stop && reported != nullptr &&
                   facts.sequence < reported->next.value_or(0);
        case ReportKind::ended:
            return is_behind_stop;
    }
    return false;
}

void SessionCore::give_name_again(Reported* reported, LiveSession* known) {
    if (reported != nullptr) {
        while (!reported->held.empty()) {
            drop_held(*reported);
        }
        m_reports.begin_anew(*reported);
    }
    if (known != nullptr) {
        m_sessions.retire_start(*known, m_step.changes);
        m_step.must_sync = true;
    }
}

void SessionCore::drop_held(Reported& reported) {
    const HeldReport report = m_reports.unhold(reported, m_step.changes);
    on(Quarantined{reported.station, "forgotten_report", reported.transaction, report.text});
    const auto waiting = reported.waiting.find(report.facts.sequence);
    if (waiting != reported.waiting.end()) {
        answer_report(waiting->second, nullptr, report.facts);
    }
}

void SessionCore::keep_forgotten(const std::vector<Reported>& forgotten) {
    for (const Reported& gone : forgotten) {
        for (const auto& [sequence, held] : gone.held) {
            on(Quarantined{gone.station, "forgotten_report", gone.transaction, held.text});
        }
    }
}

void SessionCore::hold_report(Reported& reported, const TransactionReported& event) {
    const ReportFacts& facts = event.facts;
    if (reported.held.contains(facts.sequence) && !reported.is_held(facts)) {
        // Two that say different things under one number: numbers put nothing into order here.
        while (!reported.held.empty() && !is_paused(reported)) {
            take_held(reported);
        }
    }
    if (reported.held.empty()) {
        reported.held_since = m_now.mono;
        reported.asked_pending = false;
    }
    if (!reported.is_held(facts)) {
        note("report_held", event.call.station, "", facts.transaction);
        m_reports.save(reported, m_step.changes);
        m_reports.hold(reported, {facts, event.text}, m_step.changes);
        m_step.must_sync = true;
    }
    if (facts.token) {
        reported.waiting[facts.sequence] = event.call;  // Answered when it was taken.
    } else {
        m_step.effects.emplace_back(AnswerReport{event.call, std::nullopt, {}, std::nullopt});
    }
    if (reported.held.size() >= reports_held_max && !is_paused(reported)) {
        take_held(reported);
        pump(reported);
    }
    keep_bounds(reported.station);
    if (reported.holds_end() && !reported.asked_pending && !is_paused(reported)) {
        reported.asked_pending = true;
        m_step.effects.emplace_back(AskPending{reported.station, reported.transaction});
    }
}

void SessionCore::keep_bounds(const std::string& station) {
    while (Reported* const reported = m_reports.beyond_bounds(station)) {
        note("report_gap", reported->station, "", reported->transaction);
        if (is_paused(*reported)) {
            // Without a decision nothing of it can be taken: it has none to wait for any more.
            LiveSession& session = *find_named(reported->station, reported->transaction);
            if (session.record.asked_node) {
                queue(node::ApprovalUnused{0, session.record.id});
            }
            refuse(session, "station_backlog");
            continue;
        }
        take_held(*reported);
        pump(*reported);
    }
}

void SessionCore::take_held(Reported& reported) {
    const HeldReport report = m_reports.unhold(reported, m_step.changes);
    CallKey call{reported.station, {}};
    const auto waiting = reported.waiting.find(report.facts.sequence);
    if (waiting != reported.waiting.end()) {
        call = waiting->second;
        reported.waiting.erase(waiting);
    }
    take_report(reported, report, call);
}

void SessionCore::pump(Reported& reported) {
    while (reported.is_ready() && !is_paused(reported)) {
        take_held(reported);
    }
}

void SessionCore::pump_reports() {
    for (Reported* const reported : m_reports.holding()) {
        pump(*reported);
    }
}

void SessionCore::tick_reports() {
    for (Reported* const reported : m_reports.holding()) {
        const auto wait = reported->holds_end() && m_health.is_connected(reported->station)
                              ? m_config.gap_wait_of_end
                              : m_config.gap_wait;
        if (!is_paused(*reported) && m_now.mono - reported->held_since >= wait) {
            note("report_gap", reported->station, "", reported->transaction);
            take_held(*reported);
            reported->held_since = m_now.mono;
            pump(*reported);
        }
    }
}

void SessionCore::on(const ReportsPending& event) {
    Reported* const reported = m_reports.find(event.station, event.transaction);
    if (reported == nullptr || event.more) {
        return;
    }
    while (!reported->held.empty() && !is_paused(*reported)) {
        take_held(*reported);  // What is missing does not come any more.
    }
}

void SessionCore::take_report(Reported& reported, const HeldReport& report, const CallKey& call) {
    const ReportFacts& facts = report.facts;
    const bool was_begun = reported.next.has_value();
    reported.remember(facts);
    reported.next = std::max(reported.next.value_or(0), facts.sequence + 1);
    if (facts.connector != 0) {
        reported.connector = facts.connector;
    }
    if (facts.token && !is_master(upper_case(*facts.token))) {
        reported.token = upper_case(*facts.token).substr(0, token_kept_bytes_max);
    }
    const bool is_end = facts.kind == ReportKind::ended;
    reported.ended = reported.ended || is_end;
    LiveSession* session = find_named(reported.station, reported.transaction);
    if (session != nullptr && session->record.state == SessionState::refused && facts.token &&
        !is_end && session->record.token != reported.token) {
        // Another driver's card, in the transaction that began when the cable was plugged in.
        session->record.stop_requested = false;  // It bears the same name: not that one.
        m_sessions.retire_start(*session, m_step.changes);
        session = nullptr;
    }
    if (session != nullptr) {
        go_on_by_report(*session, report, call);
    } else if (!is_end && !reported.token.empty() && reported.connector != 0) {
        begin_by_report(reported, report, call);
    } else {
        before_charge(reported, report, call);
        if (is_end) {
            end_without_charge(reported, report, was_begun);
            reported.before_token.clear();  // No charge begins after its end.
            reported.signed_before = {};
        }
    }
    m_reports.save(reported, m_step.changes);
    m_step.must_sync = true;
}

void SessionCore::take_signed_before(Reported& reported, const std::vector<MeterSample>& samples) {
    for (const MeterSample& sample : samples) {
        for (const SignedReading& reading : sample.signed_readings) {
            if (is_ocmf(reading)) {
                // Whose meter it is, and so whether it is believed, is known when the charge
                // begins.
                static_cast<void>(add_signed(reported.signed_before, reading.text, nullptr));
            }
        }
    }
}

void SessionCore::before_charge(Reported& reported, const HeldReport& report, const CallKey& call) {
    const ReportFacts& facts = report.facts;
    if (m_reports.has_room_before_token(reported, report.text.size())) {
        reported.before_token.push_back(report.text);
        take_signed_before(reported, facts.samples);
    }
    if (const auto last = last_register(facts.samples)) {
        reported.first_register_wh = reported.first_register_wh.value_or(*last);
        reported.register_wh = last;
    }
    if (facts.token && facts.kind != ReportKind::ended) {
        on(AuthorizeCalled{call, *facts.token, 0});  // A swipe; the connector comes later.
    } else {
        answer_report(call, nullptr, facts);
    }
}

void SessionCore::end_without_charge(const Reported& reported, const HeldReport& report,
                                     bool was_begun) {
    const bool took_energy = reported.register_wh > reported.first_register_wh;
    if (was_begun && !took_energy) {
        note("ended_without_charge", reported.station, "", reported.transaction);
        return;
    }
    Orphan orphan;
    orphan.kind = was_begun ? "not_authorized" : "unknown_stop";
    orphan.station = reported.station;
    orphan.detail = printable_reason(reported.transaction);
    Encoder encoder;
    encoder.text(reported.station).text(reported.transaction).text(report.facts.timestamp);
    orphan.facts = tagged_hash("tally/reported-orphan/v2", encoder.bytes());
    orphan.text = report.text;
    add_orphan(std::move(orphan));
}

void SessionCore::begin_by_report(Reported& reported, const HeldReport& report,
                                  const CallKey& call) {
    const ReportFacts& facts = report.facts;
    const std::size_t used = count_to_begin(facts.samples);
    StartFacts start;
    start.connector = reported.connector;
    start.token = reported.token;
    start.meter_start_wh = used > 0 ? facts.samples[used - 1].register_wh : reported.register_wh;
    start.timestamp = facts.timestamp;
    start.time = facts.time;
    start.transaction = reported.transaction;
    start.offline = facts.offline;
    m_texts_before = std::move(reported.before_token);
    reported.before_token.clear();
    // Only the answer to a report about the card can say what was decided. Any other is answered
    // at once: the charger keeps what it has to say after it until then.
    reported.begun_without_token = !facts.token || is_master(upper_case(*facts.token));
    const CallKey nobody{reported.station, {}};
    on(StartCalled{reported.begun_without_token ? nobody : call, start, report.text});
    m_texts_before.clear();
    SignedTrack before = std::exchange(reported.signed_before, {});
    LiveSession* const session = find_named(reported.station, reported.transaction);
    if (session != nullptr && session->record.state != SessionState::refused) {
        if (start.meter_start_wh == reported.first_register_wh) {
            // Nothing was drawn before the card: the begin that the meter signed is the charge's.
            session->record.signed_track = std::move(before);
        }
        take_signed(*session, facts.samples);
        if (session->record.state == SessionState::charging) {
            const auto later = facts.samples.begin() + static_cast<std::ptrdiff_t>(used);
            take_samples(*session, {later, facts.samples.end()});
        }
        save(*session);
    }
    if (reported.begun_without_token) {
        answer_report(call, session, facts);
        if (session == nullptr) {  // No connector of ours: said again with every report.
            m_step.effects.emplace_back(RemoteStop{reported.station, 0, reported.transaction});
        }
    }
}

bool SessionCore::is_stop_owed(const Session& refused) {
    const Reported* const reported = m_reports.find(refused.station, refused.transaction_name);
    return reported != nullptr && reported->begun_without_token && !reported->holds_end();
}

void SessionCore::go_on_by_report(LiveSession& session, const HeldReport& report,
                                  const CallKey& call) {
    const ReportFacts& facts = report.facts;
    if (facts.kind == ReportKind::ended) {
        const LiveSession* const stopped =
            stop_session(StopCalled{call, stop_of(facts), report.text});
        answer_report(call, stopped, facts);
        return;
    }
    if (!take_values(session, facts.samples, report.text)) {
        note("late_report", session);
    }
    answer_report(call, &session, facts);
}

void SessionCore::answer_again(const TransactionReported& event) {
    const ReportFacts& facts = event.facts;
    LiveSession* const session = find_named(event.call.station, facts.transaction);
    if (facts.token && session != nullptr && session->record.state == SessionState::authorizing) {
        wait_for(*session, event.call, true);
    } else if (facts.token && session == nullptr && facts.kind != ReportKind::ended) {
        on(AuthorizeCalled{event.call, *facts.token, 0});
    } else {
        answer_report(event.call, session, facts);
    }
}

void SessionCore::answer_report(const CallKey& call, const LiveSession* session,
                                const ReportFacts& facts) {
    AnswerReport answer{call, std::nullopt, {}, amount_known(session)};
    if (facts.token && is_master(upper_case(*facts.token))) {
        answer.status = TagStatus::accepted;
        answer.master_group = m_config.master.group;
    } else if (facts.token) {
        const bool is_known = session != nullptr && !session->record.evses.empty();
        const bool is_its = is_known && session->record.token == upper_case(*facts.token);
        answer.status = is_its ? TagStatus::accepted : TagStatus::invalid;
        if (!is_its && is_known) {
            answer.reason = "other_token";
        } else if (!is_its) {
            answer.reason = session != nullptr ? session->record.reason : "unknown_transaction";
        }
    }
    m_step.effects.emplace_back(std::move(answer));
}

}  // namespace tally::bridge
