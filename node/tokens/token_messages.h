#pragma once

// What operators and the hub say to each other about cards (docs/protocol/tokens.md). Plain values;
// the wire form is the fixed-width codec, inside a signed roaming message.

#include "ledger/base/expected.h"
#include "ledger/model/ids.h"
#include "node/tokens/token_key.h"

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace tally::node {

/// Hashes that one operator may have registered under one key.
inline constexpr std::uint64_t tokens_per_member_max{20'000'000};
/// Hashes in one chunk of a set or one change.
inline constexpr std::size_t token_chunk_max{3072};
/// Operators that a status names for one key, and keys that it names.
inline constexpr std::size_t token_parties_max{512};
inline constexpr std::size_t token_status_keys_max{16};

using LookupId = FixedBytes<16, struct TokenLookupIdTag>;

/// Operator -> hub: what have you of me?
struct TokenStatusRequest {
    friend bool operator==(const TokenStatusRequest&, const TokenStatusRequest&) = default;
};

/// What the hub has of one member under one key. A set is in force from its completion on; the
/// next one, under way, is apart from it.
struct TokenSetState {
    TokenKeyId key;
    std::uint64_t version{0};   ///< of the set in force; 0: none
    std::uint64_t sequence{0};  ///< of the last change taken on it
    std::uint64_t count{0};
    std::uint64_t next_version{0};  ///< of the set under way; 0: none
    std::uint64_t next_count{0};
    TokenHash next_last;  ///< its greatest hash so far
    friend bool operator==(const TokenSetState&, const TokenSetState&) = default;
};

/// Hub -> operator.
struct TokenStatus {
    struct Key {
        TokenKeyId key;
        std::vector<PartyId> parties;  ///< that have a set in force under it, rising
        friend bool operator==(const Key&, const Key&) = default;
    };
    std::vector<TokenSetState> own;
    std::vector<Key> keys;
    friend bool operator==(const TokenStatus&, const TokenStatus&) = default;
};

/// Operator -> hub: the next hashes of a whole set, strictly rising. The first chunk of a version
/// has `after` zero; every other one names the greatest hash sent so far, so that a set goes on
/// where the hub has it after any break.
struct TokenChunk {
    TokenKeyId key;
    std::uint64_t version{0};  ///< 1 or more, above that of the set in force
    TokenHash after;
    bool is_first{false};
    bool is_last{false};            ///< the set is whole and replaces the one in force
    std::vector<TokenKeyId> older;  ///< the sender's other keys, all older than `key`
    std::vector<TokenHash> hashes;  ///< empty only in a last chunk
    friend bool operator==(const TokenChunk&, const TokenChunk&) = default;
};

/// Operator -> hub: additions to and removals from the set in force.
struct TokenChange {
    TokenKeyId key;
    std::uint64_t version{0};
    std::uint64_t sequence{0};       ///< above the one before
    std::vector<TokenHash> added;    ///< strictly rising, as `removed`; no hash in both
    std::vector<TokenHash> removed;  ///< together 1 to `token_chunk_max`
    friend bool operator==(const TokenChange&, const TokenChange&) = default;
};

enum class TokenResult : std::uint8_t {
    taken = 1,        ///< durable at the hub
    out_of_step = 2,  ///< nothing was written; the state says where to go on
    too_many = 3,     ///< more than `tokens_per_member_max`, or keys than `token_keys_max`
    busy = 4,         ///< too fast: again a second later
};
[[nodiscard]] const char* to_text(TokenResult result);

/// Hub -> operator: answers a chunk or a change.
struct TokenReceipt {
    TokenResult result{TokenResult::taken};
    TokenSetState state;
    friend bool operator==(const TokenReceipt&, const TokenReceipt&) = default;
};

struct KeyedHash {
    TokenKeyId key;
    TokenHash hash;
    friend bool operator==(const KeyedHash&, const KeyedHash&) = default;
};

/// Operator -> hub: whose card is this? One card under each of the asker's keys, newest first.
struct TokenLookup {
    LookupId id;
    std::vector<KeyedHash> hashes;  ///< 1 to `token_keys_max`, of different keys
    friend bool operator==(const TokenLookup&, const TokenLookup&) = default;
};

enum class TokenFinding : std::uint8_t {
    found = 1,
    unknown = 2,
    ambiguous = 3,  ///< two operators have it: nobody is charged
    busy = 4,       ///< too many look-ups
};
[[nodiscard]] const char* to_text(TokenFinding finding);

/// Hub -> operator.
struct TokenAnswer {
    LookupId id;
    TokenFinding finding{TokenFinding::unknown};
    PartyId party;  ///< when found, else zero
    friend bool operator==(const TokenAnswer&, const TokenAnswer&) = default;
};

using TokenMessage = std::variant<TokenStatusRequest, TokenStatus, TokenChunk, TokenChange,
                                  TokenReceipt, TokenLookup, TokenAnswer>;

[[nodiscard]] Bytes encode_token_message(const TokenMessage& message);
/// Nothing unless the bytes are exactly what `encode_token_message` writes for a message within
/// all bounds above.
[[nodiscard]] std::optional<TokenMessage> decode_token_message(ByteView bytes);

/// For records that hold one as well.
void encode(Encoder& encoder, const TokenSetState& state);
[[nodiscard]] TokenSetState decode_token_set_state(Decoder& decoder);

}  // namespace tally::node
