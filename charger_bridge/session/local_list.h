#pragma once

// The operator's list of tokens that may charge while the bridge is cut off from the node, signed
// by a key of the operator. Pure text to value; docs/protocol/local-list.md has the format.

#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"
#include "ledger/base/expected.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t local_list_tokens_max{100'000};
inline constexpr std::size_t local_list_bytes_max{16UL * 1024 * 1024};

using LocalListSalt = FixedBytes<16, struct LocalListSaltTag>;

/// Who may charge, for how much, until when. Tokens are kept as HMAC-SHA256(salt, TOKEN): whoever
/// finds the file does not find card numbers in it, though numbers can be tried.
struct LocalList {
    PartyId party;  ///< the operator whose list it is
    Currency currency;
    UnixMillis valid_until{0};
    LocalListSalt salt;
    std::map<Hash, Money> limits;

    /// The limit of a token in upper case; nothing when it is not listed.
    [[nodiscard]] std::optional<Money> limit_of(std::string_view token) const;
};

/// A list as a file, signed.
[[nodiscard]] std::string make_local_list(const LocalList& list, const SecretKey& key);

/// The error says which line is wrong, or that the signature is not `key`'s. Nothing of a list
/// whose signature is wrong is given out.
[[nodiscard]] Expected<LocalList, std::string> read_local_list(std::string_view text,
                                                               const PublicKey& key);

}  // namespace tally::bridge
