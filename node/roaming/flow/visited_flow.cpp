#include "node/roaming/flow/visited_flow.h"

#include "ledger/model/rating.h"
#include "ledger/model/result_code.h"

#include <algorithm>

namespace tally::node {

bool VisitedSession::is_finished() const noexcept {
    switch (stage) {
        case VisitedStage::refused:
        case VisitedStage::settled:
        case VisitedStage::released:
        case VisitedStage::expired:
            return true;
        case VisitedStage::disputed:
            return in_flight == VisitedAction::none;  // the promise was given back
        case VisitedStage::requested:
        case VisitedStage::approved:
        case VisitedStage::starting:
        case VisitedStage::charging:
        case VisitedStage::recording:
        case VisitedStage::recorded:
        case VisitedStage::releasing:
            return false;
    }
    return false;
}

std::optional<SessionState> VisitedSession::state() const noexcept {
    switch (stage) {
        case VisitedStage::requested:
            return std::nullopt;
        case VisitedStage::refused:
            return SessionState::denied;
        case VisitedStage::approved:
            return SessionState::authorized;
        case VisitedStage::starting:
        case VisitedStage::charging:
        case VisitedStage::recording:
            return SessionState::charging;
        case VisitedStage::recorded:
            return SessionState::recorded;
        case VisitedStage::settled:
            return SessionState::settled;
        case VisitedStage::releasing:
        case VisitedStage::released:
            return SessionState::released;
        case VisitedStage::expired:
            return SessionState::expired;
        case VisitedStage::disputed:
            return SessionState::disputed;
    }
    return std::nullopt;
}

const OfferedEvse* VisitedSession::find_offer(std::string_view evse) const {
    for (const OfferedEvse& offer : request.evses) {
        if (offer.evse_id == evse) {
            return &offer;
        }
    }
    return nullptr;
}

std::int64_t VisitedSession::coefficient_of(std::string_view evse) const {
    const OfferedEvse* offer = find_offer(evse);
    const auto index = offer == nullptr ? offered_coefficients.size()
                                        : static_cast<std::size_t>(offer - request.evses.data());
    return index < offered_coefficients.size() ? offered_coefficients[index]
                                               : coefficient_permille_default;
}

namespace visited {
namespace {

const char* to_reason(ExpiryCause cause) {
    switch (cause) {
        case ExpiryCause::not_started:
            return "not_started";
        case ExpiryCause::not_recorded:
            return "not_recorded";
        case ExpiryCause::not_claimed:
            return "not_claimed";
        case ExpiryCause::not_countersigned:
            return "not_countersigned";
        case ExpiryCause::not_decided:
            return "not_decided";
        case ExpiryCause::not_arbitrated:
            return "not_arbitrated";
        case ExpiryCause::correction_over:
            return "correction_over";
    }
    return "expired";
}

/// One event on one session. The methods are the rows of the table in docs/protocol/roaming.md.
class Step {
public:
    explicit Step(VisitedSession& session) : m_session{session} {}

    void operator()(const Approved& event);
    void operator()(const Denied& event) { refuse(event.reason); }
    void operator()(const BudgetElapsed&) { refuse("home_unreachable"); }
    void operator()(const Started& event);
    void operator()(const Ended& event);
    void operator()(const Unused&);
    void operator()(const Progressed& event);
    void operator()(const OwnResult& event);
    void operator()(const Settled& event);
    void operator()(const ReleasedByHome&);
    void operator()(const Expired& event);
    void operator()(const TimePassed& event);

    [[nodiscard]] Effects take() && { return std::move(m_effects); }

private:
    [[nodiscard]] bool fits_request(const DecideAuthorization& decision) const;
    void refuse(const std::string& reason);
    void enter(VisitedStage stage);
    void submit(VisitedAction action, Action content);
    void release();
    void dispute();
    void start(const std::string& evse_id, std::uint16_t connector);
    void submit_start();
    void submit_record_when_ready();
    void start_failed(const OwnResult& event);
    void on_start(const OwnResult& event);
    void on_record(const OwnResult& event);
    void on_release(const OwnResult& event);
    void on_claim(const OwnResult& event);
    void rate(const MeteredCharge& metered, const std::optional<Tariff>& tariff);

    VisitedSession& m_session;
    Effects m_effects;
};

bool Step::fits_request(const DecideAuthorization& decision) const {
    const AuthorizationRequest& request = m_session.request;
    return decision.approved && decision.amount > 0 && decision.station == request.station &&
           decision.currency == request.currency &&
           decision.token_commitment == request.token_commitment &&
           std::any_of(request.evses.begin(), request.evses.end(), [&](const OfferedEvse& evse) {
               return std::find(decision.tariffs.begin(), decision.tariffs.end(), evse.tariff) !=
                      decision.tariffs.end();
           });
}

void Step::operator()(const Approved& event) {
    if (m_session.authorization) {
        if (*m_session.authorization != event.authorization) {
            m_effects.emplace_back(ReleaseOther{event.authorization});
        }
        return;
    }
    m_session.authorization = event.authorization;
    m_session.prepaid = event.decision.amount;
    m_session.start_by = event.decision.start_by;
    m_session.tariffs = event.decision.tariffs;
    if (m_session.stage == VisitedStage::requested && fits_request(event.decision)) {
        enter(VisitedStage::approved);
        m_effects.emplace_back(Answer{true});
        return;
    }
    if (m_session.stage == VisitedStage::requested) {
        refuse("not_allowed");
    }
    release();  // refused meanwhile: the driver is gone
}

void Step::refuse(const std::string& reason) {
    if (m_session.stage != VisitedStage::requested) {
        return;
    }
    m_session.reason = reason;
    enter(VisitedStage::refused);
    m_effects.emplace_back(Answer{false});
}

void Step::enter(VisitedStage stage) {
    const auto before = m_session.state();
    m_session.stage = stage;
    if (m_session.state() != before) {
        m_effects.emplace_back(Announce{});
    }
}

void Step::submit(VisitedAction action, Action content) {
    m_session.in_flight = action;
    m_effects.emplace_back(Submit{action, std::move(content)});
}

void Step::release() {
    enter(VisitedStage::releasing);
    submit(VisitedAction::release, ReleaseAuthorization{*m_session.authorization});
}

/// The charge cannot be recorded as it is. The promise is given back at once: kept, it would hold
/// the driver's money and block the EVSE for every other driver until record_by.
void Step::dispute() {
    enter(VisitedStage::disputed);
    submit(VisitedAction::release, ReleaseAuthorization{*m_session.authorization});
}

void Step::operator()(const Started& event) {
    if (m_session.stage == VisitedStage::approved) {
        start(event.evse_id, event.connector);
    } else if (m_session.is_finished() || m_session.stage == VisitedStage::releasing) {
        m_effects.emplace_back(StopCharging{"not_authorized"});
    }
}

void Step::start(const std::string& evse_id, std::uint16_t connector) {
    const OfferedEvse* offer = m_session.find_offer(evse_id);
    m_session.connector = connector;
    if (offer == nullptr || std::find(m_session.tariffs.begin(), m_session.tariffs.end(),
                                      offer->tariff) == m_session.tariffs.end()) {
        m_session.reason = offer == nullptr ? "wrong_station" : "tariff_not_offered";
        m_effects.emplace_back(StopCharging{m_session.reason});
        release();
        return;
    }
    m_session.evse_id = evse_id;
    m_session.coefficient_permille = m_session.coefficient_of(evse_id);
    m_session.tariff = offer->tariff;
    enter(VisitedStage::starting);
    submit_start();
}

void Step::submit_start() {
    m_session.start_again = false;
    submit(VisitedAction::start, StartCharge{.authorization = *m_session.authorization,
                                             .evse_id = m_session.evse_id,
                                             .tariff = m_session.tariff});
}

void Step::operator()(const Ended& event) {
    if (m_session.metered || m_session.stage == VisitedStage::requested ||
        m_session.stage == VisitedStage::refused) {
        return;
    }
    m_session.metered = event.metered;
    rate(event.metered, event.tariff);
    if (m_session.stage == VisitedStage::approved) {  // ChargeStarted was overtaken
        const OfferedEvse* offer = m_session.find_offer(event.metered.evse_id);
        start(event.metered.evse_id, offer == nullptr ? std::uint16_t{0} : offer->connector);
        return;
    }
    submit_record_when_ready();
}

void Step::rate(const MeteredCharge& metered, const std::optional<Tariff>& tariff) {
    if (!tariff) {
        m_session.reason = to_text(ResultCode::unknown_tariff);
        return;
    }
    const auto rating = tally::rate(*tariff, metered.readings);
    if (!rating || rating->total() > amount_max) {
        m_session.reason = to_text(rating ? RatingError::overflow : rating.error());
        return;
    }
    m_session.rated_amount = rating->total();
    m_session.amount = std::min(rating->total(), m_session.prepaid);
    m_session.energy_wh = rating->energy_wh;
    m_session.amount_so_far = rating->total();
    m_session.elapsed_s = (metered.readings.back().time - metered.readings.front().time) / 1000;
    m_session.progress_time = metered.readings.back().time;
}

void Step::submit_record_when_ready() {
    if (m_session.stage != VisitedStage::charging) {
        return;
    }
    if (!m_session.reason.empty()) {  // could not be metered or rated: a person has to look at it
        dispute();
        return;
    }
    if (!m_session.metered) {
        return;
    }
    enter(VisitedStage::recording);
    submit(VisitedAction::record, RecordCharge{.metered = *m_session.metered,
                                               .rated_amount = m_session.rated_amount,
                                               .amount = m_session.amount});
}

void Step::operator()(const Unused&) {
    const bool charged =
        m_session.stage == VisitedStage::starting || m_session.stage == VisitedStage::charging;
    if (m_session.stage == VisitedStage::approved) {
        release();
    } else if (charged && !m_session.metered) {
        m_session.reason = "no_record";
        submit_record_when_ready();
    } else {
        refuse("cancelled");
    }
}

void Step::operator()(const Progressed& event) {
    const bool running = m_session.stage == VisitedStage::approved ||
                         m_session.stage == VisitedStage::starting ||
                         m_session.stage == VisitedStage::charging;
    const bool unpaid = m_session.is_finished() || m_session.stage == VisitedStage::releasing;
    if (unpaid && !m_session.metered) {
        m_effects.emplace_back(StopCharging{"not_authorized"});  // an earlier one may be lost
    }
    // An intermediate value that went back is an old one that came late.
    if (!running || m_session.metered || event.elapsed_s < m_session.elapsed_s ||
        event.energy_wh < m_session.energy_wh) {
        return;
    }
    m_session.elapsed_s = event.elapsed_s;
    m_session.energy_wh = event.energy_wh;
    m_session.amount_so_far = event.amount_so_far;
    m_session.progress_time = event.time;
}

void Step::operator()(const OwnResult& event) {
    if (m_session.in_flight != event.action) {
        return;
    }
    m_session.in_flight = VisitedAction::none;
    switch (event.action) {
        case VisitedAction::none:
            break;
        case VisitedAction::start:
            on_start(event);
            break;
        case VisitedAction::record:
            on_record(event);
            break;
        case VisitedAction::release:
            on_release(event);
            break;
        case VisitedAction::claim:
            on_claim(event);
            break;
    }
}

void Step::on_start(const OwnResult& event) {
    if (m_session.stage != VisitedStage::starting) {
        return;
    }
    const bool started = event.status && (*event.status == AuthorizationStatus::started ||
                                          *event.status == AuthorizationStatus::recorded);
    if (event.code == ResultCode::ok || started) {
        enter(VisitedStage::charging);
        submit_record_when_ready();
        return;
    }
    if (event.code == ResultCode::evse_busy) {
        m_session.start_again = true;  // the record of the charge before is not final yet
        return;
    }
    start_failed(event);
}

void Step::start_failed(const OwnResult& event) {
    m_session.reason = to_text(event.code);
    m_effects.emplace_back(StopCharging{m_session.reason});
    if (event.status == AuthorizationStatus::approved) {
        release();
    } else {
        enter(VisitedStage::expired);
    }
}

void Step::on_record(const OwnResult& event) {
    if (m_session.stage != VisitedStage::recording) {
        return;
    }
    const bool recorded = event.status && (*event.status == AuthorizationStatus::recorded ||
                                           *event.status == AuthorizationStatus::settled);
    if (event.code == ResultCode::ok || recorded) {
        m_session.settle_by = event.settle_by;
        m_session.claim_until = event.claim_until;
        enter(VisitedStage::recorded);
        return;
    }
    m_session.reason = to_text(event.code);
    dispute();
}

void Step::on_release(const OwnResult& event) {
    if (m_session.stage != VisitedStage::releasing) {
        return;  // A disputed charge stays one, for the operator to see.
    }
    const bool expired = event.status && *event.status == AuthorizationStatus::expired;
    enter(expired ? VisitedStage::expired : VisitedStage::released);
}

void Step::on_claim(const OwnResult& event) {
    if (m_session.stage != VisitedStage::recorded) {
        return;
    }
    if (event.code == ResultCode::ok || event.status == AuthorizationStatus::claimed) {
        m_session.reason = "claimed";
        enter(VisitedStage::settled);
    }
    // Otherwise B was faster or the time is not right: the ledger's own changes tell.
}

void Step::operator()(const Settled& event) {
    if (m_session.stage == VisitedStage::recorded || m_session.stage == VisitedStage::recording) {
        m_session.amount = event.amount;
        enter(VisitedStage::settled);
    }
}

void Step::operator()(const ReleasedByHome&) {
    if (m_session.stage == VisitedStage::approved || m_session.stage == VisitedStage::releasing ||
        m_session.stage == VisitedStage::starting) {
        m_effects.emplace_back(StopCharging{"released_by_home"});
        m_session.reason = "released_by_home";
        enter(VisitedStage::released);
    }
}

void Step::operator()(const Expired& event) {
    if (m_session.is_finished()) {
        return;
    }
    if (m_session.stage == VisitedStage::starting || m_session.stage == VisitedStage::charging) {
        m_effects.emplace_back(StopCharging{to_reason(event.cause)});
    }
    m_session.reason = to_reason(event.cause);
    enter(VisitedStage::expired);
}

void Step::operator()(const TimePassed& event) {
    if (m_session.in_flight != VisitedAction::none) {
        return;
    }
    if (m_session.stage == VisitedStage::starting && m_session.start_again) {
        submit_start();
    } else if (m_session.stage == VisitedStage::recorded && m_session.settle_by > 0 &&
               m_session.settle_by < event.block_time &&
               event.block_time <= m_session.claim_until) {
        submit(VisitedAction::claim, ClaimCharge{*m_session.authorization});
    }
}

}  // namespace

Effects step(VisitedSession& session, const Event& event) {
    Step run{session};
    std::visit(run, event);
    return std::move(run).take();
}

}  // namespace visited
}  // namespace tally::node
