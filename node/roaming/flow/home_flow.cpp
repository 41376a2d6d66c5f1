#include "node/roaming/flow/home_flow.h"

#include "ledger/model/result_code.h"

namespace tally::node {

bool HomeSession::is_finished() const noexcept {
    const auto shown = state();
    return shown && tally::node::is_finished(*shown);
}

std::optional<SessionState> HomeSession::state() const noexcept {
    switch (stage) {
        case HomeStage::deciding:
            return std::nullopt;
        case HomeStage::denied:
            return SessionState::denied;
        case HomeStage::approved:
            return SessionState::authorized;
        case HomeStage::charging:
            return SessionState::charging;
        case HomeStage::recorded:
        case HomeStage::review:
            return SessionState::recorded;
        case HomeStage::settled:
            return SessionState::settled;
        case HomeStage::released:
            return SessionState::released;
        case HomeStage::expired:
            return SessionState::expired;
        case HomeStage::disputed:
            return SessionState::disputed;
    }
    return std::nullopt;
}

DenyReason deny_reason_of(ResultCode code) {
    if (code == ResultCode::no_agreement) {
        return DenyReason::no_agreement;
    }
    if (code == ResultCode::currency_mismatch) {
        return DenyReason::currency_mismatch;
    }
    if (code == ResultCode::limit_exceeded || code == ResultCode::exposure_exceeded ||
        code == ResultCode::overflow) {
        return DenyReason::limit_exceeded;
    }
    return DenyReason::not_allowed;
}

namespace home {
namespace {

class Step {
public:
    explicit Step(HomeSession& session) : m_session{session} {}

    void operator()(const Decided& event);
    void operator()(const Started& event);
    void operator()(const Recorded& event);
    void operator()(const Reviewed&);
    void operator()(const SettleRefused& event);
    void operator()(const Posted& event);
    void operator()(const Released&);
    void operator()(const Expired& event);
    void operator()(const Progressed& event);

    [[nodiscard]] Effects take() && { return std::move(m_effects); }

private:
    /// Approved, and no money has moved or been given back yet.
    [[nodiscard]] bool is_open() const;

    HomeSession& m_session;
    Effects m_effects;
};

bool Step::is_open() const {
    return m_session.stage != HomeStage::denied && !m_session.is_finished();
}

void Step::operator()(const Decided& event) {
    if (m_session.stage != HomeStage::deciding) {
        return;
    }
    if (event.approved && event.code == ResultCode::ok) {
        m_session.stage = HomeStage::approved;
        return;
    }
    const DenyReason reason = deny_reason_of(event.code);
    m_session.stage = HomeStage::denied;
    m_session.reason = to_text(reason);
    m_effects.emplace_back(ReleaseHold{});
    m_effects.emplace_back(SendDenial{reason});
}

void Step::operator()(const Started& event) {
    if (m_session.stage == HomeStage::approved) {
        m_session.stage = HomeStage::charging;
        m_session.connector = event.connector;
    }
}

void Step::operator()(const Recorded& event) {
    if (m_session.stage != HomeStage::approved && m_session.stage != HomeStage::charging) {
        return;
    }
    m_session.amount = event.amount;
    m_session.energy_wh = event.energy_wh;
    m_session.elapsed_s = event.elapsed_s;
    m_session.amount_so_far = event.amount;
    if (event.amount < 0 || event.amount > m_session.prepaid) {
        m_session.stage = HomeStage::disputed;
        m_session.reason = "amount_above_approval";
        return;
    }
    if (event.review) {
        m_session.stage = HomeStage::review;
        return;
    }
    m_session.stage = HomeStage::recorded;
    m_effects.emplace_back(SubmitSettle{event.amount});
}

void Step::operator()(const Reviewed&) {
    if (m_session.stage == HomeStage::review) {
        m_session.stage = HomeStage::recorded;
        m_effects.emplace_back(SubmitSettle{m_session.amount});
    }
}

void Step::operator()(const SettleRefused& event) {
    const bool posted = event.status && (*event.status == AuthorizationStatus::settled ||
                                         *event.status == AuthorizationStatus::claimed);
    if (m_session.stage != HomeStage::recorded || posted) {
        return;  // `Posted` has told, or tells
    }
    m_session.reason = to_text(event.code);
    m_session.stage = HomeStage::disputed;
}

void Step::operator()(const Posted& event) {
    if (!is_open()) {
        return;
    }
    m_session.stage = HomeStage::settled;
    m_session.amount = event.amount;
    m_session.reason = event.claimed ? "claimed" : "";
    m_effects.emplace_back(CaptureHold{event.amount});
}

void Step::operator()(const Released&) {
    if (is_open()) {
        m_session.stage = HomeStage::released;
        m_effects.emplace_back(ReleaseHold{});
    }
}

void Step::operator()(const Expired& event) {
    if (is_open()) {
        m_session.stage = HomeStage::expired;
        m_session.reason = to_text(event.cause);
        m_effects.emplace_back(ReleaseHold{});
    }
}

void Step::operator()(const Progressed& event) {
    const bool running =
        m_session.stage == HomeStage::approved || m_session.stage == HomeStage::charging;
    if (!running || event.elapsed_s < m_session.elapsed_s ||
        event.energy_wh < m_session.energy_wh) {
        return;
    }
    m_session.connector = event.connector;
    m_session.elapsed_s = event.elapsed_s;
    m_session.energy_wh = event.energy_wh;
    m_session.amount_so_far = event.amount_so_far;
    m_session.progress_time = event.time;
    m_session.reference_power_w = event.reference_power_w;
    m_session.coefficient_permille = event.coefficient_permille;
}

}  // namespace

Effects step(HomeSession& session, const Event& event) {
    Step run{session};
    std::visit(run, event);
    return std::move(run).take();
}

}  // namespace home
}  // namespace tally::node
