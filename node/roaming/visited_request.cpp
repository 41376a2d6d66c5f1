// What a swipe is refused for before the home operator is asked, and what it is asked.

#include "ledger/state/queries.h"
#include "node/roaming/flow/health.h"
#include "node/roaming/visited_desk.h"

#include <algorithm>

namespace tally::node {

void VisitedDesk::swipe_bare(const std::string& bridge_id, const AuthorizeRequest& request) {
    const auto card = canonical_card(request.token);
    if (!card) {
        refuse_unstored(bridge_id, request.session, "unknown_token");
        return;
    }
    const auto asked = m_looked_up.find(request.session);
    if (asked != m_looked_up.end()) {
        asked->second.bridge_id = bridge_id;
        return;
    }
    const auto token_of = [&](const VisitedSession& session) {
        return to_text(session.request.home) + "-" + *card;
    };
    if (answer_running(request, token_of)) {
        return;
    }
    std::string reason;
    if (m_context.is_overloaded(m_sessions.open()) ||
        !is_valid_name(request.station, station_id_bytes_max)) {
        reason = "overloaded";
    } else {
        reason = charger_problem(request);
    }
    if (!reason.empty()) {
        refuse_unstored(bridge_id, request.session, reason);
        return;
    }
    const SessionId session = request.session;
    m_looked_up[session] = {bridge_id, request, m_context.clock.now()};
    m_directory.find(
        *card, [this, session, card = *card](CardOwner owner) { on_owner(session, card, owner); });
}

/// The hub has said whose card it is, or nobody has.
void VisitedDesk::on_owner(const SessionId& session, const std::string& card, CardOwner owner) {
    const auto asked = m_looked_up.extract(session);
    ENSURE(!asked.empty());
    const LookedUp& swiped = asked.mapped();
    const auto token = canonical_token(swiped.request.token);
    switch (owner.kind) {
        case CardOwner::Kind::found:
            swipe(swiped.bridge_id, swiped.request, to_text(owner.party) + "-" + card,
                  swiped.opened);
            return;
        case CardOwner::Kind::ambiguous:
            refuse_unstored(swiped.bridge_id, session, "ambiguous_token");
            return;
        case CardOwner::Kind::overloaded:
            refuse_unstored(swiped.bridge_id, session, "overloaded");
            return;
        case CardOwner::Kind::unknown:
        case CardOwner::Kind::hub_away:
            break;
    }
    if (token) {  // it looks like a prefix, of an operator that we do not know
        swipe(swiped.bridge_id, swiped.request, *token, swiped.opened);
    } else {
        refuse_unstored(swiped.bridge_id, session, "unknown_token");
    }
}

std::string VisitedDesk::charger_problem(const AuthorizeRequest& request) const {
    // A charge that began while the bridge was cut off keeps its own connector busy.
    const std::string health = charger_refusal(request.health, request.connector);
    if (!health.empty() && !request.charged_already) {
        return health;
    }
    const bool known =
        is_station_known(m_context.ledger.final_state(), m_context.options.self, request.station);
    return known ? "" : "unknown_charger";
}

std::string VisitedDesk::refusal(const AuthorizeRequest& request, const PartyId& home) const {
    const StateView& state = m_context.ledger.final_state();
    const std::string problem = charger_problem(request);
    if (!problem.empty()) {
        return problem;
    }
    if (home == m_context.options.self) {
        return "not_roaming";
    }
    const auto member = find_member(state, home);
    if (!member || member->member.role == MemberRole::hub) {
        return "unknown_operator";
    }
    if (find_agreement(state, m_context.options.self, home)) {
        return "";
    }
    const auto ours = find_agreement_half(state, m_context.options.self, home);
    const auto theirs = find_agreement_half(state, home, m_context.options.self);
    const bool both = ours && theirs && ours->active && theirs->active;
    return both ? "currency_mismatch" : "no_agreement";
}

/// Completes the session's request and signs it off for sending; a reason when it cannot be made.
std::string VisitedDesk::make_request(const AuthorizeRequest& swipe, const std::string& token,
                                      VisitedSession& session) {
    AuthorizationRequest request = session.request;
    std::string reason = offer_evses(swipe, request.home, request);
    if (!reason.empty()) {
        return reason;
    }
    if (swipe.prepaid && (*swipe.prepaid <= 0 || *swipe.prepaid > amount_max)) {
        return to_text(DenyReason::minimum_approval);
    }
    for (const OfferedEvse& offer : request.evses) {
        const auto charger =
            find_charger(m_context.ledger.final_state(), m_context.options.self, offer.evse_id);
        ENSURE(charger.has_value());
        session.offered_coefficients.push_back(
            coefficient_for(m_context.options.coefficients, charger->rated_power_w));
    }
    request.prepaid = swipe.prepaid;
    request.time = session.opened;
    session.token_key = m_context.random.fixed<TokenKey>();
    request.token_commitment = token_commitment(session.token_key, token);
    const auto member = find_member(m_context.ledger.final_state(), request.home);
    ENSURE(member.has_value());
    const auto sealed = seal_identity({.key = session.token_key, .token = token}, request,
                                      member->member.link_key, m_context.random);
    if (!sealed) {
        return "unknown_operator";
    }
    request.sealed_identity = *sealed;
    session.request = request;
    session.request_body = encode_roaming_body(request);
    return "";
}

std::string VisitedDesk::offer_evses(const AuthorizeRequest& swipe, const PartyId& home,
                                     AuthorizationRequest& request) const {
    const StateView& state = m_context.ledger.final_state();
    const PartyId& self = m_context.options.self;
    const auto agreement = find_agreement(state, self, home);
    ENSURE(agreement.has_value());
    request.currency = agreement->ours.currency;
    bool connector_known = false;
    std::set<TariffRef> tariffs;
    for (const ChargerEntry& entry : find_chargers_of_station(state, self, swipe.station)) {
        const std::uint16_t connector = entry.charger.connector;
        if ((swipe.connector != 0 && swipe.connector != connector) ||
            request.evses.size() == offered_evses_max) {
            continue;
        }
        connector_known = true;
        const auto tariff = tariff_for(entry.evse_id, agreement->ours);
        if (!tariff || (!tariffs.contains(*tariff) && tariffs.size() == tariffs_offered_max)) {
            continue;
        }
        tariffs.insert(*tariff);
        request.evses.push_back(
            {.evse_id = entry.evse_id, .connector = connector, .tariff = *tariff});
    }
    if (!connector_known) {
        return "unknown_charger";
    }
    return request.evses.empty() ? "tariff_not_offered" : "";
}

std::optional<TariffRef> VisitedDesk::tariff_for(const std::string& evse_id,
                                                 const AgreementRecord& agreement) const {
    const StateView& state = m_context.ledger.final_state();
    const PartyId& self = m_context.options.self;
    const auto fits = [&](const TariffRef& ref) {
        const auto& offered = agreement.tariffs_offered;
        const auto tariff = find_tariff(state, self, ref);
        return tariff && tariff->currency == agreement.currency &&
               (offered.empty() ||
                std::find(offered.begin(), offered.end(), ref.tariff_id) != offered.end());
    };
    const auto configured = m_context.options.evse_tariffs.find(evse_id);
    if (configured != m_context.options.evse_tariffs.end()) {
        const TariffRef ref{.tariff_id = configured->second,
                            .version = latest_tariff_version(state, self, configured->second)};
        return fits(ref) ? std::optional{ref} : std::nullopt;
    }
    constexpr std::size_t tariffs_looked_at_max{1'000};
    for (const TariffRef& ref : list_tariffs(state, self, tariffs_looked_at_max)) {
        if (fits(ref)) {
            return ref;
        }
    }
    return std::nullopt;
}

}  // namespace tally::node
