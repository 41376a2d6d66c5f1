#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/random.h"
#include "ledger/model/actions.h"
#include "ledger/model/genesis.h"
#include "tools/devnet/manifest.h"
#include "tools/devnet/options.h"
#include "tools/keys/key_set.h"

#include <string>
#include <vector>

namespace tally::tools {

inline constexpr int devnet_operators_max{20};
inline constexpr int devnet_ports_max{100};  ///< from the base port on
inline constexpr int devnet_connectors{2};
inline constexpr int devnet_chargers_max{2'000};   ///< per bridge
inline constexpr int devnet_customers_max{9'999};  ///< per operator

/// Where one program of the devnet is and what it listens on.
struct PlannedNode {
    PartyId party;
    bool is_hub{false};
    bool validator{true};
    std::string folder;
    int link_port{0};
    int api_port{0};
    PublicKeys keys;
};

struct PlannedBridge {
    PartyId party;
    std::string folder;
    int ocpp_port{0};
    int api_port{0};
    std::string bridge_id;
    PublicKey key;
    std::vector<DevnetCharger> chargers;
};

/// A development network on paper: names, folders, ports, keys. The hub comes first.
struct DevnetPlan {
    std::string folder;
    std::string admin_token;
    std::string evidence_token;  ///< of all bridges, for auditors
    std::vector<PlannedNode> nodes;
    std::vector<PlannedBridge> bridges;
    std::vector<DevnetCustomer> customers;
    Genesis genesis;
};

/// Makes folders, keys and the plan. Operators are AAA, BBB, CCC, ... The error says which file or
/// port is in the way.
[[nodiscard]] Expected<DevnetPlan, std::string> make_plan(const DevnetOptions& options,
                                                          UnixMillis now, Random& random);

/// Writes every file that the programs read: genesis, configurations, customers, tokens.
[[nodiscard]] Expected<Done, std::string> write_files(const DevnetPlan& plan);

/// The manifest before anything runs (process ids 0).
[[nodiscard]] DevnetManifest manifest_of(const DevnetPlan& plan);

/// The third customer of each operator is blocked, so that this refusal can be tried too.
[[nodiscard]] bool is_blocked_customer(const std::string& token);

/// What an operator puts on the ledger before it can serve: bridge, tariff, connectors.
[[nodiscard]] std::vector<Action> registrations(const PlannedBridge& bridge);

}  // namespace tally::tools
