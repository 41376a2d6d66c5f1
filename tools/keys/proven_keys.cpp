#include "tools/keys/proven_keys.h"

#include "node/config/json_text.h"
#include "node/runtime/key_file.h"
#include "tools/support/text_file.h"

#include <boost/json/serialize.hpp>

#include <filesystem>
#include <utility>

namespace tally::tools {

namespace json = boost::json;
using node::JsonFields;
using node::JsonProblems;

namespace {

std::string key_field(KeyRole role) { return std::string{to_text(role)} + "_key"; }
std::string possession_field(KeyRole role) { return std::string{to_text(role)} + "_possession"; }

std::optional<ProvenKey>& key_of(ProvenKeys& keys, KeyRole role) {
    switch (role) {
        case KeyRole::member:
            return keys.member;
        case KeyRole::consensus:
            return keys.consensus;
        case KeyRole::link:
            break;
    }
    return keys.link;
}

bool has_any(const ProvenKeys& keys) { return keys.member || keys.consensus || keys.link; }

}  // namespace

ProvenKey prove_key(const SecretKey& secret, const Hash& chain_id, const PartyId& party,
                    KeyRole role) {
    const PublicKey key = public_key_of(secret);
    return {key, sign_digest(secret, key_possession_digest(chain_id, party, role, key))};
}

void put_proven_key(json::object& out, KeyRole role, const ProvenKey& key) {
    out[key_field(role)] = to_hex(key.key);
    out[possession_field(role)] = to_hex(key.possession);
}

ProvenKey read_proven_key(JsonFields& fields, KeyRole role, const Hash& chain_id,
                          const PartyId& party) {
    ProvenKey proven;
    proven.key = fields.hex<PublicKey>(key_field(role));
    proven.possession = fields.hex<Signature>(possession_field(role));
    const std::optional<VerifyKey> key = VerifyKey::parse(proven.key);
    if (!key) {
        fields.problem(key_field(role), "must be a public key");
    } else if (!key->verify(key_possession_digest(chain_id, party, role, proven.key),
                            proven.possession)) {
        fields.problem(possession_field(role),
                       "must be the key's own signature for this party and chain");
    }
    return proven;
}

Expected<ProvenKeys, std::string> prove_keys_in(const std::string& folder, const Hash& chain_id,
                                                const PartyId& party) {
    ProvenKeys keys;
    keys.party = party;
    keys.chain_id = chain_id;
    for (const KeyRole role : key_roles) {
        const std::string path = folder + "/" + to_text(role) + ".key";
        if (!std::filesystem::exists(path)) {
            continue;
        }
        const auto secret = node::read_secret_key(path);
        if (!secret) {
            return Unexpected{secret.error().text};
        }
        key_of(keys, role) = prove_key(*secret, chain_id, party, role);
    }
    if (!has_any(keys)) {
        return Unexpected{folder + ": has none of member.key, consensus.key and link.key"};
    }
    return keys;
}

std::string proven_keys_to_json(const ProvenKeys& keys) {
    json::object out{{"party", to_text(keys.party)}, {"chain_id", to_hex(keys.chain_id)}};
    ProvenKeys copy = keys;
    for (const KeyRole role : key_roles) {
        if (const std::optional<ProvenKey>& key = key_of(copy, role)) {
            put_proven_key(out, role, *key);
        }
    }
    return json::serialize(out) + "\n";
}

Expected<ProvenKeys, std::string> proven_keys_from_json(std::string_view text) {
    if (text.size() > proven_json_bytes_max) {
        return Unexpected{std::string{"larger than 64 KiB"}};
    }
    const auto document = node::parse_json(text);
    if (!document) {
        return Unexpected{document.error()};
    }
    JsonProblems problems;
    JsonFields fields{*document, "", problems};
    ProvenKeys keys;
    const auto party = party_from_text(fields.text("party"));
    if (!party) {
        fields.problem("party", "must be three letters");
    }
    keys.party = party.value_or(PartyId{});
    keys.chain_id = fields.hex<Hash>("chain_id");
    for (const KeyRole role : key_roles) {
        if (fields.has(key_field(role)) || fields.has(possession_field(role))) {
            key_of(keys, role) = read_proven_key(fields, role, keys.chain_id, keys.party);
        }
    }
    fields.finish();
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    if (!has_any(keys)) {
        return Unexpected{std::string{"names no key"}};
    }
    return keys;
}

Expected<ProvenKeys, std::string> load_proven_keys(const std::string& path) {
    const auto content = read_text(path, proven_json_bytes_max);
    if (!content) {
        return Unexpected{content.error()};
    }
    auto keys = proven_keys_from_json(as_text(*content));
    if (!keys) {
        return Unexpected{path + ": " + keys.error()};
    }
    return keys;
}

}  // namespace tally::tools
