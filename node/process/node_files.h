#pragma once

// The files of one node: configuration, genesis, keys and the data folder. Everything here may fail
// because of what an operator wrote, so every error is a sentence with the file in it.

#include "ledger/base/file_system.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/genesis.h"
#include "node/config/node_config.h"

#include <string>

namespace tally::node {

/// Why a node cannot be initialised or started, and the exit code that says so.
struct StartError {
    int exit_code{0};
    std::string text;
};

/// Folders below the data folder (docs/operators.md).
struct DataFolders {
    explicit DataFolders(const std::string& data_dir);
    std::string root;
    std::string lock;       ///< held by the running node
    std::string segments;   ///< finalized blocks
    std::string state;      ///< LevelDB of the flat state and indexes
    std::string consensus;  ///< journal and safety record
    std::string operator_;  ///< LevelDB of roaming and customers
    std::string backup;     ///< the hub's copy of live figures
};

/// The secret keys of a node, checked against the member's public ones.
struct NodeKeys {
    SecretKey member;
    SecretKey consensus;
    SecretKey link;
};

/// Everything that is read before the data folder is touched.
struct NodeInputs {
    NodeConfig config;
    Genesis genesis;
    Member member;
    NodeKeys keys;
    std::string version{"unknown"};  ///< of the program, for metrics and the log
};

/// Loads configuration, genesis and keys, and checks that they belong together.
[[nodiscard]] Expected<NodeInputs, StartError> load_inputs(const std::string& config_path);

/// `tallyd init`: makes the data folder with an empty ledger and an empty safety record. Refuses
/// when there is a ledger already: the safety record of a validator must never be made anew.
[[nodiscard]] Expected<Done, StartError> initialize_node(const NodeInputs& inputs,
                                                         FileSystem& files);

}  // namespace tally::node
