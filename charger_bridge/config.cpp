#include "charger_bridge/config.h"

#include "charger_bridge/config_meters.h"
#include "charger_bridge/config_upstream.h"
#include "charger_bridge/ocpp/credentials.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"
#include "node/runtime/key_file.h"

#include <set>
#include <utility>

namespace tally::bridge {

namespace {

using node::ConfigProblem;
using node::ConfigReader;
using node::ConfigTable;
using node::HostPort;
using Problems = std::vector<ConfigProblem>;

template <typename Fixed>
Fixed fixed_hex(const ConfigTable& table, const char* key) {
    const std::string text = table.text(key);
    const std::optional<Fixed> value = fixed_from_hex<Fixed>(text);
    if (!value && !text.empty()) {
        table.problem(key, "must be " + std::to_string(Fixed::size * 2) + " hexadecimal digits");
    }
    return value.value_or(Fixed{});
}

PublicKey public_key(const ConfigTable& table, const char* key) {
    const PublicKey value = fixed_hex<PublicKey>(table, key);
    const bool is_written = table.has(key) && fixed_from_hex<PublicKey>(table.text(key));
    if (is_written && !VerifyKey::parse(value)) {
        table.problem(key, "is not a compressed secp256k1 public key");
    }
    return value;
}

std::string name(const ConfigTable& table, const char* key, std::size_t bytes_max) {
    std::string text = table.text(key);
    if (!text.empty() && !is_valid_name(text, bytes_max)) {
        table.problem(key, "must be 1 to " + std::to_string(bytes_max) +
                               " printable ASCII characters without spaces");
    }
    return text;
}

bool is_password(std::size_t bytes) {
    return bytes >= password_bytes_min && bytes <= password_bytes_max;
}

Secret read_password_hex(const ConfigTable& table) {
    const std::optional<Bytes> bytes = from_hex(table.text("password_hex"));
    if (!bytes || !is_password(bytes->size())) {
        table.problem("password_hex",
                      "must be 32 to 128 hexadecimal digits, an even number (16 to 64 bytes)");
        return {};
    }
    return *bytes;
}

Secret read_password_hash(const ConfigTable& table) {
    const auto hash = password_hash_from_text(table.text("password_hash"));
    if (!hash) {
        table.problem("password_hash", "must be a line of `tally-bridge hash-password`");
        return {};
    }
    return *hash;
}

/// The secret of a station or rule; none where only certificates count.
Secret read_password(const ConfigTable& table, std::uint8_t profile_min) {
    const bool has_file = table.has("password_file");
    const bool has_hex = table.has("password_hex");
    const bool has_hash = table.has("password_hash");
    const int given = has_file + has_hex + has_hash + table.has("password");
    if (profile_min == profile_mutual) {
        if (given != 0) {
            table.problem("profile", "is 3: chargers come with a certificate, not a password");
        }
        return {};
    }
    if (given > 1) {
        table.problem("password", "is given more than once");
        return {};
    }
    if (has_hex || has_hash) {
        return has_hex ? read_password_hex(table) : read_password_hash(table);
    }
    std::string text;
    if (has_file) {
        const auto secret = node::read_secret_text(table.path("password_file"));
        if (!secret) {
            table.problem("password_file", secret.error().text);
            return {};
        }
        text = *secret;
    } else {
        text = table.text("password");
    }
    if (!is_password(text.size())) {
        table.problem(has_file ? "password_file" : "password",
                      "must be a password of 16 to 64 bytes, it has " +
                          std::to_string(text.size()) +
                          ": OCPP asks for 16 or more; give the charger a longer one first");
        return {};
    }
    return Bytes{text.begin(), text.end()};
}

std::uint16_t read_connectors(const ConfigTable& table) {
    return static_cast<std::uint16_t>(table.integer("connectors", {1, connectors_max}));
}

/// The lowest security profile a charger may come with. By default the one the listener has.
std::uint8_t read_profile(const ConfigTable& table, const BridgeConfig& config) {
    const bool has_tls = !config.tls.certificates.empty();
    const auto profile = static_cast<std::uint8_t>(table.integer(
        "profile", {profile_basic, profile_mutual}, has_tls ? profile_tls : profile_basic));
    if (profile >= profile_tls && !has_tls) {
        table.problem("profile", "needs [ocpp.tls]");
    } else if (profile == profile_mutual && config.tls.client_ca_file.empty()) {
        table.problem("profile", "needs client_ca_file in [ocpp.tls]");
    }
    return profile;
}

void read_chargers(const ConfigTable& root, BridgeConfig& config) {
    std::set<std::string> seen;
    for (const ConfigTable& table : root.tables("charger", chargers_max)) {
        ChargerConfig charger;
        charger.station.id = name(table, "id", station_id_bytes_max);
        charger.station.connectors = read_connectors(table);
        charger.profile_min = read_profile(table, config);
        charger.password = read_password(table, charger.profile_min);
        charger.meters = read_meters(table, charger.station.connectors);
        if (table.has("proxy")) {
            charger.is_proxied = table.boolean("proxy");
            if (charger.is_proxied && !config.upstream) {
                table.problem("proxy", "needs [upstream]");
            }
        }
        if (table.has("serial")) {
            charger.serial = name(table, "serial", certificate_name_bytes_max);
        }
        if (!charger.station.id.empty() && !seen.insert(charger.station.id).second) {
            table.problem("id", "is there twice");
        }
        config.chargers.push_back(std::move(charger));
    }
}

void read_admit_rules(const ConfigTable& root, BridgeConfig& config) {
    std::set<std::string> seen;
    for (const ConfigTable& table : root.tables("admit", admit_rules_max)) {
        const std::string text = table.text("id_pattern");
        const std::optional<IdPattern> pattern = IdPattern::from_text(text);
        if (!pattern) {
            table.problem("id_pattern",
                          "must be 1 to 64 printable ASCII characters without spaces; '*' (at most "
                          "4) stands for any run of characters, '?' for any one");
        } else if (!seen.insert(text).second) {
            table.problem("id_pattern", "is there twice");
        }
        StationAccess access;
        access.profile_min = read_profile(table, config);
        access.secret = read_password(table, access.profile_min);
        const std::uint16_t connectors = read_connectors(table);
        const auto count_max = static_cast<std::uint32_t>(
            table.integer("count_max", {1, static_cast<std::int64_t>(chargers_max)}));
        const bool is_held = table.boolean("hold", false);
        if (pattern) {
            config.admit.push_back({*pattern, connectors, count_max, std::move(access), is_held});
        }
    }
    if (config.chargers.empty() && config.admit.empty()) {
        root.problem("charger", "at least one [[charger]] or [[admit]] is needed");
    }
}

std::string read_token(const ConfigTable& table, const char* key) {
    const std::string path = table.path(key);
    if (path.empty()) {
        return {};
    }
    auto token = node::read_secret_text(path);
    if (!token) {
        table.problem(key, token.error().text);
        return {};
    }
    return std::move(token).value();
}

void read_tls(const ConfigTable& ocpp, BridgeConfig& config) {
    if (!ocpp.has("tls")) {
        return;
    }
    const ConfigTable tls = ocpp.table("tls");
    for (const std::string kind : {"ec", "rsa"}) {
        if (tls.has(kind + "_certificate_file") || tls.has(kind + "_key_file")) {
            config.tls.certificates.push_back(
                {tls.path(kind + "_certificate_file"), tls.path(kind + "_key_file")});
        }
    }
    config.tls.client_ca_file = tls.path("client_ca_file", "");
    config.tls.client_crl_file = tls.path("client_crl_file", "");
    config.organization = tls.text("client_organization", "");
    if (!config.tls.client_ca_file.empty() && config.organization.empty()) {
        tls.problem("client_organization", "is needed with client_ca_file");
    }
    if (config.tls.certificates.empty()) {
        tls.problem("ec_certificate_file", "or rsa_certificate_file is needed");
    } else if (const auto loaded = ServerTls::load(config.tls); !loaded) {
        tls.problem("ec_certificate_file", loaded.error());
    }
}

/// Where passwords would cross the network in the clear.
bool is_exposed(const HostPort& where) { return !where.host.empty() && !is_loopback(where.host); }

void read_ocpp_listeners(const ConfigTable& ocpp, BridgeConfig& config) {
    constexpr const char* exposed{
        "plain ws:// outside the loopback interface sends passwords in the clear: set up "
        "[ocpp.tls], or set insecure = true"};
    config.ocpp_listen = ocpp.host_port("listen");
    const bool insecure = ocpp.boolean("insecure", false);
    read_tls(ocpp, config);
    const bool has_tls = !config.tls.certificates.empty();
    if (!insecure && !has_tls && is_exposed(config.ocpp_listen)) {
        ocpp.problem("listen", exposed);
    }
    if (ocpp.has("plain_listen")) {
        config.plain_listen = ocpp.host_port("plain_listen");
        if (!has_tls) {
            ocpp.problem("plain_listen", "stands beside a listener with TLS: there is none");
        } else if (!insecure && is_exposed(*config.plain_listen)) {
            ocpp.problem("plain_listen", exposed);
        }
    }
}

void read_master(const ConfigTable& ocpp, BridgeConfig& config) {
    constexpr std::size_t id_token_bytes_max{36};
    for (const std::string& token : ocpp.texts("master_tokens", master_tokens_max)) {
        if (!is_valid_name(token, id_token_bytes_max)) {
            ocpp.problem("master_tokens", "must be 1 to 36 printable characters without spaces");
        }
        config.master.tokens.insert(upper_case(token));
    }
    config.master.group = ocpp.text("master_group", "MASTER");
    if (!is_valid_name(config.master.group, id_token_bytes_max)) {
        ocpp.problem("master_group", "must be 1 to 36 printable characters without spaces");
    }
}

void read_listeners(const ConfigTable& root, BridgeConfig& config) {
    const ConfigTable ocpp = root.table("ocpp");
    read_ocpp_listeners(ocpp, config);
    config.heartbeat_interval =
        std::chrono::seconds{ocpp.integer("heartbeat_interval_s", {5, 86'400}, 60)};
    config.clock_ahead_max =
        std::chrono::seconds{ocpp.integer("clock_ahead_max_s", {0, 366L * 86'400}, 300)};
    config.stop_delay =
        std::chrono::milliseconds{ocpp.integer("stop_delay_ms", {0, 300'000}, 5'000)};
    config.warn_percent = ocpp.integer("warn_percent", {0, 100}, 80);
    const std::string ignored = ocpp.choice("ignored_stop", {"none", "unlock", "reset"}, "none");
    config.ignored_stop = ignored == "unlock"  ? IgnoredStop::unlock
                          : ignored == "reset" ? IgnoredStop::reset
                                               : IgnoredStop::none;
    config.ignored_stop_after =
        std::chrono::seconds{ocpp.integer("ignored_stop_after_s", {10, 86'400}, 120)};
    config.stop_missing_after =
        std::chrono::seconds{ocpp.integer("stop_missing_after_s", {3'600, 259'200}, 86'400)};
    config.stop_missing_free =
        std::chrono::seconds{ocpp.integer("stop_missing_free_s", {60, 86'400}, 3'600)};
    read_master(ocpp, config);
    config.takes_certificate_requests = ocpp.boolean("certificate_requests", false);
    const ConfigTable api = root.table("api");
    config.api_listen = api.host_port("listen");
    config.api_token = read_token(api, "token_file");
    if (api.has("evidence_token_file")) {
        config.evidence_token = read_token(api, "evidence_token_file");
        if (!config.evidence_token.empty() && config.evidence_token == config.api_token) {
            api.problem("evidence_token_file", "must not hold the token of token_file");
        }
    }
}

Money read_amount(const ConfigTable& table, const char* key) {
    const std::string text = table.text(key);
    const std::optional<Money> amount = money_from_text(text);
    if (!text.empty() && (!amount || *amount <= 0 || *amount > amount_max)) {
        table.problem(key, "must be an amount above 0 with at most four decimals, as a text");
    }
    return amount.value_or(0);
}

void read_offline(const ConfigTable& root, BridgeConfig& config) {
    const ConfigTable table = root.table("offline");
    config.begin_back_max =
        std::chrono::seconds{table.integer("begin_back_max_s", {0, 86'400}, 270)};
    config.cut_off.is_limited = table.choice("mode", {"refuse", "limited"}, "refuse") == "limited";
    if (!config.cut_off.is_limited) {
        return;
    }
    config.cut_off.per_token = read_amount(table, "limit_per_token");
    config.cut_off.in_all = read_amount(table, "limit_in_all");
    config.local_list_file = table.path("list_file");
    config.local_list_key = public_key(table, "list_key");
}

void read_node(const ConfigTable& root, BridgeConfig& config) {
    const ConfigTable table = root.table("node");
    config.node_address = table.host_port("address");
    config.node_link_key = public_key(table, "link_key");
}

Expected<BridgeConfig, Problems> read_from(const ConfigReader& reader) {
    const ConfigTable root = reader.root();
    BridgeConfig config;
    config.data_dir = root.path("data_dir");
    config.bridge_id = name(root, "bridge_id", bridge_id_bytes_max);
    config.chain_id = fixed_hex<Hash>(root, "chain_id");
    config.utc_offset_minutes =
        static_cast<std::int16_t>(root.integer("utc_offset_minutes", {-840, 840}, 0));
    config.log_level =
        root.choice("log_level", {"trace", "debug", "info", "warn", "error"}, "info");
    const std::string key_path = root.path("key_file");
    if (!key_path.empty()) {
        const auto key = node::read_secret_key(key_path);
        if (key) {
            config.key = *key;
        } else {
            root.problem("key_file", key.error().text);
        }
    }
    read_listeners(root, config);
    read_node(root, config);
    read_offline(root, config);
    config.review_keep =
        std::chrono::seconds{root.table("review").integer("keep_s", {0, 259'200}, 3'600)};
    config.upstream = read_upstream(root);
    read_chargers(root, config);
    read_admit_rules(root, config);
    Problems problems = reader.finish();
    if (!problems.empty()) {
        return Unexpected{std::move(problems)};
    }
    return config;
}

}  // namespace

Expected<BridgeConfig, Problems> read_config(const std::string& path) {
    const auto reader = ConfigReader::open(path);
    if (!reader) {
        return Unexpected{Problems{reader.error()}};
    }
    return read_from(*reader);
}

Expected<BridgeConfig, Problems> parse_config(std::string_view text, const std::string& path) {
    const auto reader = ConfigReader::parse(text, path);
    if (!reader) {
        return Unexpected{Problems{reader.error()}};
    }
    return read_from(*reader);
}

}  // namespace tally::bridge
