#pragma once

#include "charger_bridge/bridge.h"
#include "node/runtime/http_server.h"
#include "node/runtime/metrics.h"

#include <string>

namespace tally::bridge {

/// The site's HTTP API: /livez /readyz /metrics without a token; with it /api/v1/chargers,
/// /api/v1/orphans, /api/v1/evidence and commands to chargers (docs/protocol/bridge.md).
/// Keeps references to bridge and metrics, which must outlive it.
class Api {
public:
    Api(Bridge& bridge, node::Metrics& metrics, const std::string& token);
    void handle(const node::HttpRequest& request, const node::HttpReply& reply);

private:
    [[nodiscard]] bool is_allowed(const std::string& token) const;
    [[nodiscard]] node::HttpResponse ready() const;
    [[nodiscard]] node::HttpResponse chargers();
    [[nodiscard]] node::HttpResponse orphans(const node::HttpRequest& request) const;
    void charger_action(const node::HttpRequest& request, const node::HttpReply& reply);
    void send_command(const std::string& station, Command command, const node::HttpReply& reply);

    Bridge& m_bridge;
    node::Metrics& m_metrics;
    Hash m_token;
};

}  // namespace tally::bridge
