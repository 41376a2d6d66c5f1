#pragma once

#include "charger_bridge/server/password_hash.h"
#include "ledger/base/bytes.h"

#include <optional>
#include <vector>

namespace tally::bridge {

/// Keys of one charger that were made and of which none has been used yet, at most.
inline constexpr std::size_t keys_made_max{8};

/// The keys that the bridge made for one charger, as salted hashes, beside the configured password.
///
/// A key has 160 random bits, so one round of HMAC keeps it; the clear key is nowhere on disk. Keys
/// are valid from the moment they are stored, which is before they are sent; the use of one ends
/// those before it, the configured password included. So whatever was lost on the way, the charger
/// holds a key that is valid. Pure.
struct KeyRing {
    Salt salt;
    /// Of the configured password (or its hash): a change in the configuration is seen by it.
    Hash configured_print;
    bool configured_valid{true};
    /// The operator has set another password since: it is the newest key, not the oldest.
    bool configured_newest{false};
    std::vector<Hash> made;  ///< oldest first
    friend bool operator==(const KeyRing&, const KeyRing&) = default;

    [[nodiscard]] Hash hash_of(ByteView password) const;
    /// Ends what is older than `made[index]`. False when nothing changes.
    bool use_made(std::size_t index);
    /// Ends what is older than the configured password. False when nothing changes.
    bool use_configured();
    /// Removes a key that the charger surely did not take.
    void drop(const Hash& key);
};

[[nodiscard]] Bytes encode_key_ring(const KeyRing& ring);
[[nodiscard]] std::optional<KeyRing> decode_key_ring(ByteView bytes);

}  // namespace tally::bridge
