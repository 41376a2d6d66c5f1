#include "node/tokens/token_messages.h"

#include "ledger/base/overloaded.h"

#include <algorithm>

namespace tally::node {
namespace {

enum class Kind : std::uint8_t {
    status_request = 1,
    status = 2,
    chunk = 3,
    change = 4,
    receipt = 5,
    lookup = 6,
    answer = 7,
};

// ---- values to bytes

template <typename Fixed>
void write_list(Encoder& encoder, const std::vector<Fixed>& list) {
    encoder.u32(static_cast<std::uint32_t>(list.size()));
    for (const Fixed& item : list) {
        encoder.fixed(item);
    }
}

void write(Encoder& encoder, Kind kind) { encoder.u8(static_cast<std::uint8_t>(kind)); }

void write(Encoder& encoder, const TokenStatus& status) {
    encoder.u32(static_cast<std::uint32_t>(status.own.size()));
    for (const TokenSetState& state : status.own) {
        encode(encoder, state);
    }
    encoder.u32(static_cast<std::uint32_t>(status.keys.size()));
    for (const TokenStatus::Key& key : status.keys) {
        encoder.fixed(key.key);
        write_list(encoder, key.parties);
    }
}

void write(Encoder& encoder, const TokenChunk& chunk) {
    encoder.fixed(chunk.key).u64(chunk.version).fixed(chunk.after);
    encoder.boolean(chunk.is_first).boolean(chunk.is_last);
    write_list(encoder, chunk.older);
    write_list(encoder, chunk.hashes);
}

void write(Encoder& encoder, const TokenChange& change) {
    encoder.fixed(change.key).u64(change.version).u64(change.sequence);
    write_list(encoder, change.added);
    write_list(encoder, change.removed);
}

void write(Encoder& encoder, const TokenLookup& lookup) {
    encoder.fixed(lookup.id).u32(static_cast<std::uint32_t>(lookup.hashes.size()));
    for (const KeyedHash& entry : lookup.hashes) {
        encoder.fixed(entry.key).fixed(entry.hash);
    }
}

// ---- bytes to values

template <typename Fixed>
std::vector<Fixed> read_list(Decoder& decoder, std::size_t count_max) {
    const std::uint32_t count = decoder.count(static_cast<std::uint32_t>(count_max), Fixed::size);
    std::vector<Fixed> list;
    list.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        list.push_back(decoder.fixed<Fixed>());
    }
    return list;
}

template <typename Enum>
Enum read_enum(Decoder& decoder, Enum last) {
    const std::uint8_t number = decoder.u8();
    if (number == 0 || number > static_cast<std::uint8_t>(last)) {
        decoder.fail();
        return last;
    }
    return static_cast<Enum>(number);
}

void require(Decoder& decoder, bool holds) {
    if (!holds) {
        decoder.fail();
    }
}

template <typename Item>
bool is_rising(const std::vector<Item>& list) {
    return std::adjacent_find(list.begin(), list.end(), std::greater_equal<>{}) == list.end();
}

bool are_distinct(std::vector<TokenKeyId> keys) {
    std::sort(keys.begin(), keys.end());
    return is_rising(keys);
}

TokenStatus read_status(Decoder& decoder) {
    TokenStatus status;
    constexpr auto keys_max = static_cast<std::uint32_t>(token_status_keys_max);
    const std::uint32_t own = decoder.count(keys_max, TokenKeyId::size);
    for (std::uint32_t i = 0; i < own && decoder.ok(); ++i) {
        status.own.push_back(decode_token_set_state(decoder));
    }
    const std::uint32_t keys = decoder.count(keys_max, TokenKeyId::size);
    for (std::uint32_t i = 0; i < keys && decoder.ok(); ++i) {
        TokenStatus::Key key;
        key.key = decoder.fixed<TokenKeyId>();
        key.parties = read_list<PartyId>(decoder, token_parties_max);
        const bool valid = std::all_of(key.parties.begin(), key.parties.end(),
                                       [](const PartyId& party) { return is_valid(party); });
        require(decoder, valid && is_rising(key.parties));
        status.keys.push_back(std::move(key));
    }
    return status;
}

TokenChunk read_chunk(Decoder& decoder) {
    TokenChunk chunk;
    chunk.key = decoder.fixed<TokenKeyId>();
    chunk.version = decoder.u64();
    chunk.after = decoder.fixed<TokenHash>();
    chunk.is_first = decoder.boolean();
    chunk.is_last = decoder.boolean();
    chunk.older = read_list<TokenKeyId>(decoder, token_keys_max - 1);
    chunk.hashes = read_list<TokenHash>(decoder, token_chunk_max);
    std::vector<TokenKeyId> keys = chunk.older;
    keys.push_back(chunk.key);
    require(decoder, chunk.version > 0 && are_distinct(std::move(keys)));
    require(decoder, is_rising(chunk.hashes) && (chunk.is_last || !chunk.hashes.empty()));
    require(decoder, !chunk.is_first || chunk.after.is_zero());
    require(decoder, chunk.is_first || chunk.hashes.empty() || chunk.after < chunk.hashes.front());
    return chunk;
}

TokenChange read_change(Decoder& decoder) {
    TokenChange change;
    change.key = decoder.fixed<TokenKeyId>();
    change.version = decoder.u64();
    change.sequence = decoder.u64();
    change.added = read_list<TokenHash>(decoder, token_chunk_max);
    change.removed = read_list<TokenHash>(decoder, token_chunk_max);
    const std::size_t count = change.added.size() + change.removed.size();
    require(decoder, change.version > 0 && change.sequence > 0);
    require(decoder, count > 0 && count <= token_chunk_max);
    require(decoder, is_rising(change.added) && is_rising(change.removed));
    std::vector<TokenHash> both;
    std::set_intersection(change.added.begin(), change.added.end(), change.removed.begin(),
                          change.removed.end(), std::back_inserter(both));
    require(decoder, both.empty());
    return change;
}

TokenLookup read_lookup(Decoder& decoder) {
    TokenLookup lookup;
    lookup.id = decoder.fixed<LookupId>();
    const std::uint32_t count = decoder.count(static_cast<std::uint32_t>(token_keys_max),
                                              TokenKeyId::size + TokenHash::size);
    std::vector<TokenKeyId> keys;
    for (std::uint32_t i = 0; i < count; ++i) {
        KeyedHash entry;
        entry.key = decoder.fixed<TokenKeyId>();
        entry.hash = decoder.fixed<TokenHash>();
        keys.push_back(entry.key);
        lookup.hashes.push_back(entry);
    }
    require(decoder, count > 0 && are_distinct(std::move(keys)));
    return lookup;
}

TokenAnswer read_answer(Decoder& decoder) {
    TokenAnswer answer;
    answer.id = decoder.fixed<LookupId>();
    answer.finding = read_enum(decoder, TokenFinding::busy);
    answer.party = decoder.fixed<PartyId>();
    const bool found = answer.finding == TokenFinding::found;
    require(decoder, found ? is_valid(answer.party) : answer.party.is_zero());
    return answer;
}

TokenMessage read_message(Decoder& decoder) {
    switch (read_enum(decoder, Kind::answer)) {
        case Kind::status_request:
            return TokenStatusRequest{};
        case Kind::status:
            return read_status(decoder);
        case Kind::chunk:
            return read_chunk(decoder);
        case Kind::change:
            return read_change(decoder);
        case Kind::receipt: {
            const TokenResult result = read_enum(decoder, TokenResult::busy);
            return TokenReceipt{.result = result, .state = decode_token_set_state(decoder)};
        }
        case Kind::lookup:
            return read_lookup(decoder);
        case Kind::answer:
            return read_answer(decoder);
    }
    return TokenStatusRequest{};
}

}  // namespace

const char* to_text(TokenResult result) {
    switch (result) {
        case TokenResult::taken:
            return "taken";
        case TokenResult::out_of_step:
            return "out_of_step";
        case TokenResult::too_many:
            return "too_many";
        case TokenResult::busy:
            return "busy";
    }
    return "?";
}

const char* to_text(TokenFinding finding) {
    switch (finding) {
        case TokenFinding::found:
            return "found";
        case TokenFinding::unknown:
            return "unknown";
        case TokenFinding::ambiguous:
            return "ambiguous";
        case TokenFinding::busy:
            return "busy";
    }
    return "?";
}

void encode(Encoder& encoder, const TokenSetState& state) {
    encoder.fixed(state.key).u64(state.version).u64(state.sequence).u64(state.count);
    encoder.u64(state.next_version).u64(state.next_count).fixed(state.next_last);
}

TokenSetState decode_token_set_state(Decoder& decoder) {
    TokenSetState state;
    state.key = decoder.fixed<TokenKeyId>();
    state.version = decoder.u64();
    state.sequence = decoder.u64();
    state.count = decoder.u64();
    state.next_version = decoder.u64();
    state.next_count = decoder.u64();
    state.next_last = decoder.fixed<TokenHash>();
    return state;
}

Bytes encode_token_message(const TokenMessage& message) {
    Encoder encoder;
    std::visit(Overloaded{
                   [&](const TokenStatusRequest&) { write(encoder, Kind::status_request); },
                   [&](const TokenStatus& status) {
                       write(encoder, Kind::status);
                       write(encoder, status);
                   },
                   [&](const TokenChunk& chunk) {
                       write(encoder, Kind::chunk);
                       write(encoder, chunk);
                   },
                   [&](const TokenChange& change) {
                       write(encoder, Kind::change);
                       write(encoder, change);
                   },
                   [&](const TokenReceipt& receipt) {
                       write(encoder, Kind::receipt);
                       encoder.u8(static_cast<std::uint8_t>(receipt.result));
                       encode(encoder, receipt.state);
                   },
                   [&](const TokenLookup& lookup) {
                       write(encoder, Kind::lookup);
                       write(encoder, lookup);
                   },
                   [&](const TokenAnswer& answer) {
                       write(encoder, Kind::answer);
                       encoder.fixed(answer.id).u8(static_cast<std::uint8_t>(answer.finding));
                       encoder.fixed(answer.party);
                   },
               },
               message);
    return std::move(encoder).take();
}

std::optional<TokenMessage> decode_token_message(ByteView bytes) {
    Decoder decoder{bytes};
    TokenMessage message = read_message(decoder);
    return decoder.finished() ? std::optional{std::move(message)} : std::nullopt;
}

}  // namespace tally::node
