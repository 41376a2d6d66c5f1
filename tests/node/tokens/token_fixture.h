#pragma once

#include "node/tokens/token_messages.h"
#include "tests/support/ledger_fixture.h"

#include <initializer_list>
#include <vector>

namespace tally::node::test {

using tally::test::party;

inline TokenKeyId key_id(std::uint8_t octet) {
    TokenKeyId id;
    id.data.fill(octet);
    return id;
}

/// Hashes in the order of their numbers.
inline TokenHash hash_of(std::uint32_t number) {
    TokenHash hash;
    hash.data[0] = static_cast<std::uint8_t>(number >> 24);
    hash.data[1] = static_cast<std::uint8_t>(number >> 16);
    hash.data[2] = static_cast<std::uint8_t>(number >> 8);
    hash.data[3] = static_cast<std::uint8_t>(number);
    hash.data[15] = 1;
    return hash;
}

inline std::vector<TokenHash> hashes(std::initializer_list<std::uint32_t> numbers) {
    std::vector<TokenHash> list;
    for (const std::uint32_t number : numbers) {
        list.push_back(hash_of(number));
    }
    return list;
}

/// A whole set in one chunk.
inline TokenChunk whole(const TokenKeyId& key, std::uint64_t version,
                        std::initializer_list<std::uint32_t> numbers) {
    TokenChunk chunk;
    chunk.key = key;
    chunk.version = version;
    chunk.is_first = true;
    chunk.is_last = true;
    chunk.hashes = hashes(numbers);
    return chunk;
}

}  // namespace tally::node::test
