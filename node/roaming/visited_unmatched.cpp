#include "ledger/base/check.h"
#include "ledger/state/queries.h"
#include "node/roaming/visited_desk.h"

#include <algorithm>
#include <utility>

// Charges that the bridge tells of: found by session or authorization, taken up from the ledger
// when this node was restored from a backup that is older than they are, or kept for people.

namespace tally::node {
namespace {

/// How often it is looked whether a kept charge can be taken up.
constexpr std::chrono::seconds unmatched_look_interval{10};

/// What the ledger would not even decode must not be submitted.
bool is_well_formed(const MeteredCharge& metered) {
    return is_valid_name(metered.evse_id, evse_id_bytes_max) &&
           is_valid_name(metered.bridge_id, bridge_id_bytes_max) &&
           is_valid_name(metered.meter_serial, meter_serial_bytes_max) &&
           metered.readings.size() >= 2 && metered.readings.size() <= readings_max;
}

/// Whether the ledger has the record: then nothing is lost with the session.
bool is_recorded_as(const Authorization& authorization, const MeteredCharge& metered) {
    const auto& record = authorization.record;
    const MeterReading& begin = metered.readings.front();
    const MeterReading& end = metered.readings.back();
    return record && record->begin_time == begin.time && record->end_time == end.time &&
           record->energy_wh == end.register_wh - begin.register_wh;
}

}  // namespace

VisitedSession* VisitedDesk::find_charge(const SessionId& id,
                                         const AuthorizationRef& authorization) {
    VisitedSession* session = m_sessions.find(id);
    if (session == nullptr) {
        return m_sessions.find(authorization);
    }
    return session->authorization == authorization ? session : nullptr;
}

std::optional<OfferedEvse> VisitedDesk::approved_offer(const Authorization& authorization,
                                                       const std::string& evse_id) const {
    const StateView& state = m_context.ledger.final_state();
    const auto charger = find_charger(state, m_context.options.self, evse_id);
    if (!charger) {
        return std::nullopt;
    }
    OfferedEvse offer{.evse_id = evse_id, .connector = charger->connector, .tariff = {}};
    if (authorization.start) {
        offer.tariff = authorization.start->tariff;
        return authorization.start->evse_id == evse_id ? std::optional{offer} : std::nullopt;
    }
    const auto agreement = find_agreement(state, m_context.options.self, authorization.home());
    const auto usual = agreement ? tariff_for(evse_id, agreement->ours) : std::nullopt;
    for (const TariffRef& approved : authorization.tariffs) {
        const bool is_usual = usual && approved.tariff_id == usual->tariff_id;
        if (is_usual || authorization.tariffs.size() == 1) {
            offer.tariff = approved;
            return charger->station == authorization.station ? std::optional{offer} : std::nullopt;
        }
    }
    return std::nullopt;
}

VisitedSession VisitedDesk::session_of(const SessionId& id, const Authorization& live,
                                       const OfferedEvse& offer) const {
    VisitedSession session;
    session.id = id;
    session.opened = m_context.clock.now();
    session.connector = offer.connector;
    AuthorizationRequest& request = session.request;
    request.session = id;
    request.visited = live.visited;
    request.home = live.home();
    request.station = live.station;
    request.evses = {offer};
    request.currency = live.currency;
    request.sealed_identity = Bytes(1);  // whose card it is was in the request that is lost
    request.token_commitment = live.token_commitment;
    request.time = live.decided_at;
    session.request_body = encode_roaming_body(request);
    session.authorization = live.ref;
    session.prepaid = live.amount;
    session.start_by = live.start_by;
    session.tariffs = live.tariffs;
    const auto charger =
        find_charger(m_context.ledger.final_state(), m_context.options.self, offer.evse_id);
    ENSURE(charger.has_value());  // the offer is of it
    session.reference_power_w = charger->rated_power_w;
    session.offered_coefficients = {
        coefficient_for(m_context.options.coefficients, charger->rated_power_w)};
    if (live.start) {
        session.evse_id = offer.evse_id;
        session.tariff = offer.tariff;
        session.coefficient_permille = session.coefficient_of(offer.evse_id);
    }
    return session;
}

VisitedSession* VisitedDesk::adopt(const std::string& bridge_id, const SessionId& id,
                                   const AuthorizationRef& ref, const std::string& evse_id) {
    const auto live = find_live_authorization(m_context.ledger.final_state(), ref);
    const bool is_open = live && live->visited == m_context.options.self &&
                         (live->status == AuthorizationStatus::approved ||
                          live->status == AuthorizationStatus::started);
    if (!is_open || m_sessions.find(id) != nullptr || m_sessions.is_full()) {
        return nullptr;
    }
    const auto offer = approved_offer(*live, evse_id);
    if (!offer) {
        return nullptr;
    }
    VisitedSession session = session_of(id, *live, *offer);
    session.bridge_id = bridge_id;
    session.stage = live->start ? VisitedStage::charging : VisitedStage::approved;
    return &add_adopted(std::move(session));
}

VisitedSession& VisitedDesk::add_adopted(VisitedSession session) {
    m_by_station[session.request.station].insert(session.id);
    m_context.count("roaming_session_adopted");
    return m_sessions.add(std::move(session));
}

void VisitedDesk::adopt_recorded(const Authorization& live) {
    if (live.status != AuthorizationStatus::recorded || live.visited != m_context.options.self ||
        m_sessions.find(live.ref) != nullptr || m_sessions.is_full()) {
        return;
    }
    const auto offer = approved_offer(live, live.start->evse_id);
    SessionId id;  // the bridge's is not on the ledger
    id.data = live.ref.id.data;
    if (!offer || m_sessions.find(id) != nullptr) {
        return;
    }
    const Authorization::Record& record = *live.record;
    VisitedSession session = session_of(id, live, *offer);
    session.stage = VisitedStage::recorded;
    session.rated_amount = record.rated_amount;
    session.amount = record.amount;
    session.settle_by = record.settle_by;
    session.claim_until = record.claim_until;
    session.energy_wh = record.energy_wh;
    session.amount_so_far = record.rated_amount;
    session.elapsed_s = (record.end_time - record.begin_time) / 1000;
    session.progress_time = record.end_time;
    add_adopted(std::move(session));
}

void VisitedDesk::adopt_all_recorded() {
    constexpr std::size_t step{1'000};
    AuthorizationRef from;
    for (bool more = true; more;) {
        const auto live = list_live_authorizations(m_context.ledger.final_state(), from, step);
        for (const Authorization& authorization : live) {
            adopt_recorded(authorization);
        }
        more = live.size() == step;
        from = more ? live.back().ref : from;  // looked at twice, which changes nothing
    }
}

std::optional<UnmatchedReason> VisitedDesk::take_end(const std::string& bridge_id,
                                                     const ChargeEnded& ended) {
    const MeteredCharge& metered = ended.metered;
    if (!is_well_formed(metered)) {
        return UnmatchedReason::bad_record;
    }
    const StateView& state = m_context.ledger.final_state();
    VisitedSession* session = find_charge(ended.session, metered.authorization);
    if (session == nullptr) {
        session = adopt(bridge_id, ended.session, metered.authorization, metered.evse_id);
    }
    if (session == nullptr) {
        const auto known = find_authorization(state, metered.authorization);
        const bool is_ours = known && known->visited == m_context.options.self;
        return is_ours && is_recorded_as(*known, metered)
                   ? std::nullopt
                   : std::optional{UnmatchedReason::unknown_charge};
    }
    if (session->metered && *session->metered != metered) {
        return UnmatchedReason::another_record;
    }
    session->bridge_id = bridge_id;
    const OfferedEvse* offer = session->find_offer(metered.evse_id);
    std::optional<Tariff> tariff;
    if (offer != nullptr) {
        tariff = find_tariff(state, m_context.options.self, offer->tariff);
    }
    apply(*session, visited::Ended{metered, tariff});
    relay_progress(*session);
    return std::nullopt;
}

void VisitedDesk::on(const std::string& bridge_id, const ChargeEnded& ended) {
    const auto reason = take_end(bridge_id, ended);
    if (reason && !m_unmatched.keep({bridge_id, *reason, m_context.clock.now(), ended})) {
        m_context.count("roaming_unmatched_full");
        const auto held = m_held_back.try_emplace(bridge_id, ended.sequence).first;
        held->second = std::min(held->second, ended.sequence);
        return;
    }
    if (reason) {
        m_context.count("roaming_unmatched");
    }
    acknowledge(bridge_id, ended.sequence);
}

void VisitedDesk::acknowledge(const std::string& bridge_id, std::uint64_t sequence) {
    const auto held = m_held_back.find(bridge_id);
    if (held != m_held_back.end()) {
        if (held->second < sequence) {
            return;  // The bridge would forget the one before as well.
        }
        if (held->second == sequence) {
            m_held_back.erase(held);
        }
    }
    m_context.send_to_bridge(bridge_id, Acknowledge{sequence});
}

void VisitedDesk::look_at_unmatched() {
    const auto now = m_context.clock.monotonic();
    if (now < m_next_look) {
        return;
    }
    m_next_look = now + unmatched_look_interval;
    std::vector<Hash> taken;
    for (const auto& [name, charge] : m_unmatched.all()) {
        if (!take_end(charge.bridge_id, charge.ended)) {
            taken.push_back(name);
        }
    }
    for (const Hash& name : taken) {
        m_unmatched.forget(name);
    }
}

}  // namespace tally::node
