#pragma once

#include "ledger/base/expected.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tally::tools {

struct DevnetNode {
    std::string member;
    std::string role;  ///< "hub" or "operator"
    std::string api;
    std::string data_dir;
    std::string config;
    std::string log;
    int pid{0};
};

struct DevnetCharger {
    std::string id;
    std::string password;
    std::uint32_t connectors{2};
    std::uint32_t rated_power_w{60'000};
    std::vector<std::string> evse_ids;  ///< by connector
};

struct DevnetBridge {
    std::string operator_;
    std::string ocpp;  ///< "ws://127.0.0.1:P/ocpp"; a charger's URL has "/" and its id behind
    std::string api;
    std::string data_dir;
    std::string config;
    std::string log;
    int pid{0};
    std::vector<DevnetCharger> chargers;
};

struct DevnetCustomer {
    std::string home;
    std::string token;
    std::string balance;
};

/// What runs in a development network and where, as `devnet.json` says it.
struct DevnetManifest {
    std::string genesis;
    std::string currency{"CNY"};
    std::vector<DevnetNode> nodes;
    std::vector<DevnetBridge> bridges;
    std::vector<DevnetCustomer> customers;
    std::string admin_token;
};

/// Writes `<folder>/devnet.json` as a whole, so that no reader ever sees half of it.
[[nodiscard]] Expected<Done, std::string> save_manifest(const std::string& folder,
                                                        const DevnetManifest& manifest);
[[nodiscard]] Expected<DevnetManifest, std::string> load_manifest(const std::string& folder);

}  // namespace tally::tools
