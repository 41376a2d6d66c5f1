#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/random.h"
#include "ledger/crypto/secp256k1.h"

#include <string>

namespace tally::tools {

/// The public halves of a member's three keys, as `public.json` holds them.
struct PublicKeys {
    PublicKey member;
    PublicKey consensus;
    PublicKey link;
};

/// Makes member.key, consensus.key, link.key (mode 0600) and public.json in `folder`, which is
/// created when missing. Never overwrites. The error names the file.
[[nodiscard]] Expected<PublicKeys, std::string> generate_member_keys(const std::string& folder,
                                                                     Random& random);
/// Makes bridge.key and public.json.
[[nodiscard]] Expected<PublicKey, std::string> generate_bridge_key(const std::string& folder,
                                                                   Random& random);
/// Reads the public.json of a member's keys.
[[nodiscard]] Expected<PublicKeys, std::string> load_public_keys(const std::string& path);

}  // namespace tally::tools
