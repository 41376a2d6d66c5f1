#include "node/config/node_config.h"

#include <set>
#include <utility>

namespace tally::node {

namespace {

PartyId read_party(const ConfigTable& table, std::string_view key) {
    const std::string text = table.text(key);
    const std::optional<PartyId> party = party_from_text(text);
    if (!party && !text.empty()) {
        table.problem(key, "must be three letters, but is \"" + text + "\"");
    }
    return party.value_or(PartyId{});
}

std::vector<PeerAddress> read_peers(const ConfigTable& root) {
    std::vector<PeerAddress> peers;
    std::set<PartyId> seen;
    for (const ConfigTable& table : root.tables("peer", peers_max)) {
        const PartyId member = read_party(table, "member");
        if (!member.is_zero() && !seen.insert(member).second) {
            table.problem("member", "is listed twice");
        }
        peers.push_back({member, table.host_port("address")});
    }
    return peers;
}

NodeConfig read(const ConfigTable& root) {
    NodeConfig config;
    config.member = read_party(root, "member");
    config.data_dir = root.path("data_dir");
    config.genesis_file = root.path("genesis");

    const ConfigTable keys = root.table("keys");
    config.member_key_file = keys.path("member");
    config.consensus_key_file = keys.path("consensus");
    config.link_key_file = keys.path("link");

    config.link_listen = root.table("link").host_port("listen");
    config.peers = read_peers(root);

    const ConfigTable api = root.table("api");
    config.api_listen = api.host_port("listen");
    config.api_token_file = api.path("token_file");

    config.customers_file = root.table("accounts").path("customers", std::string{});

    const ConfigTable log = root.table("log");
    config.log_level = log.choice("level", {"trace", "debug", "info", "warn", "error"}, "info");
    config.log_file = log.path("file", std::string{});

    const ConfigTable limits = root.table("limits");
    config.verify_threads = static_cast<std::size_t>(limits.integer("verify_threads", {1, 256}, 2));
    return config;
}

}  // namespace

Expected<NodeConfig, ConfigProblems> load_node_config(const std::string& path) {
    const Expected<ConfigReader, ConfigProblem> reader = ConfigReader::open(path);
    if (!reader) {
        return Unexpected{ConfigProblems{reader.error()}};
    }
    NodeConfig config = read(reader->root());
    ConfigProblems problems = reader->finish();
    if (!problems.empty()) {
        return Unexpected{std::move(problems)};
    }
    return config;
}

}  // namespace tally::node
