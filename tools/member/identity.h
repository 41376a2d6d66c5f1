#pragma once

#include "node/config/node_config.h"
#include "tools/submit/submitter.h"

#include <optional>
#include <string>

namespace tally::tools {

/// How the command line says who acts: a node's configuration, or its parts one by one.
struct IdentityOptions {
    std::string config;  ///< tallyd's TOML file
    std::string member;
    std::string key;  ///< the member's secret key file
    std::string api;
};

/// Who acts, through which node.
struct Identity {
    SubmitAs as;
    std::optional<node::NodeConfig> config;
};

struct NodeUrl {
    std::string text;
};
/// --api, else where the configuration has the node listen.
[[nodiscard]] Expected<NodeUrl, std::string> api_of(const IdentityOptions& options);

/// Reads what is named and asks the node for the chain. With a configuration, of the member's key
/// file and the one beside it the key is taken that the ledger names.
[[nodiscard]] Expected<Identity, std::string> identify(const IdentityOptions& options);

/// A member as GET /api/v1/members shows it.
struct KnownMember {
    PublicKey member_key;
    PublicKey consensus_key;
    PublicKey link_key;
    std::optional<PublicKey> consensus_key_now;  ///< while it votes
    [[nodiscard]] const PublicKey& key(KeyRole role) const;
};
[[nodiscard]] Expected<KnownMember, std::string> ask_member(const std::string& api,
                                                            const PartyId& party);

}  // namespace tally::tools
