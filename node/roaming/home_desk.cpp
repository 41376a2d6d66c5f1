#include "node/roaming/home_desk.h"

#include "ledger/base/overloaded.h"
#include "ledger/state/epochs.h"
#include "ledger/state/queries.h"
#include "node/roaming/dispute_end.h"

#include <algorithm>

namespace tally::node {
namespace {

SubmissionOwner owner_of(const HomeSession& session, OwnAction action) {
    SubmissionOwner owner;
    owner.action = action;
    owner.key.data = session.authorization.id.data;
    return owner;
}

std::optional<DenyReason> reason_from_text(const std::string& text) {
    for (const DenyReason reason :
         {DenyReason::unknown_token, DenyReason::token_blocked, DenyReason::insufficient_balance,
          DenyReason::minimum_approval, DenyReason::concurrent_charge,
          DenyReason::currency_mismatch, DenyReason::no_agreement, DenyReason::limit_exceeded,
          DenyReason::not_allowed}) {
        if (text == to_text(reason)) {
            return reason;
        }
    }
    return std::nullopt;
}

}  // namespace

void HomeDesk::load() {
    m_sessions.load();
    for (const auto& [id, session] : m_sessions.all()) {
        m_by_session[session.session] = id;
        if (session.stage == HomeStage::review) {
            wait_for_review(session);
        }
    }
}

/// What is decided already, or not known any more, waits for nothing.
void HomeDesk::wait_for_review(const HomeSession& session) {
    const auto found =
        find_live_authorization(m_context.ledger.final_state(), session.authorization);
    if (found && found->status == AuthorizationStatus::recorded) {
        m_in_review.emplace(found->record->settle_by - m_context.options.review_margin_ms,
                            session.authorization.id);
    }
}

/// Entries of sessions that the table dropped are swept out now and then.
void HomeDesk::index(const HomeSession& session) {
    constexpr std::size_t stale_max{10'000};
    if (m_by_session.size() > m_sessions.all().size() + stale_max) {
        std::erase_if(m_by_session, [this](const auto& entry) {
            return !m_sessions.all().contains(entry.second);
        });
    }
    m_by_session[session.session] = session.authorization.id;
}

// ---- a request

void HomeDesk::on_request(const PartyId& from, const AuthorizationRequest& request, ByteView body) {
    if (HomeSession* known = m_sessions.find_request(request_hash(body))) {
        const auto reason = reason_from_text(known->reason);
        if (known->stage == HomeStage::denied && reason) {
            send_denial(*known, *reason);
        }
        return;  // an approval is on the ledger, or on its way there
    }
    if (!is_acceptable(from, request)) {
        m_context.count("roaming_request_dropped");
        return;
    }
    const UnixMillis now = m_context.clock.now();
    HomeSession session;
    session.authorization = {.signer = m_context.options.self,
                             .id = make_transaction_id(now, m_context.random)};
    session.session = request.session;
    session.visited = from;
    session.station = request.station;
    session.currency = request.currency;
    session.token_commitment = request.token_commitment;
    session.request_hash = request_hash(body);
    session.opened = now;
    Answer answer = decide(request, session.authorization);
    session.token = answer.token;
    session.prepaid = answer.amount;

    DecideAuthorization decision = decision_of(session);
    if (answer.denied) {
        session.stage = HomeStage::denied;
        session.reason = to_text(*answer.denied);
        decision.reason = *answer.denied;
        send_denial(session, *answer.denied);
        m_context.count("roaming_denied");
    } else {
        const UnixMillis window = find_parameters(m_context.ledger.final_state()).start_window;
        decision.approved = true;
        decision.amount = answer.amount;
        decision.tariffs = std::move(answer.tariffs);
        decision.start_by = now + std::max(window - m_context.options.start_margin_ms, window / 2);
        m_context.count("roaming_approved");
    }
    m_context.submitter.submit_once(owner_of(session, OwnAction::decide), session.authorization.id,
                                    decision, now + m_context.options.decision_lifetime_ms);
    index(session);
    m_sessions.add(std::move(session));
}

bool HomeDesk::is_acceptable(const PartyId& from, const AuthorizationRequest& request) const {
    const UnixMillis now = m_context.clock.now();
    const UnixMillis age_max = m_context.options.request_age_max_ms;
    return request.visited == from && request.home == m_context.options.self &&
           from != m_context.options.self && request.time <= now + age_max &&
           request.time >= now - age_max && !m_context.is_overloaded(m_sessions.open());
}

std::optional<Identity> HomeDesk::open(const AuthorizationRequest& request) const {
    for (const SecretKey& secret : m_link_secrets) {
        if (auto identity = open_identity(request, secret)) {
            return identity;
        }
    }
    return std::nullopt;
}

HomeDesk::Answer HomeDesk::decide(const AuthorizationRequest& request,
                                  const AuthorizationRef& authorization) {
    Answer answer;
    const StateView& state = m_context.ledger.final_state();
    const auto identity = open(request);
    if (!identity || canonical_token(identity->token) != identity->token ||
        !is_station_known(state, request.visited, request.station)) {
        answer.denied = DenyReason::not_allowed;
        return answer;
    }
    answer.token = identity->token;
    const auto agreement = find_agreement(state, m_context.options.self, request.visited);
    if (!agreement) {
        answer.denied = DenyReason::no_agreement;
        return answer;
    }
    if (agreement->ours.currency != request.currency) {
        answer.denied = DenyReason::currency_mismatch;
        return answer;
    }
    answer.tariffs = acceptable_tariffs(request, agreement->theirs);
    if (answer.tariffs.empty()) {
        answer.denied = DenyReason::not_allowed;
        return answer;
    }
    ApprovalQuestion question;
    question.token = identity->token;
    question.currency = request.currency;
    question.prepaid = request.prepaid;
    question.minimum_approval = find_parameters(state).minimum_approval;
    const auto amount = m_context.accounts.approve(authorization, question);
    if (amount) {
        answer.amount = *amount;
    } else {
        answer.denied = amount.error();
    }
    return answer;
}

std::vector<TariffRef> HomeDesk::acceptable_tariffs(const AuthorizationRequest& request,
                                                    const AgreementRecord& theirs) const {
    const StateView& state = m_context.ledger.final_state();
    std::set<TariffRef> tariffs;
    for (const OfferedEvse& evse : request.evses) {
        const auto tariff = find_tariff(state, request.visited, evse.tariff);
        const auto& offered = theirs.tariffs_offered;
        const bool is_offered =
            offered.empty() ||
            std::find(offered.begin(), offered.end(), evse.tariff.tariff_id) != offered.end();
        if (tariff && tariff->currency == request.currency && is_offered &&
            tariffs.size() < tariffs_offered_max) {
            tariffs.insert(evse.tariff);
        }
    }
    return {tariffs.begin(), tariffs.end()};
}

DecideAuthorization HomeDesk::decision_of(const HomeSession& session) const {
    DecideAuthorization decision;
    decision.visited = session.visited;
    decision.request_hash = session.request_hash;
    decision.token_commitment = session.token_commitment;
    decision.station = session.station;
    decision.currency = session.currency;
    return decision;
}

void HomeDesk::send_denial(const HomeSession& session, DenyReason reason) {
    const UnixMillis now = m_context.clock.now();
    DecideAuthorization decision = decision_of(session);
    decision.reason = reason;
    Denial denial;
    denial.session = session.session;
    denial.decision =
        encode_transaction({.id = session.authorization.id,
                            .not_after = session.opened + m_context.options.decision_lifetime_ms,
                            .action = decision});
    m_context.courier.send(session.visited, denial, Delivery::acknowledged,
                           now + m_context.options.authorization_budget.count());
}

void HomeDesk::on_progress(const PartyId& from, const Progress& progress) {
    HomeSession* session = find_own(progress.authorization);
    if (session == nullptr || session->visited != from) {
        return;
    }
    // Not stored, as on the visited side; the ledger's record brings the true figures. Only what
    // all figures of the charge go by is.
    const std::pair before{session->reference_power_w, session->coefficient_permille};
    const auto effects = home::step(
        *session, home::Progressed{progress.connector, progress.elapsed_s, progress.energy_wh,
                                   progress.amount_so_far, progress.time,
                                   progress.reference_power_w, progress.coefficient_permille});
    ENSURE(effects.empty());
    if (before != std::pair{session->reference_power_w, session->coefficient_permille}) {
        m_sessions.save(*session);
    }
}

// ---- the ledger

HomeSession* HomeDesk::find_own(const AuthorizationRef& authorization) {
    return authorization.signer == m_context.options.self ? m_sessions.find(authorization)
                                                          : nullptr;
}

void HomeDesk::on_final(const FinalTransaction& transaction) {
    if (transaction.result != ResultCode::ok) {
        return;
    }
    if (const auto* start = std::get_if<StartCharge>(&transaction.action)) {
        if (HomeSession* session = find_own(start->authorization)) {
            const auto charger =
                find_charger(m_context.ledger.final_state(), session->visited, start->evse_id);
            apply(*session, home::Started{charger ? charger->connector : std::uint16_t{0}});
        }
    } else if (const auto* record = std::get_if<RecordCharge>(&transaction.action)) {
        on_recorded(*record);
    } else if (const auto* settle = std::get_if<SettleCharge>(&transaction.action)) {
        if (HomeSession* session = find_own(settle->authorization)) {
            apply(*session, home::Posted{settle->amount, false});
        }
    } else if (const auto* claim = std::get_if<ClaimCharge>(&transaction.action)) {
        if (HomeSession* session = find_own(claim->authorization)) {
            apply(*session, home::Posted{session->amount, true});
        }
    } else if (const auto* release = std::get_if<ReleaseAuthorization>(&transaction.action)) {
        if (HomeSession* session = find_own(release->authorization)) {
            apply(*session, home::Released{});
        }
    } else if (const auto ended = dispute_ended_by(transaction.action)) {
        on_dispute_ended(*ended);
    }
}

bool HomeDesk::needs_review(Money amount) const {
    const std::optional<Money>& from = m_context.options.review_from;
    return from && amount >= *from;
}

void HomeDesk::on_recorded(const RecordCharge& record) {
    HomeSession* session = find_own(record.metered.authorization);
    if (session == nullptr) {
        return;
    }
    const auto& readings = record.metered.readings;
    apply(*session,
          home::Recorded{record.amount, readings.back().register_wh - readings.front().register_wh,
                         (readings.back().time - readings.front().time) / 1000,
                         needs_review(record.amount)});
    if (session->stage == HomeStage::review) {
        wait_for_review(*session);
        m_context.count("roaming_review_wanted");
    }
}

void HomeDesk::on_time(UnixMillis block_time) {
    while (!m_in_review.empty() && m_in_review.begin()->first <= block_time) {
        const TransactionId id = m_in_review.begin()->second;
        m_in_review.erase(m_in_review.begin());
        HomeSession* session = m_sessions.find(id);
        if (session == nullptr || session->stage != HomeStage::review) {
            continue;  // Settled by hand, or over in another way.
        }
        const auto found =
            find_live_authorization(m_context.ledger.final_state(), session->authorization);
        if (found && found->status == AuthorizationStatus::recorded) {
            apply(*session, home::Reviewed{});
        }
    }
}

void HomeDesk::on_own_result(const SubmissionOwner& owner, const FinalTransaction& transaction) {
    TransactionId id;
    id.data = owner.key.data;
    HomeSession* session = m_sessions.find(id);
    if (session == nullptr) {
        return;
    }
    if (const auto* decision = std::get_if<DecideAuthorization>(&transaction.action)) {
        apply(*session, home::Decided{decision->approved, transaction.result});
    } else if (owner.action == OwnAction::settle && transaction.result != ResultCode::ok) {
        const auto authorization =
            find_authorization(m_context.ledger.final_state(), session->authorization);
        std::optional<AuthorizationStatus> status;
        if (authorization) {
            status = authorization->status;
        }
        apply(*session, home::SettleRefused{transaction.result, status});
    }
}

void HomeDesk::on_given_up(const SubmissionOwner& owner) {
    TransactionId id;
    id.data = owner.key.data;
    if (HomeSession* session = m_sessions.find(id)) {
        apply(*session, home::Decided{true, ResultCode::too_late});
    }
}

void HomeDesk::on_dispute_ended(const AuthorizationRef& authorization) {
    HomeSession* session = find_own(authorization);
    if (session == nullptr) {
        return;
    }
    if (const auto posted = posted_in_all(m_context.ledger.final_state(), authorization)) {
        apply(*session, home::Posted{*posted, false});
    } else {
        m_context.count("roaming_dispute_end_unknown");
    }
}

void HomeDesk::on_expired(const Event& event) {
    if (event.cause == ExpiryCause::not_arbitrated) {
        on_dispute_ended(event.ref);
        return;
    }
    if (HomeSession* session = find_own(event.ref)) {
        apply(*session, home::Expired{event.cause});
    }
}

void HomeDesk::apply(HomeSession& session, const home::Event& event) {
    const HomeSession before = session;
    const UnixMillis now = m_context.clock.now();
    for (const home::Effect& effect : home::step(session, event)) {
        std::visit(
            Overloaded{
                [&](const home::SendDenial& denial) { send_denial(session, denial.reason); },
                [&](const home::SubmitSettle& settle) {
                    m_context.submitter.submit(owner_of(session, OwnAction::settle),
                                               SettleCharge{.authorization = session.authorization,
                                                            .amount = settle.amount},
                                               now, m_context.options.submission_lifetime_ms);
                },
                [&](const home::CaptureHold& capture) {
                    if (!m_context.accounts.capture(session.authorization, capture.amount, now)) {
                        m_context.count("roaming_hold_missing");
                    }
                },
                [&](const home::ReleaseHold&) {
                    m_context.accounts.release(session.authorization);
                },
            },
            effect);
    }
    if (session != before) {
        m_sessions.save(session);
    }
}

const HomeSession* HomeDesk::find(const SessionId& session) const {
    const auto found = m_by_session.find(session);
    if (found == m_by_session.end()) {
        return nullptr;
    }
    const auto entry = m_sessions.all().find(found->second);
    return entry == m_sessions.all().end() ? nullptr : &entry->second;
}

SessionView HomeDesk::view(const HomeSession& session) const {
    SessionView view = view_of(session);
    view.id = session.session;
    view.visited = session.visited;
    view.home = m_context.options.self;
    view.station = session.station;
    view.currency = session.currency;
    if (session.stage != HomeStage::denied) {
        view.authorization = session.authorization;
    }
    return view;
}

}  // namespace tally::node
