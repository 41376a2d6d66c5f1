#include "charger_bridge/config.h"

#include "charger_bridge/config_meters.h"
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

bool is_loopback(const std::string& host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

template <typename Fixed>
Fixed fixed_hex(const ConfigTable& table, const char* key) {
    const std::string text = table.text(key);
    const std::optional<Fixed> value = fixed_from_hex<Fixed>(text);
    if (!value && !text.empty()) {
        table.problem(key, "must be " + std::to_string(Fixed::size * 2) + " hexadecimal digits");
    }
    return value.value_or(Fixed{});
}

std::string name(const ConfigTable& table, const char* key, std::size_t bytes_max) {
    std::string text = table.text(key);
    if (!text.empty() && !is_valid_name(text, bytes_max)) {
        table.problem(key, "must be 1 to " + std::to_string(bytes_max) +
                               " printable ASCII characters without spaces");
    }
    return text;
}

Bytes read_password(const ConfigTable& table) {
    if (table.has("password_hex")) {
        const std::string text = table.text("password_hex");
        const std::optional<Bytes> bytes = from_hex(text);
        if (!bytes || bytes->empty() || bytes->size() > password_bytes_max) {
            table.problem("password_hex", "must be 2 to 128 hexadecimal digits, an even number");
            return {};
        }
        return *bytes;
    }
    std::string text;
    if (table.has("password_file")) {
        const std::string path = table.path("password_file");
        const auto secret = node::read_secret_text(path);
        if (!secret) {
            table.problem("password_file", secret.error().text);
            return {};
        }
        text = *secret;
    } else {
        text = table.text("password");
    }
    if (text.empty() || text.size() > password_bytes_max) {
        table.problem("password", "must be 1 to 64 bytes");
    }
    return {text.begin(), text.end()};
}

void read_chargers(const ConfigTable& root, BridgeConfig& config) {
    std::set<std::string> seen;
    for (const ConfigTable& table : root.tables("charger", chargers_max)) {
        ChargerConfig charger;
        charger.station.id = name(table, "id", station_id_bytes_max);
        charger.station.connectors =
            static_cast<std::uint16_t>(table.integer("connectors", {1, connectors_max}));
        charger.password = read_password(table);
        charger.meters = read_meters(table, charger.station.connectors);
        if (!charger.station.id.empty() && !seen.insert(charger.station.id).second) {
            table.problem("id", "is there twice");
        }
        config.chargers.push_back(std::move(charger));
    }
    if (config.chargers.empty()) {
        root.problem("charger", "at least one [[charger]] is needed");
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

void read_listeners(const ConfigTable& root, BridgeConfig& config) {
    const ConfigTable ocpp = root.table("ocpp");
    config.ocpp_listen = ocpp.host_port("listen");
    const bool insecure = ocpp.boolean("insecure", false);
    if (!insecure && !config.ocpp_listen.host.empty() && !is_loopback(config.ocpp_listen.host)) {
        ocpp.problem("listen",
                     "plain ws:// outside the loopback interface sends passwords in the clear: put "
                     "TLS in front, or set insecure = true");
    }
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
    config.local_list_key = fixed_hex<PublicKey>(table, "list_key");
    if (!config.local_list_key.is_zero() && !VerifyKey::parse(config.local_list_key)) {
        table.problem("list_key", "is not a compressed secp256k1 public key");
    }
}

void read_node(const ConfigTable& root, BridgeConfig& config) {
    const ConfigTable table = root.table("node");
    config.node_address = table.host_port("address");
    config.node_link_key = fixed_hex<PublicKey>(table, "link_key");
    if (!config.node_link_key.is_zero() && !VerifyKey::parse(config.node_link_key)) {
        table.problem("link_key", "is not a compressed secp256k1 public key");
    }
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
    read_chargers(root, config);
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
