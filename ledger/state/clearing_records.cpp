// Encodings of what waits for a second signature, and of corrections.

#include "ledger/base/codec.h"
#include "ledger/state/record_codec.h"
#include "ledger/state/records.h"

#include <utility>

namespace tally {

using record_codec::decode_currency;
using record_codec::decode_list;
using record_codec::decode_natural;
using record_codec::decode_party;
using record_codec::encode_list;
using record_codec::finish;
using record_codec::open_record;
using record_codec::start_record;

namespace {

/// Which action a countersign record holds. Values are in the state.
enum class TwoSignedKind : std::uint8_t {
    set_limit = 1,
    late_charge = 2,
    credit_charge = 3,
    rebill_charge = 4,
};

void put_kind(Encoder& encoder, TwoSignedKind kind) { encoder.u8(static_cast<std::uint8_t>(kind)); }

void encode_rated(Encoder& encoder, const RatedCharge& charge) {
    encoder.raw(encode_metered(charge.metered)).fixed(charge.metered.bridge_signature);
    encoder.text(charge.tariff.tariff_id).u32(charge.tariff.version).fixed(charge.currency);
    encoder.i64(charge.rated_amount).i64(charge.amount);
}

RatedCharge decode_rated(Decoder& decoder) {
    RatedCharge charge;
    charge.metered = decode_metered(decoder);
    charge.metered.bridge_signature = decoder.fixed<Signature>();
    charge.tariff.tariff_id = decoder.text(tariff_id_bytes_max);
    charge.tariff.version = decoder.u32();
    charge.currency = decode_currency(decoder);
    charge.rated_amount = decode_natural(decoder);
    charge.amount = decode_natural(decoder);
    return charge;
}

void encode_action(Encoder& encoder, const SetLimit& action) {
    put_kind(encoder, TwoSignedKind::set_limit);
    encoder.fixed(action.member).fixed(action.currency).i64(action.limit);
}

void encode_action(Encoder& encoder, const LateCharge& action) {
    put_kind(encoder, TwoSignedKind::late_charge);
    encode_rated(encoder, action.charge);
}

void encode_action(Encoder& encoder, const CreditCharge& action) {
    put_kind(encoder, TwoSignedKind::credit_charge);
    encode(encoder, action.authorization);
    encode(encoder, action.record);
    encoder.fixed(action.currency).i64(action.charged).i64(action.amount).fixed(action.reason);
}

void encode_action(Encoder& encoder, const RebillCharge& action) {
    put_kind(encoder, TwoSignedKind::rebill_charge);
    encode(encoder, action.credit);
    encode_rated(encoder, action.charge);
}

SetLimit decode_limit(Decoder& decoder) {
    SetLimit action;
    action.member = decode_party(decoder);
    action.currency = decode_currency(decoder);
    action.limit = decode_natural(decoder);
    return action;
}

CreditCharge decode_credit(Decoder& decoder) {
    CreditCharge action;
    action.authorization = decode_transaction_ref(decoder);
    action.record = decode_transaction_ref(decoder);
    action.currency = decode_currency(decoder);
    action.charged = decode_natural(decoder);
    action.amount = decode_natural(decoder);
    action.reason = decoder.fixed<Hash>();
    return action;
}

RebillCharge decode_rebill(Decoder& decoder) {
    RebillCharge action;
    action.credit = decode_transaction_ref(decoder);
    action.charge = decode_rated(decoder);
    return action;
}

TwoSigned decode_action(Decoder& decoder) {
    const std::uint8_t kind = decoder.u8();
    switch (TwoSignedKind{kind}) {
        case TwoSignedKind::set_limit:
            return decode_limit(decoder);
        case TwoSignedKind::late_charge:
            return LateCharge{decode_rated(decoder)};
        case TwoSignedKind::credit_charge:
            return decode_credit(decoder);
        case TwoSignedKind::rebill_charge:
            return decode_rebill(decoder);
    }
    decoder.fail();
    return SetLimit{};
}

}  // namespace

Bytes encode(const CountersignRecord& record) {
    Encoder encoder = start_record();
    encoder.fixed(record.transaction_hash).i64(record.expires);
    std::visit([&encoder](const auto& action) { encode_action(encoder, action); }, record.action);
    return std::move(encoder).take();
}

template <>
std::optional<CountersignRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    CountersignRecord record;
    record.transaction_hash = decoder.fixed<Hash>();
    record.expires = decode_natural(decoder);
    record.action = decode_action(decoder);
    return finish(decoder, std::move(record));
}

Bytes encode(const CorrectionRecord& record) {
    Encoder encoder = start_record();
    encoder.fixed(record.visited).fixed(record.currency).i64(record.expires);
    encode_list(encoder, record.charges, [&encoder](const CorrectionRecord::Charge& charge) {
        encode(encoder, charge.record);
        encoder.i64(charge.charged).i64(charge.credited);
    });
    encode_list(encoder, record.credits,
                [&encoder](const TransactionRef& credit) { encode(encoder, credit); });
    return std::move(encoder).take();
}

template <>
std::optional<CorrectionRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    CorrectionRecord record;
    record.visited = decode_party(decoder);
    record.currency = decode_currency(decoder);
    record.expires = decode_natural(decoder);
    constexpr std::size_t charge_bytes{transaction_ref_bytes + 2 * sizeof(Money)};
    record.charges = decode_list(decoder, corrected_charges_max, charge_bytes, [&decoder] {
        CorrectionRecord::Charge charge;
        charge.record = decode_transaction_ref(decoder);
        charge.charged = decode_natural(decoder);
        charge.credited = decode_natural(decoder);
        if (charge.credited > charge.charged) {
            decoder.fail();
        }
        return charge;
    });
    record.credits = decode_list(decoder, open_credits_max, transaction_ref_bytes,
                                 [&decoder] { return decode_transaction_ref(decoder); });
    if (record.charges.empty()) {
        decoder.fail();
    }
    return finish(decoder, std::move(record));
}

}  // namespace tally
