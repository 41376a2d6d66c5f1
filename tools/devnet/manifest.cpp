#include "tools/devnet/manifest.h"

#include "ledger/base/posix_file_system.h"
#include "node/config/json_fields.h"
#include "node/config/json_text.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace tally::tools {

namespace json = boost::json;
using node::JsonFields;
using node::JsonProblems;

namespace {

constexpr std::uint64_t manifest_bytes_max{16UL * 1024 * 1024};
constexpr std::size_t items_max{10'000};

std::string manifest_path(const std::string& folder) { return folder + "/devnet.json"; }

json::object node_json(const DevnetNode& node) {
    return {{"member", node.member}, {"role", node.role},
            {"api", node.api},       {"data_dir", node.data_dir},
            {"config", node.config}, {"log", node.log},
            {"pid", node.pid}};
}

json::object charger_json(const DevnetCharger& charger) {
    json::array evses;
    for (const std::string& evse : charger.evse_ids) {
        evses.emplace_back(evse);
    }
    return {{"id", charger.id},
            {"password", charger.password},
            {"connectors", charger.connectors},
            {"rated_power_w", charger.rated_power_w},
            {"evse_ids", std::move(evses)}};
}

json::object bridge_json(const DevnetBridge& bridge) {
    json::array chargers;
    for (const DevnetCharger& charger : bridge.chargers) {
        chargers.emplace_back(charger_json(charger));
    }
    return {{"operator", bridge.operator_},
            {"ocpp", bridge.ocpp},
            {"api", bridge.api},
            {"data_dir", bridge.data_dir},
            {"config", bridge.config},
            {"log", bridge.log},
            {"pid", bridge.pid},
            {"chargers", std::move(chargers)}};
}

std::uint32_t read_u32(JsonFields& fields, std::string_view key) {
    return static_cast<std::uint32_t>(fields.integer(key, 0, 0xffff'ffffLL));
}

DevnetNode read_node(const json::value& value, JsonProblems& problems) {
    JsonFields fields{value, "nodes[]", problems};
    DevnetNode node;
    node.member = fields.text("member");
    node.role = fields.text("role");
    node.api = fields.text("api");
    node.data_dir = fields.text("data_dir");
    node.config = fields.text("config");
    node.log = fields.text("log");
    node.pid = static_cast<int>(fields.integer("pid", 0, 0x7fff'ffffLL));
    fields.finish();
    return node;
}

DevnetCharger read_charger(const json::value& value, JsonProblems& problems) {
    JsonFields fields{value, "bridges[].chargers[]", problems};
    DevnetCharger charger;
    charger.id = fields.text("id");
    charger.password = fields.text("password");
    charger.connectors = read_u32(fields, "connectors");
    charger.rated_power_w = read_u32(fields, "rated_power_w");
    for (const json::value& evse : fields.list("evse_ids", items_max)) {
        if (!evse.is_string()) {
            fields.problem("evse_ids", "must be a list of texts");
            break;
        }
        charger.evse_ids.emplace_back(evse.get_string());
    }
    if (charger.evse_ids.size() != charger.connectors) {
        fields.problem("evse_ids", "must name every connector");
    }
    fields.finish();
    return charger;
}

DevnetBridge read_bridge(const json::value& value, JsonProblems& problems) {
    JsonFields fields{value, "bridges[]", problems};
    DevnetBridge bridge;
    bridge.operator_ = fields.text("operator");
    bridge.ocpp = fields.text("ocpp");
    bridge.api = fields.text("api");
    bridge.data_dir = fields.text("data_dir");
    bridge.config = fields.text("config");
    bridge.log = fields.text("log");
    bridge.pid = static_cast<int>(fields.integer("pid", 0, 0x7fff'ffffLL));
    for (const json::value& charger : fields.list("chargers", items_max)) {
        bridge.chargers.push_back(read_charger(charger, problems));
    }
    fields.finish();
    return bridge;
}

DevnetCustomer read_customer(const json::value& value, JsonProblems& problems) {
    JsonFields fields{value, "customers[]", problems};
    DevnetCustomer customer{fields.text("home"), fields.text("token"), fields.text("balance")};
    fields.finish();
    return customer;
}

}  // namespace

Expected<Done, std::string> save_manifest(const std::string& folder,
                                          const DevnetManifest& manifest) {
    json::array nodes;
    for (const DevnetNode& node : manifest.nodes) {
        nodes.emplace_back(node_json(node));
    }
    json::array bridges;
    for (const DevnetBridge& bridge : manifest.bridges) {
        bridges.emplace_back(bridge_json(bridge));
    }
    json::array customers;
    for (const DevnetCustomer& customer : manifest.customers) {
        customers.emplace_back(json::object{
            {"home", customer.home}, {"token", customer.token}, {"balance", customer.balance}});
    }
    const json::object document{
        {"genesis", manifest.genesis},       {"currency", manifest.currency},
        {"nodes", std::move(nodes)},         {"bridges", std::move(bridges)},
        {"customers", std::move(customers)}, {"admin_token", manifest.admin_token}};
    PosixFileSystem files;
    const std::string text = json::serialize(document) + "\n";
    if (!files.write_whole(manifest_path(folder), as_bytes(text))) {
        return Unexpected{manifest_path(folder) + ": cannot be written"};
    }
    return Done{};
}

Expected<DevnetManifest, std::string> load_manifest(const std::string& folder) {
    const PosixFileSystem files;
    const std::string path = manifest_path(folder);
    const auto content = files.read(path, 0, manifest_bytes_max);
    if (!content) {
        return Unexpected{path + ": cannot be read; is there a devnet in " + folder + "?"};
    }
    const auto document = node::parse_json(as_text(*content));
    if (!document) {
        return Unexpected{path + ": " + document.error()};
    }
    JsonProblems problems;
    JsonFields fields{*document, "", problems};
    DevnetManifest manifest;
    manifest.genesis = fields.text("genesis");
    manifest.currency = fields.text("currency");
    for (const json::value& node : fields.list("nodes", items_max)) {
        manifest.nodes.push_back(read_node(node, problems));
    }
    for (const json::value& bridge : fields.list("bridges", items_max)) {
        manifest.bridges.push_back(read_bridge(bridge, problems));
    }
    for (const json::value& customer : fields.list("customers", items_max)) {
        manifest.customers.push_back(read_customer(customer, problems));
    }
    manifest.admin_token = fields.text("admin_token");
    fields.finish();
    if (problems.any()) {
        return Unexpected{path + ": " + problems.first()};
    }
    return manifest;
}

}  // namespace tally::tools
