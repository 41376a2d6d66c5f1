// The files that the programs of a devnet read.

#include "node/config/genesis_json.h"
#include "node/runtime/key_file.h"
#include "tools/devnet/plan.h"
#include "tools/support/text_file.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string local(int port) { return quoted("127.0.0.1:" + std::to_string(port)); }

std::string node_toml(const DevnetPlan& plan, const PlannedNode& node) {
    std::string text = "member = " + quoted(to_text(node.party)) +
                       "\n"
                       "data_dir = \"data\"\n"
                       "genesis = \"../genesis.json\"\n\n"
                       "[keys]\n"
                       "member = \"keys/member.key\"\n"
                       "consensus = \"keys/consensus.key\"\n"
                       "link = \"keys/link.key\"\n\n"
                       "[link]\n"
                       "listen = " +
                       local(node.link_port) +
                       "\n\n"
                       "[api]\n"
                       "listen = " +
                       local(node.api_port) +
                       "\n"
                       "token_file = \"api.token\"\n\n";
    if (!node.is_hub) {
        text += "[accounts]\ncustomers = \"customers.json\"\n\n";
    }
    for (const PlannedNode& peer : plan.nodes) {
        if (peer.party != node.party) {
            text += "[[peer]]\nmember = " + quoted(to_text(peer.party)) +
                    "\naddress = " + local(peer.link_port) + "\n\n";
        }
    }
    return text;
}

std::string customers_json(const DevnetPlan& plan, const std::string& home) {
    json::array customers;
    for (const DevnetCustomer& customer : plan.customers) {
        if (customer.home == home) {
            customers.emplace_back(
                json::object{{"token", customer.token},
                             {"currency", "CNY"},
                             {"balance", customer.balance},
                             {"status", is_blocked_customer(customer.token) ? "blocked" : "active"},
                             {"maximum_approval", "200.00"},
                             {"concurrent_charges", 10}});
        }
    }
    return json::serialize(json::object{{"customers", std::move(customers)}}) + "\n";
}

const PlannedNode& node_of(const DevnetPlan& plan, const PartyId& party) {
    for (const PlannedNode& node : plan.nodes) {
        if (node.party == party) {
            return node;
        }
    }
    ENSURE(false);
    return plan.nodes.front();
}

std::string bridge_toml(const DevnetPlan& plan, const PlannedBridge& bridge) {
    const PlannedNode& node = node_of(plan, bridge.party);
    std::string text =
        "bridge_id = " + quoted(bridge.bridge_id) +
        "\n"
        "key_file = \"keys/bridge.key\"\n"
        "data_dir = \"data\"\n"
        "chain_id = " +
        quoted(to_hex(plan.genesis.chain_id())) +
        "\n"
        "utc_offset_minutes = 480\n\n"
        "[node]\n"
        "address = " +
        local(node.link_port) + "\nlink_key = " + quoted(to_hex(node.keys.link)) +
        "\n\n[ocpp]\nlisten = " + local(bridge.ocpp_port) +
        "\nclock_ahead_max_s = 2592000\n\n[api]\nlisten = " + local(bridge.api_port) +
        "\ntoken_file = \"api.token\"\nevidence_token_file = \"evidence.token\"\n\n";
    for (const DevnetCharger& charger : bridge.chargers) {
        text += "[[charger]]\nid = " + quoted(charger.id) +
                "\npassword = " + quoted(charger.password) +
                "\nconnectors = " + std::to_string(charger.connectors) + "\n\n";
    }
    return text;
}

Expected<Done, std::string> write_token(const std::string& path, const std::string& token) {
    const auto written = node::write_new_secret_text(path, token);
    if (!written) {
        return Unexpected{written.error().text};
    }
    return Done{};
}

/// The first error of several results that were all computed; the files are independent.
Expected<Done, std::string> all_of(std::vector<Expected<Done, std::string>> results) {
    for (const Expected<Done, std::string>& result : results) {
        if (!result) {
            return Unexpected{result.error()};
        }
    }
    return Done{};
}

}  // namespace

Expected<Done, std::string> write_files(const DevnetPlan& plan) {
    std::vector<Expected<Done, std::string>> results;
    results.push_back(
        write_text(plan.folder + "/genesis.json", node::genesis_to_json(plan.genesis)));
    for (const PlannedNode& node : plan.nodes) {
        results.push_back(write_text(node.folder + "/node.toml", node_toml(plan, node)));
        results.push_back(
            write_text(node.folder + "/customers.json", customers_json(plan, to_text(node.party))));
        results.push_back(write_token(node.folder + "/api.token", plan.admin_token));
    }
    for (const PlannedBridge& bridge : plan.bridges) {
        results.push_back(write_text(bridge.folder + "/bridge.toml", bridge_toml(plan, bridge)));
        results.push_back(write_token(bridge.folder + "/api.token", plan.admin_token));
        results.push_back(write_token(bridge.folder + "/evidence.token", plan.evidence_token));
    }
    return all_of(std::move(results));
}

}  // namespace tally::tools
