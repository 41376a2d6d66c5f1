#include "node/roaming/visited_desk.h"

#include "ledger/base/overloaded.h"
#include "ledger/state/epochs.h"
#include "ledger/state/queries.h"
#include "node/roaming/dispute_end.h"

#include <algorithm>

namespace tally::node {
namespace {

SubmissionOwner owner_of(const SessionId& session, visited::Submit submit) {
    SubmissionOwner owner;
    owner.key.data = session.data;
    switch (submit.action) {
        case VisitedAction::none:
        case VisitedAction::start:
            owner.action = OwnAction::start;
            break;
        case VisitedAction::record:
            owner.action = OwnAction::record;
            break;
        case VisitedAction::release:
            owner.action = OwnAction::release;
            break;
        case VisitedAction::claim:
            owner.action = OwnAction::claim;
            break;
    }
    return owner;
}

VisitedAction action_of(OwnAction action) {
    switch (action) {
        case OwnAction::start:
            return VisitedAction::start;
        case OwnAction::record:
            return VisitedAction::record;
        case OwnAction::release:
            return VisitedAction::release;
        case OwnAction::claim:
            return VisitedAction::claim;
        case OwnAction::decide:
        case OwnAction::settle:
        case OwnAction::release_other:
            break;
    }
    return VisitedAction::none;
}

}  // namespace

void VisitedDesk::resume() {
    adopt_all_recorded();
    const UnixMillis now = m_context.clock.now();
    for (auto& [id, session] : m_sessions.all()) {
        if (!session.is_finished()) {
            m_by_station[session.request.station].insert(id);
        }
        if (session.stage == VisitedStage::requested) {
            const bool too_late =
                session.opened + m_context.options.authorization_budget.count() <= now;
            if (too_late) {
                apply(session, visited::BudgetElapsed{});
            } else {
                ask_home(session);
            }
        }
    }
}

void VisitedDesk::on_bridge_connected(const std::string& bridge_id) {
    m_held_back.erase(bridge_id);  // it sends all that was not acknowledged again, in order
    for (const auto& [id, session] : m_sessions.all()) {
        if (session.bridge_id != bridge_id || session.is_finished() || !session.state()) {
            continue;
        }
        if (session.stage == VisitedStage::approved) {
            answer(session, id);
        }
        m_context.send_to_bridge(bridge_id,
                                 SessionNotice{.session = id, .state = to_text(*session.state())});
        if (m_stop_wanted.contains(id)) {
            send_stop(session, "operator");
        }
    }
}

void VisitedDesk::on_message(const std::string& bridge_id, const BridgeMessage& message) {
    std::visit(Overloaded{
                   [&](const AuthorizeRequest& request) { on(bridge_id, request); },
                   [&](const ChargeStarted& started) { on(bridge_id, started); },
                   [&](const ChargeProgress& progress) { on(bridge_id, progress); },
                   [&](const ChargeEnded& ended) { on(bridge_id, ended); },
                   [&](const ApprovalUnused& unused) { on(bridge_id, unused); },
                   [](const BridgeHello&) {},
                   [](const StationState&) {},
                   [&](const AuthorizeResult&) { m_context.count("roaming_bridge_misuse"); },
                   [&](const StopCharge&) { m_context.count("roaming_bridge_misuse"); },
                   [&](const SessionNotice&) { m_context.count("roaming_bridge_misuse"); },
                   [](const Acknowledge&) {},
               },
               message);
}

// ---- a swipe

void VisitedDesk::on(const std::string& bridge_id, const AuthorizeRequest& request) {
    if (VisitedSession* known = m_sessions.find(request.session)) {
        known->bridge_id = bridge_id;
        if (known->stage != VisitedStage::requested) {
            answer(*known, request.session);
        }
        return;
    }
    const auto token = canonical_token(request.token);
    const bool has_operator =
        token && find_member(m_context.ledger.final_state(), party_of_token(*token));
    if (has_operator) {
        swipe(bridge_id, request, *token, m_context.clock.now());
    } else {
        swipe_bare(bridge_id, request);
    }
}

void VisitedDesk::swipe(const std::string& bridge_id, const AuthorizeRequest& request,
                        const std::string& token, UnixMillis opened) {
    if (answer_running(request, [&](const VisitedSession&) { return token; })) {
        return;
    }
    if (m_context.is_overloaded(m_sessions.open()) ||
        !is_valid_name(request.station, station_id_bytes_max)) {
        refuse_unstored(bridge_id, request.session, "overloaded");
        return;
    }
    const PartyId home = party_of_token(token);
    VisitedSession session;
    session.id = request.session;
    session.bridge_id = bridge_id;
    session.opened = opened;
    session.connector = request.connector;
    session.request.session = request.session;
    session.request.visited = m_context.options.self;
    session.request.home = home;
    session.request.station = request.station;
    std::string reason = refusal(request, home);
    if (reason.empty()) {
        reason = make_request(request, token, session);
    }
    VisitedSession& added = m_sessions.add(std::move(session));
    if (!reason.empty()) {
        m_context.count("roaming_refused_here");
        apply(added, visited::Denied{reason});
        return;
    }
    m_by_station[added.request.station].insert(added.id);
    added.request_id = m_context.random.fixed<MessageId>();
    ask_home(added);
    m_sessions.save(added);
}

/// The driver of a charge that goes on at this station came back.
const VisitedSession* VisitedDesk::find_running(const AuthorizeRequest& request,
                                                const TokenOf& token) const {
    const auto here = m_by_station.find(request.station);
    if (here == m_by_station.end()) {
        return nullptr;
    }
    for (const SessionId& id : here->second) {
        const auto found = m_sessions.all().find(id);
        if (found == m_sessions.all().end()) {
            continue;
        }
        const VisitedSession& session = found->second;
        const bool running =
            (session.stage == VisitedStage::starting || session.stage == VisitedStage::charging) &&
            !session.metered;
        if (running && (request.connector == 0 || request.connector == session.connector) &&
            token_commitment(session.token_key, token(session)) ==
                session.request.token_commitment) {
            return &session;
        }
    }
    return nullptr;
}

bool VisitedDesk::answer_running(const AuthorizeRequest& request, const TokenOf& token) {
    const VisitedSession* running = find_running(request, token);
    if (running == nullptr) {
        return false;
    }
    m_context.count("roaming_return_swipe");
    answer(*running, request.session);
    return true;
}

void VisitedDesk::ask_home(VisitedSession& session) {
    const SessionId id = session.id;
    const auto budget = m_context.options.authorization_budget;
    m_context.courier.send_again(session.request.home, session.request_id, session.request_body,
                                 session.opened + budget.count());
    const UnixMillis left = session.opened + budget.count() - m_context.clock.now();
    m_context.after(std::chrono::milliseconds{std::clamp<UnixMillis>(left, 0, budget.count())},
                    [this, id] {
                        if (VisitedSession* asked = m_sessions.find(id)) {
                            apply(*asked, visited::BudgetElapsed{});
                        }
                    });
}

void VisitedDesk::on_denial(const PartyId& from, const Denial& denial) {
    VisitedSession* session = m_sessions.find(denial.session);
    const auto transaction = decode_transaction(denial.decision);
    if (session == nullptr || session->request.home != from || !transaction) {
        m_context.count("roaming_denial_ignored");
        return;
    }
    const auto* decision = std::get_if<DecideAuthorization>(&transaction->action);
    if (decision == nullptr || decision->approved ||
        decision->request_hash != request_hash(session->request_body)) {
        m_context.count("roaming_denial_ignored");
        return;
    }
    apply(*session, visited::Denied{to_text(decision->reason)});
}

// ---- answers to the bridge

void VisitedDesk::answer(const VisitedSession& session, const SessionId& asked) {
    const bool given_back =
        session.stage == VisitedStage::releasing || session.stage == VisitedStage::disputed;
    const bool usable = session.authorization && !session.is_finished() && !given_back;
    if (usable) {
        m_context.send_to_bridge(session.bridge_id, accepted(session, asked));
        return;
    }
    const auto state = session.state();
    refuse_unstored(session.bridge_id, asked,
                    session.reason.empty() && state ? to_text(*state) : session.reason);
}

AuthorizeResult VisitedDesk::accepted(const VisitedSession& session, const SessionId& asked) const {
    const StateView& state = m_context.ledger.final_state();
    const PartyId& self = m_context.options.self;
    AuthorizeResult result;
    result.session = asked;
    result.accepted = true;
    result.authorization = *session.authorization;
    result.prepaid = session.prepaid;
    result.start_by = session.start_by;
    for (const OfferedEvse& offer : session.request.evses) {
        const auto charger = find_charger(state, self, offer.evse_id);
        const auto tariff = find_tariff(state, self, offer.tariff);
        const bool approved = std::find(session.tariffs.begin(), session.tariffs.end(),
                                        offer.tariff) != session.tariffs.end();
        if (!charger || !tariff || !approved) {
            continue;
        }
        AuthorizeResult::Evse evse;
        evse.connector = offer.connector;
        evse.evse_id = offer.evse_id;
        evse.rated_power_w = charger->rated_power_w;
        evse.meter_serial = charger->meter_serial;
        evse.meter_epoch = charger->meter_epoch;
        evse.meter_public_key = charger->meter_public_key;
        evse.tariff_ref = offer.tariff;
        evse.tariff = *tariff;
        evse.coefficient_permille = session.coefficient_of(offer.evse_id);
        result.evses.push_back(std::move(evse));
    }
    return result;
}

void VisitedDesk::refuse_unstored(const std::string& bridge_id, const SessionId& asked,
                                  const std::string& reason) {
    AuthorizeResult result;
    result.session = asked;
    result.reason = reason;
    m_context.send_to_bridge(bridge_id, std::move(result));
}

// ---- the charge

void VisitedDesk::on(const std::string& bridge_id, const ChargeStarted& started) {
    VisitedSession* session = find_charge(started.session, started.authorization);
    if (session == nullptr) {
        session = adopt(bridge_id, started.session, started.authorization, started.evse_id);
    }
    if (session == nullptr) {
        m_context.count("roaming_unknown_session");
        m_context.send_to_bridge(
            bridge_id, StopCharge{.session = started.session, .reason = "not_authorized"});
    } else {
        session->bridge_id = bridge_id;
        const auto charger =
            find_charger(m_context.ledger.final_state(), m_context.options.self, started.evse_id);
        session->reference_power_w = charger ? charger->rated_power_w : 0;
        apply(*session, visited::Started{started.connector, started.evse_id});
    }
    acknowledge(bridge_id, started.sequence);
}

void VisitedDesk::on(const std::string& bridge_id, const ChargeProgress& progress) {
    VisitedSession* session = m_sessions.find(progress.session);
    if (session == nullptr || progress.elapsed_s < 0 || progress.energy_wh < 0 ||
        progress.amount_so_far < 0 || progress.amount_so_far > amount_max || progress.time < 0) {
        return;
    }
    session->bridge_id = bridge_id;
    // Not stored: the next figures replace these, and the end of the charge brings the true ones.
    const auto effects =
        visited::step(*session, visited::Progressed{progress.elapsed_s, progress.energy_wh,
                                                    progress.amount_so_far, progress.time});
    carry_out(*session, effects);
    relay_progress(*session);
}

void VisitedDesk::relay_progress(const VisitedSession& session) {
    const UnixMillis now = m_context.clock.now();
    if (!session.authorization || session.is_finished()) {
        return;
    }
    UnixMillis& sent = m_progress_sent[session.id];
    if (sent <= now && now - sent < m_context.options.progress_interval.count()) {
        return;
    }
    sent = now;
    Progress progress;
    progress.session = session.id;
    progress.authorization = *session.authorization;
    progress.station = session.request.station;
    progress.connector = session.connector;
    progress.elapsed_s = session.elapsed_s;
    progress.energy_wh = session.energy_wh;
    progress.amount_so_far = session.amount_so_far;
    progress.time = session.progress_time;
    progress.reference_power_w = session.reference_power_w;
    progress.coefficient_permille = session.coefficient_permille;
    m_context.courier.send(session.request.home, progress, Delivery::once, now);
}

void VisitedDesk::on(const std::string& bridge_id, const ApprovalUnused& unused) {
    if (VisitedSession* session = m_sessions.find(unused.session)) {
        session->bridge_id = bridge_id;
        apply(*session, visited::Unused{});
    }
    acknowledge(bridge_id, unused.sequence);
}

bool VisitedDesk::stop_charge(const SessionId& id) {
    const VisitedSession* session = m_sessions.find(id);
    if (session == nullptr || session->metered ||
        (session->stage != VisitedStage::starting && session->stage != VisitedStage::charging)) {
        return false;
    }
    m_stop_wanted.insert(id);
    send_stop(*session, "operator");
    return true;
}

void VisitedDesk::send_stop(const VisitedSession& session, const std::string& reason) {
    m_context.send_to_bridge(session.bridge_id,
                             StopCharge{.session = session.id, .reason = reason});
}

// ---- the ledger

void VisitedDesk::on_final(const FinalTransaction& transaction) {
    const bool ok = transaction.result == ResultCode::ok;
    if (const auto* decision = std::get_if<DecideAuthorization>(&transaction.action)) {
        VisitedSession* session = decision->visited == m_context.options.self
                                      ? m_sessions.find_request(decision->request_hash)
                                      : nullptr;
        if (session == nullptr || session->request.home != transaction.ref.signer) {
            return;
        }
        if (ok && decision->approved) {
            apply(*session, visited::Approved{transaction.ref, *decision});
        } else {
            const DenyReason reason = ok ? decision->reason : deny_reason_of(transaction.result);
            apply(*session, visited::Denied{to_text(reason)});
        }
    } else if (const auto* settle = std::get_if<SettleCharge>(&transaction.action)) {
        VisitedSession* session = ok ? m_sessions.find(settle->authorization) : nullptr;
        if (session != nullptr) {
            apply(*session, visited::Settled{settle->amount});
        }
    } else if (const auto* record = std::get_if<RecordCharge>(&transaction.action)) {
        // Ours, and of no session: seen again by a node that was restored.
        const bool is_ours = ok && transaction.ref.signer == m_context.options.self;
        const auto live = is_ours ? find_live_authorization(m_context.ledger.final_state(),
                                                            record->metered.authorization)
                                  : std::nullopt;
        if (live) {
            adopt_recorded(*live);
        }
    } else if (const auto* release = std::get_if<ReleaseAuthorization>(&transaction.action)) {
        VisitedSession* session = ok ? m_sessions.find(release->authorization) : nullptr;
        if (session != nullptr && transaction.ref.signer == session->request.home) {
            apply(*session, visited::ReleasedByHome{});
        }
    } else if (const auto ended = dispute_ended_by(transaction.action); ended && ok) {
        on_dispute_ended(*ended);
    }
}

void VisitedDesk::on_own_result(const SubmissionOwner& owner, const FinalTransaction& transaction,
                                UnixMillis block_time) {
    SessionId id;
    id.data = owner.key.data;
    VisitedSession* session = m_sessions.find(id);
    if (session == nullptr || !session->authorization) {
        return;
    }
    const Parameters parameters = find_parameters(m_context.ledger.final_state());
    visited::OwnResult result;
    result.action = action_of(owner.action);
    result.code = transaction.result;
    const auto authorization =
        find_authorization(m_context.ledger.final_state(), *session->authorization);
    if (authorization) {
        result.status = authorization->status;
    }
    const bool has_record = authorization && authorization->record;
    result.settle_by =
        has_record ? authorization->record->settle_by : block_time + parameters.settle_window;
    result.claim_until = has_record ? authorization->record->claim_until
                                    : result.settle_by + parameters.claim_window;
    apply(*session, result);
}

void VisitedDesk::on_dispute_ended(const AuthorizationRef& authorization) {
    VisitedSession* session = m_sessions.find(authorization);
    if (session == nullptr) {
        return;
    }
    if (const auto posted = posted_in_all(m_context.ledger.final_state(), authorization)) {
        apply(*session, visited::Settled{*posted});
    } else {
        m_context.count("roaming_dispute_end_unknown");
    }
}

bool VisitedDesk::is_disputed(const VisitedSession& session) const {
    const auto live =
        find_live_authorization(m_context.ledger.final_state(), *session.authorization);
    return live && live->status == AuthorizationStatus::disputed;
}

void VisitedDesk::on_expired(const Event& event) {
    if (event.cause == ExpiryCause::not_arbitrated) {
        on_dispute_ended(event.ref);
        return;
    }
    if (VisitedSession* session = m_sessions.find(event.ref)) {
        apply(*session, visited::Expired{event.cause});
    }
}

void VisitedDesk::on_time(UnixMillis block_time) {
    look_at_unmatched();
    for (auto& [id, session] : m_sessions.all()) {
        // Every try is a leaf on the ledger: none while it is known to be refused.
        const bool start_again = session.start_again && !is_evse_busy(session);
        const bool may_claim = session.stage == VisitedStage::recorded &&
                               session.settle_by < block_time && !is_disputed(session);
        if (start_again || may_claim) {
            apply(session, visited::TimePassed{block_time});
        }
    }
}

bool VisitedDesk::is_evse_busy(const VisitedSession& session) const {
    const auto charger =
        find_charger(m_context.ledger.final_state(), m_context.options.self, session.evse_id);
    return charger && charger->busy;
}

// ---- effects

void VisitedDesk::apply(VisitedSession& session, const visited::Event& event) {
    const VisitedSession before = session;
    const auto effects = visited::step(session, event);
    carry_out(session, effects);
    if (session == before) {
        return;
    }
    if (session.stage != VisitedStage::requested) {
        m_context.courier.cancel(session.request_id);
    }
    if (session.is_finished()) {
        m_progress_sent.erase(session.id);
        m_stop_wanted.erase(session.id);
        const auto here = m_by_station.find(session.request.station);
        if (here != m_by_station.end()) {
            here->second.erase(session.id);
            if (here->second.empty()) {
                m_by_station.erase(here);
            }
        }
    }
    m_sessions.save(session);
}

void VisitedDesk::carry_out(VisitedSession& session, const visited::Effects& effects) {
    const UnixMillis now = m_context.clock.now();
    const UnixMillis lifetime = m_context.options.submission_lifetime_ms;
    for (const visited::Effect& effect : effects) {
        std::visit(Overloaded{
                       [&](const visited::Answer&) { answer(session, session.id); },
                       [&](const visited::Submit& submit) {
                           m_context.submitter.submit(owner_of(session.id, submit), submit.content,
                                                      now, lifetime);
                       },
                       [&](const visited::ReleaseOther& release) {
                           SubmissionOwner owner;
                           owner.action = OwnAction::release_other;
                           m_context.submitter.submit(
                               owner, ReleaseAuthorization{release.authorization}, now, lifetime);
                       },
                       [&](const visited::StopCharging& stop) { send_stop(session, stop.reason); },
                       [&](const visited::Announce&) { announce(session); },
                   },
                   effect);
    }
}

void VisitedDesk::announce(const VisitedSession& session) {
    const auto state = session.state();
    if (!state) {
        return;
    }
    m_context.send_to_bridge(session.bridge_id,
                             SessionNotice{.session = session.id, .state = to_text(*state)});
    const bool told = *state == SessionState::charging || *state == SessionState::settled;
    if (!told || !session.authorization) {
        return;  // the others see it on the ledger
    }
    Notice notice;
    notice.session = session.id;
    notice.authorization = *session.authorization;
    notice.state = *state;
    notice.station = session.request.station;
    notice.connector = session.connector;
    notice.amount = session.amount;
    m_context.courier.send(session.request.home, notice, Delivery::durable,
                           m_context.clock.now() + m_context.options.notice_lifetime_ms);
}

SessionView VisitedDesk::view(const VisitedSession& session) const {
    SessionView view = view_of(session);
    view.id = session.id;
    view.visited = m_context.options.self;
    view.home = session.request.home;
    view.station = session.request.station;
    view.currency = session.request.currency;
    view.authorization = session.authorization;
    return view;
}

}  // namespace tally::node
