#include "node/roaming/hub_desk.h"

#include "ledger/base/overloaded.h"
#include "ledger/state/queries.h"
#include "node/roaming/dispute_end.h"

namespace tally::node {
namespace {

/// No decision becomes final so long after its request: its transaction is out of time.
constexpr UnixMillis undecided_ms_max{300'000};

SessionState state_of(AuthorizationStatus status) {
    switch (status) {
        case AuthorizationStatus::approved:
            return SessionState::authorized;
        case AuthorizationStatus::started:
            return SessionState::charging;
        case AuthorizationStatus::recorded:
        case AuthorizationStatus::disputed:  // Nothing is owed for sure before it ends.
            return SessionState::recorded;
        case AuthorizationStatus::settled:
        case AuthorizationStatus::claimed:
            return SessionState::settled;
        case AuthorizationStatus::released:
            return SessionState::released;
        case AuthorizationStatus::denied:
            return SessionState::denied;
        case AuthorizationStatus::expired:
            return SessionState::expired;
    }
    return SessionState::authorized;
}

}  // namespace

void HubDesk::on_relayed(const SignedMessage& message, const RoamingBody& body) {
    std::visit(
        Overloaded{
            [&](const AuthorizationRequest& request) { on_request(message, request); },
            [&](const Progress& progress) { on_live(message, progress); },
            [&](const Notice& notice) { on_live(message, notice); }, [](const Denial&) {},
            [](const HubReceipt&) {}, [](const Acknowledgement&) {}, [](const TokenMessage&) {},
            [](const EvidenceMessage&) {},  // for the two operators alone
        },
        body);
}

HubSession* HubDesk::find_or_add(const SignedMessage& message, const SessionId& session,
                                 const std::string& station) {
    if (HubSession* known = m_sessions.find(session)) {
        // A session id is the visited operator's; nobody else writes into it.
        return known->visited == message.from && known->home == message.to ? known : nullptr;
    }
    if (m_sessions.is_full()) {
        m_context.count("roaming_backup_full");
        return nullptr;
    }
    HubSession added;
    added.session = session;
    added.visited = message.from;
    added.home = message.to;
    added.station = station;
    added.opened = m_context.clock.now();
    return &m_sessions.add(std::move(added));
}

void HubDesk::on_request(const SignedMessage& message, const AuthorizationRequest& request) {
    if (request.visited != message.from || request.home != message.to) {
        return;
    }
    HubSession* session = find_or_add(message, request.session, request.station);
    if (session != nullptr && session->request_hash.is_zero()) {
        session->request_hash = request_hash(message.body);
        session->currency = request.currency;
        m_sessions.save(*session);
    }
}

template <typename Message>
void HubDesk::on_live(const SignedMessage& message, const Message& content) {
    HubSession* session = find_or_add(message, content.session, content.station);
    const auto authorization =
        find_authorization(m_context.ledger.final_state(), content.authorization);
    const bool theirs = authorization && authorization->visited == message.from &&
                        authorization->home() == message.to;
    if (session == nullptr || !theirs) {
        return;
    }
    apply(*session, content);
    catch_up(*session);
}

/// The request may have gone directly while we were away: take from the ledger what it says.
void HubDesk::catch_up(HubSession& session) {
    const auto authorization =
        find_authorization(m_context.ledger.final_state(), *session.authorization);
    if (!authorization || session.prepaid != 0) {
        return;
    }
    session.prepaid = authorization->amount;
    session.currency = authorization->currency;
    session.request_hash = authorization->request_hash;
    m_sessions.save(session);
    const Money amount = authorization->record ? authorization->record->amount : 0;
    apply(session, hub::Moved{state_of(authorization->status), amount, ""});
}

void HubDesk::on_final(const FinalTransaction& transaction) {
    if (const auto* decision = std::get_if<DecideAuthorization>(&transaction.action)) {
        HubSession* session = m_sessions.find_request(decision->request_hash);
        if (session == nullptr || session->home != transaction.ref.signer) {
            return;
        }
        if (transaction.result == ResultCode::ok) {
            apply(*session, hub::Decided{transaction.ref, *decision});
        } else {
            apply(*session,
                  hub::Moved{SessionState::denied, 0, to_text(deny_reason_of(transaction.result))});
        }
        return;
    }
    if (transaction.result != ResultCode::ok) {
        return;
    }
    if (const auto* start = std::get_if<StartCharge>(&transaction.action)) {
        move(start->authorization, SessionState::charging, 0, "");
    } else if (const auto* record = std::get_if<RecordCharge>(&transaction.action)) {
        move(record->metered.authorization, SessionState::recorded, record->amount, "");
    } else if (const auto* settle = std::get_if<SettleCharge>(&transaction.action)) {
        move(settle->authorization, SessionState::settled, settle->amount, "");
    } else if (const auto* claim = std::get_if<ClaimCharge>(&transaction.action)) {
        const HubSession* session = m_sessions.find(claim->authorization);
        move(claim->authorization, SessionState::settled, session == nullptr ? 0 : session->amount,
             "claimed");
    } else if (const auto* release = std::get_if<ReleaseAuthorization>(&transaction.action)) {
        move(release->authorization, SessionState::released, 0, "");
    } else if (const auto ended = dispute_ended_by(transaction.action)) {
        on_dispute_ended(*ended, "");
    }
}

void HubDesk::on_time(UnixMillis now) {
    for (auto& [id, session] : m_sessions.all()) {
        if (!session.state && session.opened + undecided_ms_max <= now) {
            apply(session, hub::Moved{SessionState::denied, 0, "home_unreachable"});
        }
    }
}

void HubDesk::on_expired(const Event& event) {
    if (event.cause == ExpiryCause::not_arbitrated) {
        on_dispute_ended(event.ref, to_text(event.cause));
        return;
    }
    move(event.ref, SessionState::expired, 0, to_text(event.cause));
}

void HubDesk::on_dispute_ended(const AuthorizationRef& authorization, const std::string& reason) {
    if (m_sessions.find(authorization) == nullptr) {
        return;
    }
    if (const auto posted = posted_in_all(m_context.ledger.final_state(), authorization)) {
        move(authorization, SessionState::settled, *posted, reason);
    } else {
        m_context.count("roaming_dispute_end_unknown");
    }
}

void HubDesk::move(const AuthorizationRef& authorization, SessionState state, Money amount,
                   const std::string& reason) {
    if (HubSession* session = m_sessions.find(authorization)) {
        apply(*session, hub::Moved{state, amount, reason});
    }
}

void HubDesk::apply(HubSession& session, const hub::Event& event) {
    if (hub::step(session, event)) {
        m_sessions.save(session);
    }
}

SessionView HubDesk::view(const HubSession& session) const {
    SessionView view = view_of(session);
    view.id = session.session;
    view.visited = session.visited;
    view.home = session.home;
    view.station = session.station;
    view.currency = session.currency;
    view.authorization = session.authorization;
    return view;
}

}  // namespace tally::node
