#include "charger_bridge/config_upstream.h"

#include "charger_bridge/ocpp/credentials.h"
#include "node/runtime/key_file.h"

#include <utility>

namespace tally::bridge {

namespace {

using node::ConfigTable;

std::string read_password(const ConfigTable& table) {
    const bool has_file = table.has("password_file");
    if (has_file && table.has("password")) {
        table.problem("password", "is given more than once");
        return {};
    }
    std::string password = table.text("password", "");
    if (has_file) {
        auto secret = node::read_secret_text(table.path("password_file"));
        if (!secret) {
            table.problem("password_file", secret.error().text);
            return {};
        }
        password = std::move(secret).value();
    }
    if (password.size() > password_bytes_max) {
        table.problem("password", "must be at most 64 bytes");
    }
    return password;
}

void read_url(const ConfigTable& table, UpstreamConfig& config) {
    config.url = table.text("url");
    const bool is_insecure = table.boolean("insecure", false);
    const std::string ca_file = table.path("ca_file", "");
    node::WebSocketTarget target;
    if (!upstream_target(config.url, "CP1", target)) {
        table.problem("url", "must be like wss://csms.example/ocpp/{id}, with {id} in its path");
        return;
    }
    if (!target.tls) {
        if (!is_insecure && !is_loopback(target.host)) {
            table.problem("url",
                          "plain ws:// outside the loopback interface sends passwords in the "
                          "clear: use wss://, or set insecure = true");
        }
        return;
    }
    node::TlsClientOptions options;
    options.ca_file = ca_file;
    auto tls = node::make_tls_client(options);
    if (!tls) {
        table.problem("ca_file", tls.error());
        return;
    }
    config.tls = std::move(tls).value();
}

}  // namespace

bool is_loopback(const std::string& host) {
    // A name may begin like an address: 127.0.0.1.example is anywhere.
    const bool is_address = host.find_first_not_of("0123456789.") == std::string::npos;
    return host == "localhost" || host == "::1" || (is_address && host.starts_with("127."));
}

std::optional<UpstreamConfig> read_upstream(const ConfigTable& root) {
    if (!root.has("upstream")) {
        return std::nullopt;
    }
    const ConfigTable table = root.table("upstream");
    UpstreamConfig config;
    read_url(table, config);
    config.password = read_password(table);
    config.passes_password = table.boolean("pass_password", false);
    if (config.passes_password && !config.password.empty()) {
        table.problem("pass_password", "stands instead of a password");
    }
    if (table.has("unknown_statuses")) {
        config.unknown_statuses = table.texts("unknown_statuses", unknown_statuses_max);
        for (const std::string& status : config.unknown_statuses) {
            if (status.empty() || status == "Accepted") {
                table.problem("unknown_statuses", "names states of refused tokens");
            }
        }
    }
    return config;
}

}  // namespace tally::bridge
