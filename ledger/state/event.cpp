#include "ledger/state/event.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

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
    }
    return "unknown";
}

Bytes Event::encode() const {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(kind)).u8(static_cast<std::uint8_t>(cause));
    tally::encode(encoder, ref);
    encoder.fixed(debtor).fixed(creditor).fixed(currency).i64(amount);
    return std::move(encoder).take();
}

std::optional<Event> Event::decode(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t kind = decoder.u8();
    const std::uint8_t cause = decoder.u8();
    Event event;
    event.ref = decode_transaction_ref(decoder);
    event.debtor = decode_letters_or_zero<PartyId>(decoder);
    event.creditor = decode_letters_or_zero<PartyId>(decoder);
    event.currency = decode_letters_or_zero<Currency>(decoder);
    event.amount = decoder.i64();
    const bool kind_known = kind == static_cast<std::uint8_t>(EventKind::expired);
    const bool cause_known = cause >= static_cast<std::uint8_t>(ExpiryCause::not_started) &&
                             cause <= static_cast<std::uint8_t>(ExpiryCause::not_countersigned);
    if (!decoder.finished() || !kind_known || !cause_known || event.amount < 0) {
        return std::nullopt;
    }
    event.kind = EventKind{kind};
    event.cause = ExpiryCause{cause};
    return event;
}

Hash Event::hash() const { return tagged_hash("tally/event/v1", encode()); }

}  // namespace tally
