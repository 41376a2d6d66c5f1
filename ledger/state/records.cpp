#include "ledger/state/records.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/state/record_codec.h"

#include <algorithm>
#include <utility>

namespace tally {

using record_codec::decode_currency;
using record_codec::decode_enum;
using record_codec::decode_list;
using record_codec::decode_natural;
using record_codec::decode_party;
using record_codec::encode_list;
using record_codec::finish;
using record_codec::open_record;
using record_codec::start_record;

namespace {

constexpr std::size_t operator_id_bytes_max{9};
constexpr std::size_t country_bytes{2};

void encode_tariff_ref(Encoder& encoder, const TariffRef& ref) {
    encoder.text(ref.tariff_id).u32(ref.version);
}

TariffRef decode_tariff_ref(Decoder& decoder) {
    TariffRef ref;
    ref.tariff_id = decoder.text(tariff_id_bytes_max);
    ref.version = decoder.u32();
    return ref;
}

void encode_start(Encoder& encoder, const Authorization::Start& start) {
    encoder.i64(start.started_at).i64(start.record_by).text(start.evse_id);
    encode_tariff_ref(encoder, start.tariff);
}

Authorization::Start decode_start(Decoder& decoder) {
    Authorization::Start start;
    start.started_at = decode_natural(decoder);
    start.record_by = decode_natural(decoder);
    start.evse_id = decoder.text(evse_id_bytes_max);
    start.tariff = decode_tariff_ref(decoder);
    return start;
}

void encode_charge(Encoder& encoder, const Authorization::Record& record) {
    encoder.i64(record.recorded_at).i64(record.settle_by).i64(record.claim_until);
    encoder.i64(record.begin_time).i64(record.end_time).i64(record.energy_wh);
    encoder.i64(record.rated_amount).i64(record.amount).fixed(record.transaction);
}

Authorization::Record decode_charge(Decoder& decoder) {
    Authorization::Record record;
    record.recorded_at = decode_natural(decoder);
    record.settle_by = decode_natural(decoder);
    record.claim_until = decode_natural(decoder);
    record.begin_time = decoder.i64();
    record.end_time = decoder.i64();
    record.energy_wh = decode_natural(decoder);
    record.rated_amount = decode_natural(decoder);
    record.amount = decode_natural(decoder);
    record.transaction = decoder.fixed<TransactionId>();
    return record;
}

void encode_end(Encoder& encoder, const Authorization::End& end) {
    encoder.i64(end.ended_at).i64(end.posted);
    encoder.u8(static_cast<std::uint8_t>(end.deny_reason));
    encoder.u8(static_cast<std::uint8_t>(end.expiry_cause));
}

Authorization::End decode_end(Decoder& decoder) {
    Authorization::End end;
    end.ended_at = decode_natural(decoder);
    end.posted = decode_natural(decoder);
    end.deny_reason = decode_enum(decoder, DenyReason{}, DenyReason::not_allowed);
    end.expiry_cause = decode_enum(decoder, ExpiryCause{}, ExpiryCause::not_arbitrated);
    return end;
}

void encode_dispute(Encoder& encoder, const Authorization::Dispute& dispute) {
    encoder.i64(dispute.opened_at).i64(dispute.arbitrate_by).i64(dispute.disputed);
    encoder.u8(static_cast<std::uint8_t>(dispute.reason)).fixed(dispute.evidence);
}

Authorization::Dispute decode_dispute(Decoder& decoder) {
    Authorization::Dispute dispute;
    dispute.opened_at = decode_natural(decoder);
    dispute.arbitrate_by = decode_natural(decoder);
    dispute.disputed = decode_natural(decoder);
    dispute.reason = decode_enum(decoder, DisputeReason::energy, DisputeReason::other);
    dispute.evidence = decoder.fixed<Hash>();
    return dispute;
}

/// Only of a recorded charge, and of a part of it.
bool dispute_fits(const Authorization& authorization) {
    return authorization.record && authorization.dispute->disputed >= 1 &&
           authorization.dispute->disputed <= authorization.record->amount;
}

/// Which parts are present follows from the status, so a value has one form only.
bool parts_fit_status(const Authorization& authorization) {
    const bool may_be_disputed = authorization.status == AuthorizationStatus::disputed ||
                                 authorization.status == AuthorizationStatus::settled ||
                                 authorization.status == AuthorizationStatus::expired;
    if (authorization.dispute && (!may_be_disputed || !dispute_fits(authorization))) {
        return false;
    }
    switch (authorization.status) {
        case AuthorizationStatus::approved:
            return !authorization.start && !authorization.record && !authorization.end;
        case AuthorizationStatus::started:
            return authorization.start && !authorization.record && !authorization.end;
        case AuthorizationStatus::recorded:
            return authorization.start && authorization.record && !authorization.end;
        case AuthorizationStatus::settled:
        case AuthorizationStatus::claimed:
            return authorization.start && authorization.record && authorization.end;
        case AuthorizationStatus::released:
            return !authorization.record && authorization.end;
        case AuthorizationStatus::denied:
            return !authorization.start && !authorization.record && authorization.end;
        case AuthorizationStatus::expired:
            return authorization.end.has_value();
        case AuthorizationStatus::disputed:
            return authorization.start && authorization.dispute && !authorization.end;
    }
    return false;
}

void encode_wide(Encoder& encoder, WideMoney value) {
    __extension__ using Unsigned = unsigned __int128;
    const auto bits = static_cast<Unsigned>(value);
    encoder.u64(static_cast<std::uint64_t>(bits >> 64U)).u64(static_cast<std::uint64_t>(bits));
}

WideMoney decode_wide(Decoder& decoder) {
    __extension__ using Unsigned = unsigned __int128;
    const Unsigned high = decoder.u64();
    const Unsigned low = decoder.u64();
    return static_cast<WideMoney>((high << 64U) | low);
}

}  // namespace

Money used_of_limit(const Account& account) noexcept {
    // All are 0 or more, and the sum of what is owed always fits, see `reserve`.
    const Money net = account.debits_posted + account.shares_held - account.credits_posted;
    return account.debits_pending + std::max<Money>(0, net) + account.legs_owed;
}

const char* to_text(AuthorizationStatus status) {
    switch (status) {
        case AuthorizationStatus::approved:
            return "approved";
        case AuthorizationStatus::started:
            return "started";
        case AuthorizationStatus::recorded:
            return "recorded";
        case AuthorizationStatus::settled:
            return "settled";
        case AuthorizationStatus::claimed:
            return "claimed";
        case AuthorizationStatus::released:
            return "released";
        case AuthorizationStatus::denied:
            return "denied";
        case AuthorizationStatus::expired:
            return "expired";
        case AuthorizationStatus::disputed:
            return "disputed";
    }
    return "unknown";
}

UnixMillis Authorization::deadline() const {
    ENSURE(is_live(status));
    if (dispute) {
        return dispute->arbitrate_by;
    }
    if (record) {
        return record->claim_until;
    }
    return start ? start->record_by : start_by;
}

Bytes encode(const MemberRecord& record) {
    Encoder encoder = start_record();
    const Member& member = record.member;
    encoder.fixed(member.party).text(member.country).u8(static_cast<std::uint8_t>(member.role));
    encoder.text(member.operator_id).fixed(member.member_key).fixed(member.consensus_key);
    encoder.fixed(member.link_key).boolean(member.validator).boolean(record.suspended);
    return std::move(encoder).take();
}

template <>
std::optional<MemberRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    MemberRecord record;
    Member& member = record.member;
    member.party = decode_party(decoder);
    member.country = decoder.text(country_bytes);
    member.role = decode_enum(decoder, MemberRole::hub, MemberRole::operator_);
    member.operator_id = decoder.text(operator_id_bytes_max);
    member.member_key = decoder.fixed<PublicKey>();
    member.consensus_key = decoder.fixed<PublicKey>();
    member.link_key = decoder.fixed<PublicKey>();
    member.validator = decoder.boolean();
    record.suspended = decoder.boolean();
    return finish(decoder, std::move(record));
}

Bytes encode(const Account& record) {
    Encoder encoder = start_record();
    encoder.i64(record.debits_pending).i64(record.debits_posted);
    encoder.i64(record.credits_pending).i64(record.credits_posted).i64(record.limit);
    encoder.i64(record.legs_owed).i64(record.legs_due).i64(record.shares_held);
    return std::move(encoder).take();
}

template <>
std::optional<Account> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    Account account;
    account.debits_pending = decode_natural(decoder);
    account.debits_posted = decode_natural(decoder);
    account.credits_pending = decode_natural(decoder);
    account.credits_posted = decode_natural(decoder);
    account.limit = decode_natural(decoder);
    account.legs_owed = decode_natural(decoder);
    account.legs_due = decode_natural(decoder);
    account.shares_held = decode_natural(decoder);
    return finish(decoder, account);
}

Bytes encode(const AgreementRecord& record) {
    Encoder encoder = start_record();
    encoder.boolean(record.active).fixed(record.currency);
    encode_list(encoder, record.tariffs_offered,
                [&encoder](const std::string& tariff_id) { encoder.text(tariff_id); });
    encoder.i64(record.exposure_cap);
    return std::move(encoder).take();
}

template <>
std::optional<AgreementRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    AgreementRecord record;
    record.active = decoder.boolean();
    record.currency = decode_currency(decoder);
    record.tariffs_offered = decode_list(decoder, tariffs_offered_max, 4, [&decoder] {
        return std::string{decoder.text(tariff_id_bytes_max)};
    });
    record.exposure_cap = decode_natural(decoder);
    return finish(decoder, std::move(record));
}

Bytes encode(const BridgeRecord& record) {
    Encoder encoder = start_record();
    encoder.fixed(record.public_key).u8(static_cast<std::uint8_t>(record.kind));
    encoder.boolean(record.revoked);
    return std::move(encoder).take();
}

template <>
std::optional<BridgeRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    BridgeRecord record;
    record.public_key = decoder.fixed<PublicKey>();
    record.kind = decode_enum(decoder, BridgeKind::site, BridgeKind::tcec);
    record.revoked = decoder.boolean();
    return finish(decoder, record);
}

Bytes encode(const ChargerRecord& record) {
    Encoder encoder = start_record();
    encoder.text(record.station).u16(record.connector).text(record.bridge_id);
    encoder.u32(record.rated_power_w).text(record.meter_serial).u32(record.meter_epoch);
    encoder.var_bytes(record.meter_public_key);
    encoder.boolean(record.busy.has_value());
    if (record.busy) {
        encode(encoder, *record.busy);
    }
    encoder.i64(record.last_end_time).boolean(record.last_reading.has_value());
    if (record.last_reading) {
        encoder.text(record.last_reading->meter_serial).u32(record.last_reading->meter_epoch);
        encoder.i64(record.last_reading->register_wh);
    }
    return std::move(encoder).take();
}

template <>
std::optional<ChargerRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    ChargerRecord record;
    record.station = decoder.text(station_id_bytes_max);
    record.connector = decoder.u16();
    record.bridge_id = decoder.text(bridge_id_bytes_max);
    record.rated_power_w = decoder.u32();
    record.meter_serial = decoder.text(meter_serial_bytes_max);
    record.meter_epoch = decoder.u32();
    const ByteView meter_key = decoder.var_bytes(meter_key_bytes_max);
    record.meter_public_key.assign(meter_key.begin(), meter_key.end());
    if (decoder.boolean()) {
        record.busy = decode_transaction_ref(decoder);
    }
    record.last_end_time = decoder.i64();
    if (decoder.boolean()) {
        ChargerRecord::LastReading last;
        last.meter_serial = decoder.text(meter_serial_bytes_max);
        last.meter_epoch = decoder.u32();
        last.register_wh = decode_natural(decoder);
        record.last_reading = std::move(last);
    }
    return finish(decoder, std::move(record));
}

Bytes encode(const Tariff& record) {
    Encoder encoder = start_record();
    record.encode(encoder);
    return std::move(encoder).take();
}

template <>
std::optional<Tariff> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    Tariff tariff = Tariff::decode(decoder);
    return finish(decoder, std::move(tariff));
}

Bytes encode(const Authorization& record) {
    ENSURE(parts_fit_status(record));
    Encoder encoder = start_record();
    encoder.u8(static_cast<std::uint8_t>(record.status)).fixed(record.visited);
    encoder.fixed(record.currency).i64(record.amount);
    encoder.fixed(record.request_hash).fixed(record.token_commitment).text(record.station);
    encode_list(encoder, record.tariffs,
                [&encoder](const TariffRef& tariff) { encode_tariff_ref(encoder, tariff); });
    encoder.i64(record.decided_at).i64(record.start_by);
    encoder.boolean(record.start.has_value());
    if (record.start) {
        encode_start(encoder, *record.start);
    }
    encoder.boolean(record.record.has_value());
    if (record.record) {
        encode_charge(encoder, *record.record);
    }
    encoder.boolean(record.dispute.has_value());
    if (record.dispute) {
        encode_dispute(encoder, *record.dispute);
    }
    encoder.boolean(record.end.has_value());
    if (record.end) {
        encode_end(encoder, *record.end);
    }
    return std::move(encoder).take();
}

template <>
std::optional<Authorization> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    Authorization record;
    record.status =
        decode_enum(decoder, AuthorizationStatus::approved, AuthorizationStatus::disputed);
    record.visited = decode_party(decoder);
    record.currency = decode_currency(decoder);
    record.amount = decode_natural(decoder);
    record.request_hash = decoder.fixed<Hash>();
    record.token_commitment = decoder.fixed<Hash>();
    record.station = decoder.text(station_id_bytes_max);
    record.tariffs = decode_list(decoder, tariffs_offered_max, 8,
                                 [&decoder] { return decode_tariff_ref(decoder); });
    record.decided_at = decode_natural(decoder);
    record.start_by = decode_natural(decoder);
    if (decoder.boolean()) {
        record.start = decode_start(decoder);
    }
    if (decoder.boolean()) {
        record.record = decode_charge(decoder);
    }
    if (decoder.boolean()) {
        record.dispute = decode_dispute(decoder);
    }
    if (decoder.boolean()) {
        record.end = decode_end(decoder);
    }
    if (!parts_fit_status(record)) {
        decoder.fail();
    }
    return finish(decoder, std::move(record));
}

Bytes encode(const Exposure& record) {
    Encoder encoder = start_record();
    encoder.i64(record.pending).i64(record.posted).i64(record.legs);
    return std::move(encoder).take();
}

template <>
std::optional<Exposure> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    Exposure exposure;
    exposure.pending = decode_natural(decoder);
    exposure.posted = decode_natural(decoder);
    exposure.legs = decode_natural(decoder);
    return finish(decoder, exposure);
}

Bytes encode(const Totals& record) {
    Encoder encoder = start_record();
    encode_wide(encoder, record.debits_pending);
    encode_wide(encoder, record.debits_posted);
    encode_wide(encoder, record.credits_pending);
    encode_wide(encoder, record.credits_posted);
    encode_wide(encoder, record.legs_owed);
    encode_wide(encoder, record.legs_due);
    return std::move(encoder).take();
}

template <>
std::optional<Totals> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    Totals totals;
    totals.debits_pending = decode_wide(decoder);
    totals.debits_posted = decode_wide(decoder);
    totals.credits_pending = decode_wide(decoder);
    totals.credits_posted = decode_wide(decoder);
    totals.legs_owed = decode_wide(decoder);
    totals.legs_due = decode_wide(decoder);
    return finish(decoder, totals);
}

}  // namespace tally
