#include "ledger/state/epoch_records.h"

#include "ledger/state/record_codec.h"

#include <utility>

namespace tally {

using record_codec::decode_enum;
using record_codec::decode_list;
using record_codec::decode_natural;
using record_codec::decode_party;
using record_codec::encode_list;
using record_codec::finish;
using record_codec::open_record;
using record_codec::start_record;

namespace {

void encode_parties(Encoder& encoder, const std::vector<PartyId>& parties) {
    encode_list(encoder, parties, [&encoder](const PartyId& party) { encoder.fixed(party); });
}

std::vector<PartyId> decode_parties(Decoder& decoder) {
    return decode_list(decoder, members_max, PartyId::size,
                       [&decoder] { return decode_party(decoder); });
}

void encode_key(Encoder& encoder, const std::optional<ProvenKey>& key) {
    encoder.boolean(key.has_value());
    if (key) {
        encoder.fixed(key->key).fixed(key->possession);
    }
}

std::optional<ProvenKey> decode_key(Decoder& decoder) {
    if (!decoder.boolean()) {
        return std::nullopt;
    }
    ProvenKey key;
    key.key = decoder.fixed<PublicKey>();
    key.possession = decoder.fixed<Signature>();
    return key;
}

void encode_change(Encoder& encoder, const ProposeChange& change) {
    encoder.u8(static_cast<std::uint8_t>(change.kind)).fixed(change.member);
    encode_key(encoder, change.member_key);
    encode_key(encoder, change.consensus_key);
    encode_key(encoder, change.link_key);
    encoder.boolean(change.parameters.has_value());
    if (change.parameters) {
        encode(encoder, *change.parameters);
    }
    encoder.u32(change.feature).boolean(change.leg.has_value());
    if (change.leg) {
        encoder.u64(change.leg->cycle).fixed(change.leg->currency);
        encoder.fixed(change.leg->debtor).fixed(change.leg->creditor);
    }
}

ProposeChange decode_change(Decoder& decoder) {
    ProposeChange change;
    change.kind = decode_enum(decoder, ChangeKind::promote, ChangeKind::confirm_leg);
    change.member = decoder.fixed<PartyId>();
    change.member_key = decode_key(decoder);
    change.consensus_key = decode_key(decoder);
    change.link_key = decode_key(decoder);
    if (decoder.boolean()) {
        change.parameters = decode_parameters(decoder);
    }
    change.feature = decoder.u32();
    if (decoder.boolean()) {
        LegKey leg;
        leg.cycle = decoder.u64();
        leg.currency = decoder.fixed<Currency>();
        leg.debtor = decoder.fixed<PartyId>();
        leg.creditor = decoder.fixed<PartyId>();
        change.leg = leg;
    }
    if (decoder.ok() && !is_within_bounds(change)) {
        decoder.fail();
    }
    return change;
}

}  // namespace

Bytes encode(const EpochRecord& record) {
    Encoder encoder = start_record();
    encoder.u64(record.epoch).u64(record.first_height);
    encode(encoder, record.validators);
    encode(encoder, record.previous);
    encoder.u32(record.admissions);
    encode_parties(encoder, record.ready);
    encoder.fixed(record.ready_for);
    encode(encoder, record.features);
    encode(encoder, record.wanted_features);
    return std::move(encoder).take();
}

template <>
std::optional<EpochRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    EpochRecord record;
    record.epoch = decoder.u64();
    record.first_height = decoder.u64();
    record.validators = decode_validators(decoder, 1);
    record.previous = decode_validators(decoder, 0);
    record.admissions = decoder.u32();
    record.ready = decode_parties(decoder);
    record.ready_for = decoder.fixed<Hash>();
    record.features = decode_features(decoder);
    record.wanted_features = decode_features(decoder);
    return finish(decoder, std::move(record));
}

Bytes encode(const ProposalRecord& record) {
    Encoder encoder = start_record();
    encode_change(encoder, record.change);
    encoder.i64(record.expires);
    encode_parties(encoder, record.approvals);
    encode_parties(encoder, record.rejections);
    return std::move(encoder).take();
}

template <>
std::optional<ProposalRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    ProposalRecord record;
    record.change = decode_change(decoder);
    record.expires = decode_natural(decoder);
    record.approvals = decode_parties(decoder);
    record.rejections = decode_parties(decoder);
    return finish(decoder, std::move(record));
}

Bytes encode(const EvidenceRecord& record) {
    Encoder encoder = start_record();
    const SubmitEvidence& evidence = record.evidence;
    encoder.u32(evidence.signer);
    encode(encoder, evidence.first);
    encoder.fixed(evidence.first_signature);
    encode(encoder, evidence.second);
    encoder.fixed(evidence.second_signature);
    encoder.fixed(record.reporter).i64(record.reported_at);
    return std::move(encoder).take();
}

template <>
std::optional<EvidenceRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    EvidenceRecord record;
    SubmitEvidence& evidence = record.evidence;
    evidence.signer = decoder.u32();
    evidence.first = decode_vote_statement(decoder);
    evidence.first_signature = decoder.fixed<Signature>();
    evidence.second = decode_vote_statement(decoder);
    evidence.second_signature = decoder.fixed<Signature>();
    record.reporter = decode_party(decoder);
    record.reported_at = decode_natural(decoder);
    if (evidence.signer >= validators_max) {
        decoder.fail();
    }
    return finish(decoder, std::move(record));
}

Bytes encode(const Parameters& record) {
    Encoder encoder = start_record();
    encode(encoder, record);
    return std::move(encoder).take();
}

template <>
std::optional<Parameters> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    Parameters parameters = decode_parameters(decoder);
    return finish(decoder, parameters);
}

}  // namespace tally
