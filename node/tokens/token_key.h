#pragma once

// Cards without a prefix (docs/protocol/tokens.md): the key that operators share and the hub does
// not have, and the keyed hash of a card under it.

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"
#include "ledger/base/random.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tally::node {

/// Longest card id, in characters (OCPP 2.0.1 idToken).
inline constexpr std::size_t token_card_bytes_max{36};
/// Shared keys that a node looks up under at once: the newest, and those on their way out.
inline constexpr std::size_t token_keys_max{3};

/// Upper-case form of a card id of 1 to `token_card_bytes_max` printable characters; nothing
/// otherwise. Cards compare case-insensitively (OCPP), so only this form is hashed, stored and
/// compared.
[[nodiscard]] std::optional<std::string> canonical_card(std::string_view text);

/// Names a shared key to those who do not have it.
using TokenKeyId = FixedBytes<8, struct TokenKeyIdTag>;
using SharedSecret = FixedBytes<32, struct SharedSecretTag>;
/// A card as the hub knows it.
using TokenHash = FixedBytes<16, struct TokenHashTag>;

struct SharedTokenKey {
    TokenKeyId id;  ///< first bytes of tagged_hash("tally/token-key/v1", secret)
    SharedSecret secret;
};

[[nodiscard]] SharedTokenKey shared_key_of(const SharedSecret& secret);
/// The one line of a key file, and what reads it; the error says what is wrong with the text.
[[nodiscard]] std::string to_line(const SharedTokenKey& key);
[[nodiscard]] Expected<SharedTokenKey, std::string> shared_key_from_line(std::string_view line);

/// HMAC-SHA-256(secret, "tally/token-hash/v1" | card), the first 16 bytes. `card` is canonical.
[[nodiscard]] TokenHash token_hash(const SharedTokenKey& key, std::string_view card);

}  // namespace tally::node
