#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/random.h"
#include "node/config/node_config.h"
#include "tools/join/admission.h"

#include <string>
#include <string_view>
#include <vector>

namespace tally::tools {

/// What a new operator says about itself.
struct JoinOptions {
    std::string party;
    std::string country;
    std::string operator_id;  ///< T/CEC OperatorID, or empty
    std::string genesis;      ///< file of the network
    std::vector<std::string> peers;
    std::string link_listen{"0.0.0.0:7001"};
    std::string api_listen{"127.0.0.1:7002"};
    std::string folder;
};

/// "HUB=host:port", or "HUB=host:port@<66 hexadecimal digits>" for a member whose link key is not
/// the one of the genesis any more.
[[nodiscard]] Expected<node::PeerAddress, std::string> peer_from_text(std::string_view text);

/// Makes everything a new operator needs in `folder`: keys/, tallyd.toml, genesis.json, api.token
/// and admission.json, the request to the hub. Nothing is overwritten; an error names the option or
/// the file.
[[nodiscard]] Expected<Admission, std::string> make_join_folder(const JoinOptions& options,
                                                                Random& random);

}  // namespace tally::tools
