#pragma once

// What the encodings of state records share. Only *records.cpp of this folder include it.

#include "ledger/base/codec.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>

namespace tally::record_codec {

inline constexpr std::uint8_t record_version{1};

[[nodiscard]] inline Encoder start_record() {
    Encoder encoder;
    encoder.u8(record_version);
    return encoder;
}

[[nodiscard]] inline Decoder open_record(ByteView bytes) {
    Decoder decoder{bytes};
    if (decoder.u8() != record_version) {
        decoder.fail();
    }
    return decoder;
}

/// What was read, when all of it was read and nothing is left over.
template <typename Record>
[[nodiscard]] std::optional<Record> finish(const Decoder& decoder, Record record) {
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return record;
}

template <typename Enum>
[[nodiscard]] Enum decode_enum(Decoder& decoder, Enum first, Enum last) {
    const std::uint8_t value = decoder.u8();
    if (value < static_cast<std::uint8_t>(first) || value > static_cast<std::uint8_t>(last)) {
        decoder.fail();
        return first;
    }
    return Enum{value};
}

/// Amounts, times and registers of the state are 0 or more.
[[nodiscard]] inline std::int64_t decode_natural(Decoder& decoder) {
    const std::int64_t value = decoder.i64();
    if (value < 0) {
        decoder.fail();
        return 0;
    }
    return value;
}

[[nodiscard]] inline PartyId decode_party(Decoder& decoder) {
    const PartyId party = decoder.fixed<PartyId>();
    if (!is_valid(party)) {
        decoder.fail();
    }
    return party;
}

[[nodiscard]] inline Currency decode_currency(Decoder& decoder) {
    const Currency currency = decoder.fixed<Currency>();
    if (!is_valid(currency)) {
        decoder.fail();
    }
    return currency;
}

}  // namespace tally::record_codec
