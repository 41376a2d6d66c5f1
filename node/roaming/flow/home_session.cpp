#include "node/accounts/customer.h"
#include "node/roaming/flow/home_flow.h"

namespace tally::node {
namespace {

constexpr std::uint8_t record_version{2};
constexpr std::uint8_t record_first{1};  ///< without b of the driver's figures

}  // namespace

Bytes encode(const HomeSession& session) {
    Encoder encoder;
    encoder.u8(record_version);
    encode(encoder, session.authorization);
    encoder.fixed(session.session).fixed(session.visited).text(session.station);
    encoder.u16(session.connector).text(session.token).fixed(session.currency);
    encoder.fixed(session.token_commitment).fixed(session.request_hash).i64(session.opened);
    encoder.u8(static_cast<std::uint8_t>(session.stage)).text(session.reason);
    encoder.i64(session.prepaid).i64(session.amount);
    encoder.i64(session.elapsed_s).i64(session.energy_wh).i64(session.amount_so_far);
    encoder.i64(session.progress_time).i64(session.reference_power_w);
    encoder.i64(session.coefficient_permille);
    return std::move(encoder).take();
}

std::optional<HomeSession> decode_home_session(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t version = decoder.u8();
    if (version < record_first || version > record_version) {
        return std::nullopt;
    }
    HomeSession session;
    session.authorization = decode_transaction_ref(decoder);
    session.session = decoder.fixed<SessionId>();
    session.visited = decoder.fixed<PartyId>();
    session.station = decoder.text(station_id_bytes_max);
    session.connector = decoder.u16();
    session.token = decoder.text(home_token_bytes_max);
    session.currency = decoder.fixed<Currency>();
    session.token_commitment = decoder.fixed<Hash>();
    session.request_hash = decoder.fixed<Hash>();
    session.opened = decoder.i64();
    const std::uint8_t stage = decoder.u8();
    if (stage == 0 || stage > static_cast<std::uint8_t>(HomeStage::review)) {
        return std::nullopt;
    }
    session.stage = static_cast<HomeStage>(stage);
    session.reason = decoder.text(bridge_text_bytes_max);
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

}  // namespace tally::node
