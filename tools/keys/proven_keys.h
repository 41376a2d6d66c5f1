#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/membership.h"
#include "node/config/json_fields.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tally::tools {

/// A key with the proof that its owner has the secret: it signs `key_possession_digest`.
[[nodiscard]] ProvenKey prove_key(const SecretKey& secret, const Hash& chain_id,
                                  const PartyId& party, KeyRole role);

/// Writes "<role>_key" and "<role>_possession".
void put_proven_key(boost::json::object& out, KeyRole role, const ProvenKey& key);
/// Reads both. A key that is none, or a signature that is not the key's for this party and chain,
/// is a problem that names the field.
[[nodiscard]] ProvenKey read_proven_key(node::JsonFields& fields, KeyRole role,
                                        const Hash& chain_id, const PartyId& party);

inline constexpr std::size_t proven_json_bytes_max{64UL * 1024};

/// New keys of a member that exists, on their way to whoever proposes the change: up to one for
/// each role, at least one.
struct ProvenKeys {
    PartyId party;
    Hash chain_id;
    std::optional<ProvenKey> member;
    std::optional<ProvenKey> consensus;
    std::optional<ProvenKey> link;
    friend bool operator==(const ProvenKeys&, const ProvenKeys&) = default;
};

/// Proves those of member.key, consensus.key and link.key that are in `folder`.
[[nodiscard]] Expected<ProvenKeys, std::string> prove_keys_in(const std::string& folder,
                                                              const Hash& chain_id,
                                                              const PartyId& party);
[[nodiscard]] std::string proven_keys_to_json(const ProvenKeys& keys);
/// Strict, like `read_proven_key`; without any key it is an error as well.
[[nodiscard]] Expected<ProvenKeys, std::string> proven_keys_from_json(std::string_view text);
/// Errors name the file.
[[nodiscard]] Expected<ProvenKeys, std::string> load_proven_keys(const std::string& path);

}  // namespace tally::tools
