#pragma once

// The files of one node: configuration, genesis, keys and the data folder. Everything here may fail
// because of what an operator wrote, so every error is a sentence with the file in it.

#include "ledger/base/file_system.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/features.h"
#include "ledger/model/genesis.h"
#include "node/config/node_config.h"
#include "node/tokens/token_key.h"

#include <string>
#include <vector>

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
    std::string evidence;   ///< LevelDB of what meters said of charges, by hash; not the hub's
    std::string tokens;     ///< cards without a prefix: the hub's register, an operator's own
};

/// The secret keys of a node, from the configured files. Those that come next: see KeyRing.
struct NodeKeys {
    SecretKey member;
    SecretKey consensus;
    SecretKey link;
};

/// Everything that is read before the data folder is touched.
struct NodeInputs {
    NodeConfig config;
    Genesis genesis;
    /// As the genesis has it; for one that joined later what its own files say, as a follower.
    Member member;
    bool joining{false};  ///< not in the genesis
    NodeKeys keys;
    std::vector<SharedTokenKey> token_keys;  ///< newest first
    std::string version{"unknown"};          ///< of the program, for metrics and the log
    /// Protocol features that the program can execute, rising.
    FeatureList known_features{tally::known_features.begin(), tally::known_features.end()};
};

/// Loads configuration, genesis and keys. Whether the keys are those of the member is for
/// `initialize_node` (by the genesis) and for the running node (by its ledger) to see.
[[nodiscard]] Expected<NodeInputs, StartError> load_inputs(const std::string& config_path);

enum class InitMode : std::uint8_t {
    first,       ///< the member never had a node on this chain
    after_loss,  ///< it had one: without a safety record it does not vote before the next epoch
};

/// `tallyd init`: makes the data folder with an empty ledger and, the first time, an empty safety
/// record. Refuses when there is a ledger already: the safety record of a validator must never be
/// made anew. `first` refuses keys that the genesis does not name for its member; after a loss the
/// member may have changed them since.
[[nodiscard]] Expected<Done, StartError> initialize_node(const NodeInputs& inputs,
                                                         FileSystem& files,
                                                         InitMode mode = InitMode::first);

}  // namespace tally::node
