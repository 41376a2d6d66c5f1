#pragma once

#include <optional>
#include <string>

namespace tally::tools {

/// What a development network is made of.
struct DevnetOptions {
    std::string folder;
    int operators{3};  ///< besides the hub
    int base_port{7000};
    /// Members that vote: the hub and the first operators; nothing: all of them.
    std::optional<int> validators;
    /// Operators, from the first on, that have a bridge with chargers; nothing: all of them.
    std::optional<int> bridges;
    int chargers{2};   ///< per bridge
    int customers{4};  ///< per operator; the first four try out balances and refusals
    /// Longest epoch in blocks; nothing: the default of a genesis.
    std::optional<int> epoch_blocks_max;
    /// False: everything is made, nothing is started and nothing registered on the ledger.
    bool start{true};
};

}  // namespace tally::tools
