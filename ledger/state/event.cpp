#include "ledger/state/event.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/record_codec.h"
#include "ledger/state/records.h"

#include <algorithm>

namespace tally {
namespace {

/// Parties and currencies of events are three letters, or three zeros when no money was pending.
template <typename Letters>
Letters decode_letters_or_zero(Decoder& decoder) {
    const Letters letters = decoder.fixed<Letters>();
    if (!letters.is_zero() && !is_valid(letters)) {
        decoder.fail();
    }
    return letters;
}

Event decode_expired(Decoder& decoder) {
    Event event;
    const std::uint8_t cause = decoder.u8();
    const bool cause_known = cause >= static_cast<std::uint8_t>(ExpiryCause::not_started) &&
                             cause <= static_cast<std::uint8_t>(ExpiryCause::correction_over);
    if (!cause_known) {
        decoder.fail();
        return event;
    }
    event.cause = ExpiryCause{cause};
    event.ref = decode_transaction_ref(decoder);
    event.debtor = decode_letters_or_zero<PartyId>(decoder);
    event.creditor = decode_letters_or_zero<PartyId>(decoder);
    event.currency = decode_letters_or_zero<Currency>(decoder);
    event.amount = decoder.i64();
    if (event.amount < 0) {
        decoder.fail();
    }
    return event;
}

Event decode_sealed(Decoder& decoder) {
    Event event;
    event.kind = EventKind::epoch_sealed;
    event.epoch = decoder.u64();
    event.validators = decode_validators(decoder, 1);
    event.features = decode_features(decoder);
    return event;
}

Event decode_closed(Decoder& decoder) {
    Event event;
    event.kind = EventKind::cycle_closed;
    event.cycle = decoder.u64();
    event.currency = record_codec::decode_currency(decoder);
    event.positions = decode_positions(decoder);
    event.matrix = decoder.fixed<Hash>();
    WideMoney sum{0};
    for (const NetPosition& position : event.positions) {
        sum += position.amount;
    }
    if (sum != 0 || event.positions.size() < 2) {
        decoder.fail();
    }
    return event;
}

Event decode_defaulted(Decoder& decoder) {
    Event event;
    event.kind = EventKind::leg_defaulted;
    event.cycle = decoder.u64();
    event.currency = record_codec::decode_currency(decoder);
    event.debtor = record_codec::decode_party(decoder);
    event.creditor = record_codec::decode_party(decoder);
    event.amount = decoder.i64();
    event.positions = decode_positions(decoder);
    const bool shares_fit = std::all_of(event.positions.begin(), event.positions.end(),
                                        [](const NetPosition& share) { return share.amount > 0; });
    if (event.amount <= 0 || !shares_fit) {
        decoder.fail();
    }
    return event;
}

}  // namespace

const char* to_text(ExpiryCause cause) {
    switch (cause) {
        case ExpiryCause::not_started:
            return "not_started";
        case ExpiryCause::not_recorded:
            return "not_recorded";
        case ExpiryCause::not_claimed:
            return "not_claimed";
        case ExpiryCause::not_countersigned:
            return "not_countersigned";
        case ExpiryCause::not_decided:
            return "not_decided";
        case ExpiryCause::not_arbitrated:
            return "not_arbitrated";
        case ExpiryCause::correction_over:
            return "correction_over";
    }
    return "unknown";
}

Bytes Event::encode() const {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(kind));
    switch (kind) {
        case EventKind::expired:
            encoder.u8(static_cast<std::uint8_t>(cause));
            tally::encode(encoder, ref);
            encoder.fixed(debtor).fixed(creditor).fixed(currency).i64(amount);
            break;
        case EventKind::epoch_sealed:
            encoder.u64(epoch);
            tally::encode(encoder, validators);
            tally::encode(encoder, features);
            break;
        case EventKind::cycle_closed:
            encoder.u64(cycle).fixed(currency);
            tally::encode(encoder, positions);
            encoder.fixed(matrix);
            break;
        case EventKind::leg_defaulted:
            encoder.u64(cycle).fixed(currency).fixed(debtor).fixed(creditor).i64(amount);
            tally::encode(encoder, positions);
            break;
    }
    return std::move(encoder).take();
}

std::optional<Event> Event::decode(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t kind = decoder.u8();
    Event event;
    if (kind == static_cast<std::uint8_t>(EventKind::expired)) {
        event = decode_expired(decoder);
    } else if (kind == static_cast<std::uint8_t>(EventKind::epoch_sealed)) {
        event = decode_sealed(decoder);
    } else if (kind == static_cast<std::uint8_t>(EventKind::cycle_closed)) {
        event = decode_closed(decoder);
    } else if (kind == static_cast<std::uint8_t>(EventKind::leg_defaulted)) {
        event = decode_defaulted(decoder);
    } else {
        return std::nullopt;
    }
    return decoder.finished() ? std::optional{std::move(event)} : std::nullopt;
}

Hash Event::hash() const { return tagged_hash("tally/event/v1", encode()); }

}  // namespace tally
