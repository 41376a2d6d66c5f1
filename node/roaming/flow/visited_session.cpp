#include "node/roaming/flow/visited_flow.h"

// Stored form of a session, fixed-width codec. The request is kept as the bytes that were signed.

namespace tally::node {
namespace {

constexpr std::uint8_t record_version{3};
constexpr std::uint8_t record_plain{2};  ///< without b of the driver's figures

void write(Encoder& encoder, const TariffRef& ref) { encoder.text(ref.tariff_id).u32(ref.version); }

TariffRef read_tariff_ref(Decoder& decoder) {
    TariffRef ref;
    ref.tariff_id = decoder.text(tariff_id_bytes_max);
    ref.version = decoder.u32();
    return ref;
}

void write(Encoder& encoder, const MeteredCharge& metered) {
    encode(encoder, metered.authorization);
    encoder.text(metered.evse_id).text(metered.bridge_id).text(metered.meter_serial);
    encoder.u32(metered.meter_epoch);
    encoder.u32(static_cast<std::uint32_t>(metered.readings.size()));
    for (const MeterReading& reading : metered.readings) {
        encode(encoder, reading);
    }
    encoder.fixed(metered.evidence).fixed(metered.bridge_signature);
}

MeteredCharge read_metered(Decoder& decoder) {
    MeteredCharge metered;
    metered.authorization = decode_transaction_ref(decoder);
    metered.evse_id = decoder.text(evse_id_bytes_max);
    metered.bridge_id = decoder.text(bridge_id_bytes_max);
    metered.meter_serial = decoder.text(meter_serial_bytes_max);
    metered.meter_epoch = decoder.u32();
    const std::uint32_t count =
        decoder.count(static_cast<std::uint32_t>(readings_max), reading_bytes_min);
    for (std::uint32_t i = 0; i < count; ++i) {
        metered.readings.push_back(decode_reading(decoder));
    }
    metered.evidence = decoder.fixed<Hash>();
    metered.bridge_signature = decoder.fixed<Signature>();
    return metered;
}

void write_charge(Encoder& encoder, const VisitedSession& session) {
    encoder.boolean(session.authorization.has_value());
    if (session.authorization) {
        encode(encoder, *session.authorization);
    }
    encoder.i64(session.prepaid).i64(session.start_by);
    encoder.u32(static_cast<std::uint32_t>(session.tariffs.size()));
    for (const TariffRef& ref : session.tariffs) {
        write(encoder, ref);
    }
    encoder.text(session.evse_id);
    write(encoder, session.tariff);
    encoder.boolean(session.metered.has_value());
    if (session.metered) {
        write(encoder, *session.metered);
    }
    encoder.i64(session.rated_amount).i64(session.amount);
    encoder.i64(session.settle_by).i64(session.claim_until);
}

void read_charge(Decoder& decoder, VisitedSession& session) {
    constexpr std::size_t tariff_ref_bytes_min{4 + 1 + 4};
    if (decoder.boolean()) {
        session.authorization = decode_transaction_ref(decoder);
    }
    session.prepaid = decoder.i64();
    session.start_by = decoder.i64();
    const std::uint32_t count =
        decoder.count(static_cast<std::uint32_t>(tariffs_offered_max), tariff_ref_bytes_min);
    for (std::uint32_t i = 0; i < count; ++i) {
        session.tariffs.push_back(read_tariff_ref(decoder));
    }
    session.evse_id = decoder.text(evse_id_bytes_max);
    session.tariff = read_tariff_ref(decoder);
    if (decoder.boolean()) {
        session.metered = read_metered(decoder);
    }
    session.rated_amount = decoder.i64();
    session.amount = decoder.i64();
    session.settle_by = decoder.i64();
    session.claim_until = decoder.i64();
}

/// A swipe that was refused before anybody was asked has no request that was signed.
void write_request(Encoder& encoder, const VisitedSession& session) {
    encoder.var_bytes(session.request_body);
    if (session.request_body.empty()) {
        const AuthorizationRequest& request = session.request;
        encoder.fixed(request.session).fixed(request.visited).fixed(request.home);
        encoder.text(request.station);
    }
}

void read_request(Decoder& decoder, VisitedSession& session) {
    const ByteView body = decoder.var_bytes(roaming_message_bytes_max);
    session.request_body = Bytes{body.begin(), body.end()};
    if (body.empty()) {
        session.request.session = decoder.fixed<SessionId>();
        session.request.visited = decoder.fixed<PartyId>();
        session.request.home = decoder.fixed<PartyId>();
        session.request.station = decoder.text(station_id_bytes_max);
    } else {
        const auto request = decode_roaming_body(body);
        if (!request || !std::holds_alternative<AuthorizationRequest>(*request)) {
            decoder.fail();
            return;
        }
        session.request = std::get<AuthorizationRequest>(*request);
    }
    session.id = session.request.session;
}

void read_coefficients(Decoder& decoder, VisitedSession& session) {
    session.coefficient_permille = decoder.i64();
    const std::uint32_t count =
        decoder.count(static_cast<std::uint32_t>(offered_evses_max), sizeof(std::int64_t));
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        session.offered_coefficients.push_back(decoder.i64());
    }
}

}  // namespace

Bytes encode(const VisitedSession& session) {
    Encoder encoder;
    encoder.u8(record_version);
    write_request(encoder, session);
    encoder.fixed(session.request_id);
    encoder.text(session.bridge_id).fixed(session.token_key).i64(session.opened);
    encoder.u16(session.connector).u8(static_cast<std::uint8_t>(session.stage));
    encoder.u8(static_cast<std::uint8_t>(session.in_flight)).boolean(session.start_again);
    encoder.text(session.reason);
    write_charge(encoder, session);
    encoder.i64(session.elapsed_s).i64(session.energy_wh).i64(session.amount_so_far);
    encoder.i64(session.progress_time).i64(session.reference_power_w);
    encoder.i64(session.coefficient_permille);
    encoder.u32(static_cast<std::uint32_t>(session.offered_coefficients.size()));
    for (const std::int64_t permille : session.offered_coefficients) {
        encoder.i64(permille);
    }
    return std::move(encoder).take();
}

std::optional<VisitedSession> decode_visited_session(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t version = decoder.u8();
    if (version != record_version && version != record_plain) {
        return std::nullopt;
    }
    VisitedSession session;
    read_request(decoder, session);
    session.request_id = decoder.fixed<MessageId>();
    session.bridge_id = decoder.text(bridge_id_bytes_max);
    session.token_key = decoder.fixed<TokenKey>();
    session.opened = decoder.i64();
    session.connector = decoder.u16();
    const std::uint8_t stage = decoder.u8();
    const std::uint8_t in_flight = decoder.u8();
    if (stage == 0 || stage > static_cast<std::uint8_t>(VisitedStage::disputed) ||
        in_flight > static_cast<std::uint8_t>(VisitedAction::claim)) {
        return std::nullopt;
    }
    session.stage = static_cast<VisitedStage>(stage);
    session.in_flight = static_cast<VisitedAction>(in_flight);
    session.start_again = decoder.boolean();
    session.reason = decoder.text(bridge_text_bytes_max);
    read_charge(decoder, session);
    session.elapsed_s = decoder.i64();
    session.energy_wh = decoder.i64();
    session.amount_so_far = decoder.i64();
    session.progress_time = decoder.i64();
    session.reference_power_w = decoder.i64();
    if (version == record_version) {
        read_coefficients(decoder, session);
    }
    return decoder.finished() ? std::optional{session} : std::nullopt;
}

}  // namespace tally::node
