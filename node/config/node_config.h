#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/ids.h"
#include "node/runtime/config_reader.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tally::node {

inline constexpr std::size_t peers_max{512};

/// Where another member's node listens for links.
struct PeerAddress {
    PartyId member;
    HostPort address;
};

/// Everything `tallyd` is told by its TOML file. Relative paths are taken from the file's folder.
/// The keys and their meaning are in docs/operators.md.
struct NodeConfig {
    PartyId member;
    std::string data_dir;
    std::string genesis_file;

    std::string member_key_file;
    std::string consensus_key_file;
    std::string link_key_file;

    HostPort link_listen;
    std::vector<PeerAddress> peers;

    HostPort api_listen;
    std::string api_token_file;  ///< one line: the bearer token of the operator's own programs

    std::string customers_file;  ///< JSON list imported at start; empty: none

    std::string log_level{"info"};
    std::string log_file;  ///< empty: standard error

    std::size_t verify_threads{2};
};

/// Every problem found in the file, in its order. Callers print each one's text and exit with
/// `exit_config`.
using ConfigProblems = std::vector<ConfigProblem>;

[[nodiscard]] Expected<NodeConfig, ConfigProblems> load_node_config(const std::string& path);

}  // namespace tally::node
