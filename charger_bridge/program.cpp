#include "charger_bridge/program.h"

#include "charger_bridge/api.h"
#include "charger_bridge/bridge.h"
#include "charger_bridge/evidence_feeder.h"
#include "charger_bridge/node_line.h"
#include "charger_bridge/ocpp/credentials.h"
#include "charger_bridge/server/password_hash.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "ledger/store/leveldb_store.h"
#include "node/runtime/asio_timers.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/http_server.h"
#include "node/runtime/logging.h"
#include "node/runtime/process.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <system_error>

namespace tally::bridge {

namespace {

constexpr std::chrono::milliseconds evidence_interval{250};

void feed_evidence(node::AsioTimers& timers, EvidenceFeeder& evidence) {
    timers.after(evidence_interval, [&timers, &evidence] {
        evidence.tick();
        feed_evidence(timers, evidence);
    });
}

/// SIGHUP: renewed certificates are read.
void reload_on_hangup(boost::asio::signal_set& hangup, Bridge& bridge) {
    hangup.async_wait([&hangup, &bridge](const boost::system::error_code& error, int /*signal*/) {
        if (!error) {
            bridge.reload_certificates();
            reload_on_hangup(hangup, bridge);
        }
    });
}

/// 2,000 chargers write some hundred KiB a second, and little is read: more memory would be for
/// nothing.
LevelDbStore::Options store_options() {
    LevelDbStore::Options options;
    options.write_buffer_bytes = 8UL * 1024 * 1024;
    options.block_cache_bytes = 8UL * 1024 * 1024;
    return options;
}

/// Connections beside those of chargers, and files of the store.
constexpr std::uint64_t other_files_max{1'024};

/// Shells and services start programs with a soft limit of 1,024 files, unless told otherwise.
void allow_connections() {
    constexpr std::uint64_t wanted{sockets_max + other_files_max};
    const std::uint64_t allowed = node::allow_open_files(wanted);
    if (allowed < wanted) {
        node::log_warn("bridge", "few_open_files", {{"allowed", allowed}, {"wanted", wanted}});
    }
}

int run_with(const BridgeConfig& config, KeyValueStore& store) {
    boost::asio::io_context io{1};
    SystemClock clock;
    SystemRandom random;
    KeySigner key{config.key};
    node::Metrics metrics;
    int exit_code = 0;
    LinkedNode line{io, config, key, metrics};
    const auto storage_failed = [&] {
        exit_code = node::exit_io;
        io.stop();
    };
    Bridge bridge{BridgeParts{io, store, clock, random, key, metrics, line, storage_failed},
                  config};
    if (const auto loaded = bridge.load(); !loaded) {
        fmt::print(stderr, "tally-bridge: {}: {}\n", config.data_dir, loaded.error());
        return node::exit_io;
    }
    EvidenceFeeder evidence{{store, clock, metrics,
                             [&line](const node::EvidenceMessage& message) { line.send(message); },
                             storage_failed}};
    node::AsioTimers timers{io};
    Api api{bridge, metrics, {config.api_token, config.evidence_token}};
    node::HttpServer http{io, config.api_listen.host, config.api_listen.port,
                          [&api](const node::HttpRequest& request, const node::HttpReply& reply) {
                              api.handle(request, reply);
                          }};
    const node::SignalWatcher signals{io, [&] {
                                          node::log_info("bridge", "stopping");
                                          http.stop();
                                          bridge.stop();
                                          line.stop();
                                          io.stop();
                                      }};
    boost::asio::signal_set hangup{io, SIGHUP};
    reload_on_hangup(hangup, bridge);
    bridge.start();
    line.start(bridge, evidence);
    feed_evidence(timers, evidence);
    node::log_info("bridge", "started",
                   {{"bridge", config.bridge_id},
                    {"ocpp_port", bridge.ocpp_port()},
                    {"api_port", http.port()},
                    {"chargers", config.chargers.size()}});
    io.run();
    line.stop();
    return exit_code;
}

}  // namespace

int run_bridge(const std::string& config_path) {
    const auto config = read_config(config_path);
    if (!config) {
        for (const node::ConfigProblem& problem : config.error()) {
            fmt::print(stderr, "{}\n", problem.text());
        }
        return node::exit_config;
    }
    static_cast<void>(node::configure_logging(
        {node::log_level_from_text(config->log_level).value_or(node::LogLevel::info), {}}));
    allow_connections();
    std::error_code error;
    std::filesystem::create_directories(config->data_dir, error);
    const auto store = LevelDbStore::open(config->data_dir + "/store", store_options());
    if (!store) {
        fmt::print(stderr, "tally-bridge: {}\n", store.error());
        return node::exit_io;
    }
    try {
        return run_with(*config, **store);
    } catch (const std::system_error& failure) {
        fmt::print(stderr, "tally-bridge: {}\n", failure.what());
        return node::exit_io;
    }
}

int hash_password() {
    std::string password;
    std::getline(std::cin, password);
    if (password.size() < password_bytes_min || password.size() > password_bytes_max) {
        fmt::print(stderr,
                   "tally-bridge: standard input, line 1: a charger's password has {} to {} bytes, "
                   "this one {}\n",
                   password_bytes_min, password_bytes_max, password.size());
        return node::exit_usage;
    }
    SystemRandom random;
    const PasswordHash hash = make_password_hash(plain_password(as_bytes(password)), random);
    fmt::print("{}\n", to_text(hash));
    return 0;
}

}  // namespace tally::bridge
