#include "charger_bridge/session/session.h"

#include <algorithm>

namespace tally::bridge {

namespace {

constexpr std::uint8_t format_version{10};
constexpr std::uint8_t format_end{9};      ///< without when the charger was heard last
constexpr std::uint8_t format_kept{8};     ///< also without whether the end's register was missing
constexpr std::uint8_t format_sampled{7};  ///< also without the count of texts that were left out
constexpr std::uint8_t format_figures{6};  ///< also without when the newest sample came
constexpr std::uint8_t format_signed{5};   ///< also without b of the driver's figures
constexpr std::uint8_t format_named{4};    ///< without signed readings, review and local list
constexpr std::uint8_t format_first{3};    ///< also without what chargers with own names added
constexpr std::size_t review_reasons_most{16};
constexpr std::uint8_t orphan_version{3};

void encode_evse(Encoder& encoder, const node::AuthorizeResult::Evse& evse) {
    encoder.u16(evse.connector)
        .text(evse.evse_id)
        .u32(evse.rated_power_w)
        .text(evse.meter_serial)
        .u32(evse.meter_epoch)
        .text(evse.tariff_ref.tariff_id)
        .u32(evse.tariff_ref.version);
    evse.tariff.encode(encoder);
    encoder.var_bytes(evse.meter_public_key).i64(evse.coefficient_permille);
}

node::AuthorizeResult::Evse decode_evse(Decoder& decoder, std::uint8_t version) {
    node::AuthorizeResult::Evse evse;
    evse.connector = decoder.u16();
    evse.evse_id = decoder.text(evse_id_bytes_max);
    evse.rated_power_w = decoder.u32();
    evse.meter_serial = decoder.text(meter_serial_bytes_max);
    evse.meter_epoch = decoder.u32();
    evse.tariff_ref.tariff_id = decoder.text(tariff_id_bytes_max);
    evse.tariff_ref.version = decoder.u32();
    evse.tariff = Tariff::decode(decoder);
    if (version >= format_signed) {
        const ByteView key = decoder.var_bytes(meter_key_bytes_max);
        evse.meter_public_key.assign(key.begin(), key.end());
    }
    if (version >= format_figures) {
        evse.coefficient_permille = decoder.i64();
    }
    return evse;
}

void encode_transaction(Encoder& encoder, const Session& session) {
    encoder.i32(session.transaction)
        .fixed(session.start_facts)
        .i64(session.device_begin)
        .boolean(session.clock_replaced);
    session.meter.encode(encoder);
    encoder.fixed(session.evidence)
        .u32(session.evidence_count)
        .u64(session.evidence_bytes)
        .boolean(session.stop_requested)
        .i64(session.stop_requested_at)
        .text(session.stop_reason)
        .boolean(session.stopped_by_id)
        .fixed(session.stop_facts)
        .i64(session.finished_at);
}

void decode_transaction(Decoder& decoder, Session& session) {
    session.transaction = decoder.i32();
    session.start_facts = decoder.fixed<Hash>();
    session.device_begin = decoder.i64();
    session.clock_replaced = decoder.boolean();
    session.meter = MeterTrack::decode(decoder);
    session.evidence = decoder.fixed<Hash>();
    session.evidence_count = decoder.u32();
    session.evidence_bytes = decoder.u64();
    session.stop_requested = decoder.boolean();
    session.stop_requested_at = decoder.i64();
    session.stop_reason = decoder.text(reason_bytes_max);
    session.stopped_by_id = decoder.boolean();
    session.stop_facts = decoder.fixed<Hash>();
    session.finished_at = decoder.i64();
}

void encode_end(Encoder& encoder, const Session& session) {
    session.signed_track.encode(encoder);
    tally::encode(encoder, session.end);
    const Review& review = session.review;
    encoder.boolean(session.stop_missing)
        .u64(review.number)
        .u32(static_cast<std::uint32_t>(review.reasons.size()));
    for (const std::string& reason : review.reasons) {
        encoder.text(reason);
    }
    encoder.boolean(review.is_late)
        .i64(review.held_at)
        .boolean(session.warned)
        .boolean(session.cut_off)
        .fixed(session.asked_as);
}

void decode_end(Decoder& decoder, Session& session) {
    session.signed_track = SignedTrack::decode(decoder);
    session.end = decode_reading(decoder);
    session.stop_missing = decoder.boolean();
    Review& review = session.review;
    review.number = decoder.u64();
    const std::uint32_t count = decoder.count(review_reasons_most, 4);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        review.reasons.push_back(decoder.text(reason_bytes_max));
    }
    review.is_late = decoder.boolean();
    review.held_at = decoder.i64();
    session.warned = decoder.boolean();
    session.cut_off = decoder.boolean();
    session.asked_as = decoder.fixed<SessionId>();
}

bool needs_evse(SessionState state) {
    return state == SessionState::charging || state == SessionState::ended ||
           state == SessionState::in_review || state == SessionState::undecided;
}

SessionState decode_state(Decoder& decoder) {
    const std::uint8_t state = decoder.u8();
    if (state < 1 || state > 8) {
        decoder.fail();
        return SessionState::held;
    }
    return static_cast<SessionState>(state);
}

}  // namespace

const char* to_text(SessionState state) {
    switch (state) {
        case SessionState::authorizing:
            return "authorizing";
        case SessionState::approved:
            return "approved";
        case SessionState::charging:
            return "charging";
        case SessionState::ended:
            return "ended";
        case SessionState::refused:
            return "refused";
        case SessionState::held:
            return "held";
        case SessionState::in_review:
            return "in_review";
        case SessionState::undecided:
            return "undecided";
    }
    return "";
}

Bytes encode_terms(const node::AuthorizeResult::Evse& evse) {
    Encoder encoder;
    encoder.u8(format_version);
    encode_evse(encoder, evse);
    return std::move(encoder).take();
}

std::optional<node::AuthorizeResult::Evse> decode_terms(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t version = decoder.u8();
    if (version < format_signed || version > format_version) {
        return std::nullopt;
    }
    node::AuthorizeResult::Evse evse = decode_evse(decoder, version);
    return decoder.finished() ? std::optional{std::move(evse)} : std::nullopt;
}

Bytes encode_session(const Session& session) {
    Encoder encoder;
    encoder.u8(format_version)
        .fixed(session.id)
        .text(session.station)
        .text(session.token)
        .u16(session.connector)
        .u8(static_cast<std::uint8_t>(session.state))
        .text(session.reason)
        .boolean(session.prepaid_asked.has_value())
        .i64(session.prepaid_asked.value_or(0))
        .i64(session.asked_at)
        .boolean(session.asked_node);
    tally::encode(encoder, session.authorization);
    encoder.i64(session.prepaid).i64(session.start_by);
    encoder.u32(static_cast<std::uint32_t>(session.evses.size()));
    for (const node::AuthorizeResult::Evse& evse : session.evses) {
        encode_evse(encoder, evse);
    }
    encode_transaction(encoder, session);
    encoder.text(session.transaction_name)
        .boolean(session.offline)
        .boolean(session.baseline_missing);
    encode_end(encoder, session);
    encoder.i64(session.sampled_at).u32(session.evidence_left_out).boolean(session.end_missing);
    encoder.i64(session.heard_at).i64(session.free_since);
    return std::move(encoder).take();
}

std::optional<Session> decode_session(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t version = decoder.u8();
    if (version < format_first || version > format_version) {
        return std::nullopt;
    }
    Session session;
    session.id = decoder.fixed<SessionId>();
    session.station = decoder.text(station_id_bytes_max);
    session.token = decoder.text(node::token_bytes_max);
    session.connector = decoder.u16();
    session.state = decode_state(decoder);
    session.reason = decoder.text(reason_bytes_max);
    const bool has_prepaid = decoder.boolean();
    const Money prepaid_asked = decoder.i64();
    if (has_prepaid) {
        session.prepaid_asked = prepaid_asked;
    }
    session.asked_at = decoder.i64();
    session.asked_node = decoder.boolean();
    // The zero reference of a session that is not approved has no valid party; read it raw.
    session.authorization.signer = decoder.fixed<PartyId>();
    session.authorization.id = decoder.fixed<TransactionId>();
    session.prepaid = decoder.i64();
    session.start_by = decoder.i64();
    const std::uint32_t count = decoder.count(evses_max, 1);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        session.evses.push_back(decode_evse(decoder, version));
    }
    decode_transaction(decoder, session);
    if (version >= format_named) {
        session.transaction_name = decoder.text(transaction_name_bytes_max);
        session.offline = decoder.boolean();
        session.baseline_missing = decoder.boolean();
    }
    if (version >= format_signed) {
        decode_end(decoder, session);
    }
    session.sampled_at = version >= format_sampled ? decoder.i64() : session.meter.last.time;
    session.evidence_left_out = version >= format_kept ? decoder.u32() : 0;
    if (version >= format_end) {
        session.end_missing = decoder.boolean();
    }
    if (version >= format_version) {
        session.heard_at = decoder.i64();
        session.free_since = decoder.i64();
    }
    if (!decoder.finished() || (needs_evse(session.state) && session.evses.size() != 1)) {
        return std::nullopt;
    }
    return session;
}

Bytes encode_orphan(const Orphan& orphan) {
    Encoder encoder;
    encoder.u8(orphan_version)
        .u64(orphan.number)
        .text(orphan.kind)
        .text(orphan.station)
        .i64(orphan.transaction)
        .i64(orphan.received_at)
        .text(orphan.detail)
        .fixed(orphan.facts)
        .text(orphan.text);
    return std::move(encoder).take();
}

std::optional<Orphan> decode_orphan(ByteView bytes) {
    Decoder decoder{bytes};
    if (decoder.u8() != orphan_version) {
        return std::nullopt;
    }
    Orphan orphan;
    orphan.number = decoder.u64();
    orphan.kind = decoder.text(reason_bytes_max);
    orphan.station = decoder.text(station_id_bytes_max);
    orphan.transaction = decoder.i64();
    orphan.received_at = decoder.i64();
    orphan.detail = decoder.text(reason_bytes_max);
    orphan.facts = decoder.fixed<Hash>();
    orphan.text = decoder.text(orphan_text_bytes_max);
    return decoder.finished() ? std::optional{std::move(orphan)} : std::nullopt;
}

std::string printable_reason(std::string_view text) {
    std::string result{text.substr(0, reason_bytes_max)};
    std::replace_if(
        result.begin(), result.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return result;
}

std::string upper_case(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        if (c >= 'a' && c <= 'z') {
            c = static_cast<char>(c - 'a' + 'A');
        }
    }
    return result;
}

bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= node::token_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace tally::bridge
