#pragma once

// What the encodings of state records share. Only .cpp files of this folder include it.

#include "ledger/base/codec.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

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

/// Count u32, then each item by `encode_item(item)`.
template <typename Item, typename EncodeItem>
void encode_list(Encoder& encoder, const std::vector<Item>& items, EncodeItem encode_item) {
    encoder.u32(static_cast<std::uint32_t>(items.size()));
    for (const Item& item : items) {
        encode_item(item);
    }
}

/// At most `count_max` items of `item_bytes_min` or more, each by `decode_item()`. Nothing is
/// allocated for a count that is too large.
template <typename DecodeItem>
[[nodiscard]] auto decode_list(Decoder& decoder, std::uint32_t count_max,
                               std::size_t item_bytes_min, DecodeItem decode_item) {
    std::vector<decltype(decode_item())> items;
    const std::uint32_t count = decoder.count(count_max, item_bytes_min);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        items.push_back(decode_item());
    }
    return items;
}

}  // namespace tally::record_codec
