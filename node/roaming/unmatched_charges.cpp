#include "node/roaming/unmatched_charges.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <optional>
#include <utility>

namespace tally::node {
namespace {

// Keys: 'R', 'u', the name.
const Bytes key_prefix{'R', 'u'};
constexpr std::uint8_t record_version{1};

Bytes key_of(const Hash& name) {
    Encoder encoder;
    encoder.raw(key_prefix).fixed(name);
    return std::move(encoder).take();
}

/// The same after a bridge gave it another sequence number.
Hash name_of(ChargeEnded ended) {
    ended.sequence = 0;
    return sha256(encode_bridge_message(std::move(ended)));
}

Bytes encode(const UnmatchedCharges::Charge& charge) {
    Encoder encoder;
    encoder.u8(record_version).u8(static_cast<std::uint8_t>(charge.reason)).i64(charge.heard);
    encoder.text(charge.bridge_id).var_bytes(encode_bridge_message(charge.ended));
    return std::move(encoder).take();
}

std::optional<UnmatchedCharges::Charge> decode(ByteView bytes) {
    Decoder decoder{bytes};
    const bool is_known = decoder.u8() == record_version;
    UnmatchedCharges::Charge charge;
    const std::uint8_t reason = decoder.u8();
    charge.reason = static_cast<UnmatchedReason>(reason);
    charge.heard = decoder.i64();
    charge.bridge_id = decoder.text(bridge_id_bytes_max);
    const auto message = decode_bridge_message(decoder.var_bytes(bridge_frame_bytes_max));
    const auto* const ended = message ? std::get_if<ChargeEnded>(&*message) : nullptr;
    if (!is_known || reason == 0 ||
        reason > static_cast<std::uint8_t>(UnmatchedReason::bad_record) || !decoder.finished() ||
        ended == nullptr) {
        return std::nullopt;
    }
    charge.ended = *ended;
    return charge;
}

}  // namespace

const char* to_text(UnmatchedReason reason) {
    switch (reason) {
        case UnmatchedReason::unknown_charge:
            return "unknown_charge";
        case UnmatchedReason::another_record:
            return "another_record";
        case UnmatchedReason::bad_record:
            return "bad_record";
    }
    return "unknown";
}

void UnmatchedCharges::load() {
    for (const auto& entry : m_store.scan(key_prefix, key_prefix, unmatched_charges_max)) {
        auto charge = decode(entry.value);
        ENSURE(charge.has_value());
        const Hash name = name_of(charge->ended);
        m_charges.emplace(name, std::move(*charge));
    }
}

bool UnmatchedCharges::keep(const Charge& charge) {
    const Hash name = name_of(charge.ended);
    if (m_charges.contains(name)) {
        return true;
    }
    if (m_charges.size() >= unmatched_charges_max) {
        return false;
    }
    m_store.put(key_of(name), encode(charge));
    m_charges.emplace(name, charge);
    return true;
}

bool UnmatchedCharges::forget(const Hash& name) {
    if (m_charges.erase(name) == 0) {
        return false;
    }
    m_store.erase(key_of(name));
    return true;
}

}  // namespace tally::node
