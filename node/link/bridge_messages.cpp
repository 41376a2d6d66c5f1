#include "node/link/bridge_messages.h"

#include "ledger/model/wire_check.h"
#include "node/link/bridge.pb.h"

#include <algorithm>
#include <limits>

namespace tally::node {

namespace {

// ---- values to messages

template <std::size_t N, typename Tag>
std::string octets(const FixedBytes<N, Tag>& bytes) {
    return std::string{as_text(bytes.view())};
}

void put(const TransactionRef& ref, wire::TransactionRef& out) {
    out.set_signer(octets(ref.signer));
    out.set_id(octets(ref.id));
}

void put(const ConnectorState& state, wire::ConnectorState& out) {
    out.set_connector(state.connector);
    out.set_health(static_cast<std::uint32_t>(state.health));
    out.set_error_code(state.error_code);
}

void put(const MeterReading& reading, wire::MeterReading& out) {
    out.set_time(reading.time);
    out.set_utc_offset_minutes(reading.utc_offset_minutes);
    out.set_register_wh(reading.register_wh);
    out.set_estimated(reading.estimated);
    out.set_activity(static_cast<std::uint32_t>(reading.activity));
    if (reading.power_w) {
        out.set_power_w(*reading.power_w);
    }
}

void put(const MeteredCharge& charge, wire::MeteredCharge& out) {
    put(charge.authorization, *out.mutable_authorization());
    out.set_evse_id(charge.evse_id);
    out.set_bridge_id(charge.bridge_id);
    out.set_meter_serial(charge.meter_serial);
    out.set_meter_epoch(charge.meter_epoch);
    for (const MeterReading& reading : charge.readings) {
        put(reading, *out.add_readings());
    }
    out.set_evidence(octets(charge.evidence));
    out.set_bridge_signature(octets(charge.bridge_signature));
}

void put(const AuthorizeResult::Evse& evse, wire::Evse& out) {
    out.set_connector(evse.connector);
    out.set_evse_id(evse.evse_id);
    out.set_rated_power_w(evse.rated_power_w);
    out.set_meter_serial(evse.meter_serial);
    out.set_meter_epoch(evse.meter_epoch);
    out.set_tariff_id(evse.tariff_ref.tariff_id);
    out.set_tariff_version(evse.tariff_ref.version);
    Encoder encoder;
    evse.tariff.encode(encoder);
    out.set_tariff(std::string{as_text(encoder.bytes())});
    out.set_meter_public_key(std::string{as_text(evse.meter_public_key)});
    if (evse.coefficient_permille != coefficient_permille_default) {
        out.set_coefficient_permille(evse.coefficient_permille);
    }
}

void put(const BridgeHello& message, wire::BridgeFrame& frame) {
    wire::BridgeHello& out = *frame.mutable_hello();
    out.set_bridge_id(message.bridge_id);
    for (const std::string& station : message.stations) {
        out.add_stations(station);
    }
}

void put(const AuthorizeRequest& message, wire::BridgeFrame& frame) {
    wire::AuthorizeRequest& out = *frame.mutable_authorize_request();
    out.set_session(octets(message.session));
    out.set_station(message.station);
    out.set_connector(message.connector);
    out.set_token(message.token);
    if (message.prepaid) {
        out.set_prepaid(*message.prepaid);
    }
    for (const ConnectorState& state : message.health) {
        put(state, *out.add_health());
    }
    out.set_charged_already(message.charged_already);
}

void put(const ChargeStarted& message, wire::BridgeFrame& frame) {
    wire::ChargeStarted& out = *frame.mutable_charge_started();
    out.set_sequence(message.sequence);
    out.set_session(octets(message.session));
    put(message.authorization, *out.mutable_authorization());
    out.set_connector(message.connector);
    out.set_evse_id(message.evse_id);
    put(message.begin, *out.mutable_begin());
}

void put(const ChargeProgress& message, wire::BridgeFrame& frame) {
    wire::ChargeProgress& out = *frame.mutable_charge_progress();
    out.set_session(octets(message.session));
    out.set_elapsed_s(message.elapsed_s);
    out.set_energy_wh(message.energy_wh);
    out.set_amount_so_far(message.amount_so_far);
    out.set_time(message.time);
}

void put(const ChargeEnded& message, wire::BridgeFrame& frame) {
    wire::ChargeEnded& out = *frame.mutable_charge_ended();
    out.set_sequence(message.sequence);
    out.set_session(octets(message.session));
    put(message.metered, *out.mutable_metered());
    out.set_stop_reason(message.stop_reason);
}

void put(const ApprovalUnused& message, wire::BridgeFrame& frame) {
    frame.mutable_approval_unused()->set_sequence(message.sequence);
    frame.mutable_approval_unused()->set_session(octets(message.session));
}

void put(const StationState& message, wire::BridgeFrame& frame) {
    wire::StationState& out = *frame.mutable_station_state();
    out.set_station(message.station);
    out.set_connected(message.connected);
    for (const ConnectorState& state : message.connectors) {
        put(state, *out.add_connectors());
    }
}

void put(const AuthorizeResult& message, wire::BridgeFrame& frame) {
    wire::AuthorizeResult& out = *frame.mutable_authorize_result();
    out.set_session(octets(message.session));
    out.set_accepted(message.accepted);
    if (!message.accepted) {
        out.set_reason(message.reason);
        return;
    }
    put(message.authorization, *out.mutable_authorization());
    out.set_prepaid(message.prepaid);
    out.set_start_by(message.start_by);
    for (const AuthorizeResult::Evse& evse : message.evses) {
        put(evse, *out.add_evses());
    }
}

void put(const StopCharge& message, wire::BridgeFrame& frame) {
    frame.mutable_stop_charge()->set_session(octets(message.session));
    frame.mutable_stop_charge()->set_reason(message.reason);
}

void put(const SessionNotice& message, wire::BridgeFrame& frame) {
    frame.mutable_session_notice()->set_session(octets(message.session));
    frame.mutable_session_notice()->set_state(message.state);
}

void put(const Acknowledge& message, wire::BridgeFrame& frame) {
    frame.mutable_acknowledge()->set_sequence(message.sequence);
}

// ---- messages to values

/// Turns one message into a value and remembers whether any part of it broke a bound.
class Reader {
public:
    [[nodiscard]] bool ok() const { return m_ok; }

    void require(bool condition) { m_ok = m_ok && condition; }

    template <typename Fixed>
    Fixed fixed(const std::string& octets) {
        const std::optional<Fixed> value = Fixed::from(as_bytes(octets));
        require(value.has_value());
        return value.value_or(Fixed{});
    }
    std::string name(const std::string& text, std::size_t bytes_max) {
        require(is_valid_name(text, bytes_max));
        return text;
    }
    /// Printable ASCII, spaces included.
    std::string text(const std::string& text, std::size_t bytes_max) {
        require(text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
                    return c >= 0x20 && c <= 0x7e;
                }));
        return text;
    }
    std::int64_t within(std::int64_t value, std::int64_t min, std::int64_t max) {
        require(value >= min && value <= max);
        return value;
    }
    std::int64_t not_negative(std::int64_t value) {
        return within(value, 0, std::numeric_limits<std::int64_t>::max());
    }
    Money amount(std::int64_t value) { return within(value, 0, amount_max); }
    std::uint16_t connector(std::uint32_t value) {
        require(value <= std::numeric_limits<std::uint16_t>::max());
        return static_cast<std::uint16_t>(value);
    }
    void count(int size, std::size_t size_max) {
        require(static_cast<std::size_t>(size) <= size_max);
    }

    TransactionRef ref(bool present, const wire::TransactionRef& in) {
        require(present);
        TransactionRef ref{fixed<PartyId>(in.signer()), fixed<TransactionId>(in.id())};
        require(is_valid(ref.signer));
        return ref;
    }

    ConnectorState connector_state(const wire::ConnectorState& in) {
        ConnectorState state;
        state.connector = connector(in.connector());
        require(in.health() >= static_cast<std::uint32_t>(ConnectorHealth::available) &&
                in.health() <= static_cast<std::uint32_t>(ConnectorHealth::unknown));
        state.health = static_cast<ConnectorHealth>(in.health());
        state.error_code = text(in.error_code(), bridge_text_bytes_max);
        return state;
    }

    template <typename List>
    std::vector<ConnectorState> connector_states(const List& list) {
        count(list.size(), station_connectors_max);
        std::vector<ConnectorState> states;
        for (auto in = list.begin(); m_ok && in != list.end(); ++in) {
            states.push_back(connector_state(*in));
        }
        return states;
    }

    MeterReading reading(bool present, const wire::MeterReading& in) {
        require(present);
        MeterReading reading;
        reading.time = not_negative(in.time());
        reading.utc_offset_minutes =
            static_cast<std::int16_t>(within(in.utc_offset_minutes(), -840, 840));
        reading.register_wh = not_negative(in.register_wh());
        reading.estimated = in.estimated();
        reading.activity = static_cast<Activity>(
            within(in.activity(), 0, static_cast<std::int64_t>(Activity::reservation_expired)));
        if (in.has_power_w()) {
            reading.power_w = in.power_w();
        }
        require(is_valid(reading));
        return reading;
    }

    MeteredCharge metered(bool present, const wire::MeteredCharge& in) {
        require(present);
        MeteredCharge charge;
        charge.authorization = ref(in.has_authorization(), in.authorization());
        charge.evse_id = name(in.evse_id(), evse_id_bytes_max);
        charge.bridge_id = name(in.bridge_id(), bridge_id_bytes_max);
        charge.meter_serial = name(in.meter_serial(), meter_serial_bytes_max);
        charge.meter_epoch = in.meter_epoch();
        count(in.readings_size(), readings_max);
        for (int i = 0; m_ok && i < in.readings_size(); ++i) {
            charge.readings.push_back(reading(true, in.readings(i)));
        }
        charge.evidence = fixed<Hash>(in.evidence());
        charge.bridge_signature = fixed<Signature>(in.bridge_signature());
        return charge;
    }

    AuthorizeResult::Evse evse(const wire::Evse& in) {
        AuthorizeResult::Evse evse;
        evse.connector = connector(in.connector());
        evse.evse_id = name(in.evse_id(), evse_id_bytes_max);
        evse.rated_power_w = in.rated_power_w();
        evse.meter_serial = name(in.meter_serial(), meter_serial_bytes_max);
        evse.meter_epoch = in.meter_epoch();
        evse.tariff_ref = {name(in.tariff_id(), tariff_id_bytes_max), in.tariff_version()};
        Decoder decoder{as_bytes(in.tariff())};
        evse.tariff = Tariff::decode(decoder);
        const ByteView key = as_bytes(in.meter_public_key());
        evse.meter_public_key.assign(key.begin(), key.end());
        require(decoder.finished() && key.size() <= meter_key_bytes_max);
        if (in.has_coefficient_permille()) {
            evse.coefficient_permille = not_negative(in.coefficient_permille());
            require(evse.coefficient_permille != coefficient_permille_default &&
                    evse.coefficient_permille <= coefficient_permille_max);
        }
        return evse;
    }

    BridgeHello read(const wire::BridgeHello& in) {
        BridgeHello message;
        message.bridge_id = name(in.bridge_id(), bridge_id_bytes_max);
        count(in.stations_size(), bridge_stations_max);
        for (int i = 0; m_ok && i < in.stations_size(); ++i) {
            message.stations.push_back(name(in.stations(i), station_id_bytes_max));
        }
        return message;
    }

    AuthorizeRequest read(const wire::AuthorizeRequest& in) {
        AuthorizeRequest message;
        message.session = fixed<SessionId>(in.session());
        message.station = name(in.station(), station_id_bytes_max);
        message.connector = connector(in.connector());
        message.token = text(in.token(), token_bytes_max);
        require(!message.token.empty());
        if (in.has_prepaid()) {
            message.prepaid = amount(in.prepaid());
        }
        message.health = connector_states(in.health());
        message.charged_already = in.charged_already();
        return message;
    }

    ChargeStarted read(const wire::ChargeStarted& in) {
        ChargeStarted message;
        message.sequence = in.sequence();
        message.session = fixed<SessionId>(in.session());
        message.authorization = ref(in.has_authorization(), in.authorization());
        message.connector = connector(in.connector());
        message.evse_id = name(in.evse_id(), evse_id_bytes_max);
        message.begin = reading(in.has_begin(), in.begin());
        return message;
    }

    ChargeProgress read(const wire::ChargeProgress& in) {
        ChargeProgress message;
        message.session = fixed<SessionId>(in.session());
        message.elapsed_s = not_negative(in.elapsed_s());
        message.energy_wh = not_negative(in.energy_wh());
        message.amount_so_far = amount(in.amount_so_far());
        message.time = not_negative(in.time());
        return message;
    }

    ChargeEnded read(const wire::ChargeEnded& in) {
        ChargeEnded message;
        message.sequence = in.sequence();
        message.session = fixed<SessionId>(in.session());
        message.metered = metered(in.has_metered(), in.metered());
        message.stop_reason = text(in.stop_reason(), bridge_text_bytes_max);
        return message;
    }

    ApprovalUnused read(const wire::ApprovalUnused& in) {
        return {in.sequence(), fixed<SessionId>(in.session())};
    }

    StationState read(const wire::StationState& in) {
        StationState message;
        message.station = name(in.station(), station_id_bytes_max);
        message.connected = in.connected();
        message.connectors = connector_states(in.connectors());
        return message;
    }

    AuthorizeResult read(const wire::AuthorizeResult& in) {
        AuthorizeResult message;
        message.session = fixed<SessionId>(in.session());
        message.accepted = in.accepted();
        message.reason = text(in.reason(), bridge_text_bytes_max);
        if (!message.accepted) {
            require(!in.has_authorization() && in.prepaid() == 0 && in.start_by() == 0 &&
                    in.evses_size() == 0);
            return message;
        }
        require(message.reason.empty());
        message.authorization = ref(in.has_authorization(), in.authorization());
        message.prepaid = amount(in.prepaid());
        message.start_by = not_negative(in.start_by());
        count(in.evses_size(), station_connectors_max);
        for (int i = 0; m_ok && i < in.evses_size(); ++i) {
            message.evses.push_back(evse(in.evses(i)));
        }
        return message;
    }

    StopCharge read(const wire::StopCharge& in) {
        return {fixed<SessionId>(in.session()), text(in.reason(), bridge_text_bytes_max)};
    }

    SessionNotice read(const wire::SessionNotice& in) {
        return {fixed<SessionId>(in.session()), text(in.state(), bridge_text_bytes_max)};
    }

    Acknowledge read(const wire::Acknowledge& in) { return {in.sequence()}; }

    BridgeMessage read(const wire::BridgeFrame& frame) {
        switch (frame.message_case()) {
            case wire::BridgeFrame::kHello:
                return read(frame.hello());
            case wire::BridgeFrame::kAuthorizeRequest:
                return read(frame.authorize_request());
            case wire::BridgeFrame::kChargeStarted:
                return read(frame.charge_started());
            case wire::BridgeFrame::kChargeProgress:
                return read(frame.charge_progress());
            case wire::BridgeFrame::kChargeEnded:
                return read(frame.charge_ended());
            case wire::BridgeFrame::kApprovalUnused:
                return read(frame.approval_unused());
            case wire::BridgeFrame::kStationState:
                return read(frame.station_state());
            case wire::BridgeFrame::kAuthorizeResult:
                return read(frame.authorize_result());
            case wire::BridgeFrame::kStopCharge:
                return read(frame.stop_charge());
            case wire::BridgeFrame::kSessionNotice:
                return read(frame.session_notice());
            case wire::BridgeFrame::kAcknowledge:
                return read(frame.acknowledge());
            case wire::BridgeFrame::MESSAGE_NOT_SET:
                break;
        }
        m_ok = false;
        return Acknowledge{};
    }

private:
    bool m_ok{true};
};

MessageError to_message_error(WireError error) {
    return error == WireError::unknown_field ? MessageError::unknown_field
                                             : MessageError::malformed;
}

}  // namespace

const char* to_text(ConnectorHealth health) {
    switch (health) {
        case ConnectorHealth::available:
            return "available";
        case ConnectorHealth::occupied:
            return "occupied";
        case ConnectorHealth::unavailable:
            return "unavailable";
        case ConnectorHealth::faulted:
            return "faulted";
        case ConnectorHealth::silent:
            return "silent";
        case ConnectorHealth::unknown:
            return "unknown";
    }
    return "unknown";
}

const char* to_text(MessageError error) {
    switch (error) {
        case MessageError::too_large:
            return "too_large";
        case MessageError::malformed:
            return "malformed";
        case MessageError::unknown_field:
            return "unknown_field";
        case MessageError::out_of_range:
            return "out_of_range";
    }
    return "unknown";
}

Bytes encode_bridge_message(const BridgeMessage& message) {
    wire::BridgeFrame frame;
    std::visit([&frame](const auto& concrete) { put(concrete, frame); }, message);
    Bytes bytes(frame.ByteSizeLong());
    ENSURE(frame.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
    return bytes;
}

Expected<BridgeMessage, MessageError> decode_bridge_message(ByteView bytes) {
    if (bytes.size() > bridge_frame_bytes_max) {
        return Unexpected{MessageError::too_large};
    }
    if (const auto error = check_wire(*wire::BridgeFrame::descriptor(), bytes)) {
        return Unexpected{to_message_error(*error)};
    }
    wire::BridgeFrame frame;
    if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return Unexpected{MessageError::malformed};
    }
    Reader reader;
    BridgeMessage message = reader.read(frame);
    if (!reader.ok()) {
        return Unexpected{MessageError::out_of_range};
    }
    return message;
}

}  // namespace tally::node
