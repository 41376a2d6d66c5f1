#include "node/roaming/flow/hub_flow.h"

#include "ledger/base/overloaded.h"

namespace tally::node {
namespace {

constexpr std::uint8_t record_version{2};
constexpr std::uint8_t record_first{1};  ///< without b of the driver's figures

/// Later states have higher ranks; final ones share the highest.
int rank(const std::optional<SessionState>& state) {
    if (!state) {
        return 0;
    }
    switch (*state) {
        case SessionState::authorized:
            return 1;
        case SessionState::charging:
            return 2;
        case SessionState::recorded:
            return 3;
        case SessionState::disputed:
            return 4;
        case SessionState::settled:
        case SessionState::denied:
        case SessionState::released:
        case SessionState::expired:
            return 5;
    }
    return 0;
}

bool advance(HubSession& session, SessionState state) {
    if (rank(state) <= rank(session.state)) {
        return false;
    }
    session.state = state;
    return true;
}

}  // namespace

bool HubSession::is_finished() const noexcept { return state && tally::node::is_finished(*state); }

Bytes encode(const HubSession& session) {
    Encoder encoder;
    encoder.u8(record_version).fixed(session.session).fixed(session.visited).fixed(session.home);
    encoder.text(session.station).u16(session.connector).fixed(session.currency);
    encoder.fixed(session.request_hash).i64(session.opened);
    encoder.u8(session.state ? static_cast<std::uint8_t>(*session.state) : std::uint8_t{0});
    encoder.text(session.reason).boolean(session.authorization.has_value());
    if (session.authorization) {
        encode(encoder, *session.authorization);
    }
    encoder.i64(session.prepaid).i64(session.amount);
    encoder.i64(session.elapsed_s).i64(session.energy_wh).i64(session.amount_so_far);
    encoder.i64(session.progress_time).i64(session.reference_power_w);
    encoder.i64(session.coefficient_permille);
    return std::move(encoder).take();
}

std::optional<HubSession> decode_hub_session(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t version = decoder.u8();
    if (version < record_first || version > record_version) {
        return std::nullopt;
    }
    HubSession session;
    session.session = decoder.fixed<SessionId>();
    session.visited = decoder.fixed<PartyId>();
    session.home = decoder.fixed<PartyId>();
    session.station = decoder.text(station_id_bytes_max);
    session.connector = decoder.u16();
    session.currency = decoder.fixed<Currency>();
    session.request_hash = decoder.fixed<Hash>();
    session.opened = decoder.i64();
    const std::uint8_t state = decoder.u8();
    if (state > static_cast<std::uint8_t>(SessionState::expired)) {
        return std::nullopt;
    }
    if (state != 0) {
        session.state = static_cast<SessionState>(state);
    }
    session.reason = decoder.text(bridge_text_bytes_max);
    if (decoder.boolean()) {
        session.authorization = decode_transaction_ref(decoder);
    }
    session.prepaid = decoder.i64();
    session.amount = decoder.i64();
    session.elapsed_s = decoder.i64();
    session.energy_wh = decoder.i64();
    session.amount_so_far = decoder.i64();
    session.progress_time = decoder.i64();
    session.reference_power_w = decoder.i64();
    if (version != record_first) {
        session.coefficient_permille = decoder.i64();
    }
    return decoder.finished() ? std::optional{session} : std::nullopt;
}

namespace hub {
namespace {

bool on(HubSession& session, const Decided& event) {
    const bool approved = event.decision.approved;
    if (!advance(session, approved ? SessionState::authorized : SessionState::denied)) {
        return false;
    }
    session.authorization = event.authorization;
    session.prepaid = event.decision.amount;
    session.currency = event.decision.currency;
    session.reason = approved ? "" : to_text(event.decision.reason);
    return true;
}

bool on(HubSession& session, const Moved& event) {
    if (!advance(session, event.state)) {
        return false;
    }
    session.amount = event.amount;
    session.reason = event.reason;
    return true;
}

bool on(HubSession& session, const Progress& event) {
    if (session.is_finished() || event.elapsed_s < session.elapsed_s ||
        event.energy_wh < session.energy_wh) {
        return false;
    }
    session.authorization = event.authorization;
    session.connector = event.connector;
    session.elapsed_s = event.elapsed_s;
    session.energy_wh = event.energy_wh;
    session.amount_so_far = event.amount_so_far;
    session.progress_time = event.time;
    session.reference_power_w = event.reference_power_w;
    session.coefficient_permille = event.coefficient_permille;
    return true;
}

bool on(HubSession& session, const Notice& event) {
    session.authorization = event.authorization;
    if (event.connector != 0) {
        session.connector = event.connector;
    }
    // What a member says about itself does not move the state; only the ledger does.
    return true;
}

}  // namespace

bool step(HubSession& session, const Event& event) {
    return std::visit([&session](const auto& concrete) { return on(session, concrete); }, event);
}

}  // namespace hub
}  // namespace tally::node
