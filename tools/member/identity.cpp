#include "tools/member/identity.h"

#include "node/runtime/key_file.h"
#include "tools/support/json_api.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::tools {

namespace {

PublicKey key_in(const boost::json::value& item, const char* name) {
    return fixed_from_hex<PublicKey>(json_text(item, name)).value_or(PublicKey{});
}

Expected<node::NodeConfig, std::string> load_config(const std::string& path) {
    auto config = node::load_node_config(path);
    if (!config) {
        return Unexpected{config.error().front().text()};
    }
    return config.value();
}

/// The key in one of the two files, whichever the ledger names for the member.
Expected<SecretKey, std::string> named_key(const node::NodeConfig& config, const std::string& api) {
    const auto known = ask_member(api, config.member);
    if (!known) {
        return Unexpected{known.error()};
    }
    const auto current = node::read_secret_key(config.member_key_file);
    if (!current) {
        return Unexpected{current.error().text};
    }
    if (public_key_of(*current) == known->member_key) {
        return *current;
    }
    const auto next = node::read_secret_key(config.next_member_key_file);
    if (next && public_key_of(*next) == known->member_key) {
        return *next;
    }
    return Unexpected{config.member_key_file + ": is not the member key that the ledger names (" +
                      to_hex(known->member_key) + ")"};
}

Expected<Hash, std::string> ask_chain_id(const std::string& api) {
    const auto status = JsonApi{api, ""}.get("/api/v1/status");
    if (!status) {
        return Unexpected{status.error().text};
    }
    const auto chain_id = fixed_from_hex<Hash>(json_text(*status, "chain_id"));
    if (!chain_id) {
        return Unexpected{api + ": does not name its chain; is it a node?"};
    }
    return *chain_id;
}

Expected<SubmitAs, std::string> named_by_options(const IdentityOptions& options) {
    const auto member = party_from_text(options.member);
    if (!member) {
        return Unexpected{std::string{"--member: must be three letters (or give --config)"}};
    }
    if (options.key.empty()) {
        return Unexpected{std::string{"--key: is missing (or give --config)"}};
    }
    const auto key = node::read_secret_key(options.key);
    if (!key) {
        return Unexpected{key.error().text};
    }
    return SubmitAs{*member, *key, Hash{}, options.api};
}

}  // namespace

const PublicKey& KnownMember::key(KeyRole role) const {
    switch (role) {
        case KeyRole::member:
            return member_key;
        case KeyRole::consensus:
            return consensus_key;
        case KeyRole::link:
            return link_key;
    }
    return member_key;
}

Expected<NodeUrl, std::string> api_of(const IdentityOptions& options) {
    if (!options.api.empty()) {
        return NodeUrl{options.api};
    }
    if (options.config.empty()) {
        return Unexpected{std::string{"give --api URL or --config FILE"}};
    }
    const auto config = load_config(options.config);
    if (!config) {
        return Unexpected{config.error()};
    }
    const node::HostPort& listen = config->api_listen;
    const bool anywhere = listen.host == "0.0.0.0" || listen.host == "::";
    const std::string host = anywhere ? "127.0.0.1" : listen.host;
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return NodeUrl{"http://" + name + ":" + std::to_string(listen.port)};
}

Expected<Identity, std::string> identify(const IdentityOptions& options) {
    const auto url = api_of(options);
    if (!url) {
        return Unexpected{url.error()};
    }
    const std::string& api = url->text;
    Identity identity;
    if (options.config.empty()) {
        auto as = named_by_options(options);
        if (!as) {
            return Unexpected{as.error()};
        }
        identity.as = std::move(as).value();
    } else {
        auto config = load_config(options.config);
        if (!config) {
            return Unexpected{config.error()};
        }
        const auto key = named_key(*config, api);
        if (!key) {
            return Unexpected{key.error()};
        }
        identity.as = {config->member, *key, Hash{}, api};
        identity.config = std::move(config).value();
    }
    const auto chain_id = ask_chain_id(api);
    if (!chain_id) {
        return Unexpected{chain_id.error()};
    }
    identity.as.chain_id = *chain_id;
    identity.as.api = api;
    return identity;
}

Expected<KnownMember, std::string> ask_member(const std::string& api, const PartyId& party) {
    const auto members = JsonApi{api, ""}.get("/api/v1/members");
    if (!members) {
        return Unexpected{members.error().text};
    }
    for (const boost::json::value& item : json_items(*members)) {
        if (json_text(item, "party") != to_text(party)) {
            continue;
        }
        KnownMember known{key_in(item, "member_key"), key_in(item, "consensus_key"),
                          key_in(item, "link_key"), std::nullopt};
        const std::string now = json_text(item, "consensus_key_now");
        known.consensus_key_now = fixed_from_hex<PublicKey>(now);
        return known;
    }
    return Unexpected{to_text(party) + ": is not a member as far as " + api + " knows"};
}

}  // namespace tally::tools
