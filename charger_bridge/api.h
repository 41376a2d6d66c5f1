#pragma once

#include "charger_bridge/bridge.h"
#include "node/runtime/http_server.h"
#include "node/runtime/metrics.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

/// Who may ask what of the site.
struct ApiTokens {
    std::string site;      ///< everything, commands to chargers too
    std::string evidence;  ///< only reads what was metered, for auditors; empty: nobody has it
};

/// The site's HTTP API: the page /, /livez /readyz /metrics without a token; with it
/// /api/v1/chargers, /api/v1/orphans, /api/v1/evidence and commands to chargers
/// (docs/protocol/bridge.md). With the token for evidence GET /api/v1/evidence alone: all else is
/// 403. Keeps references to bridge and metrics, which must outlive it.
class Api {
public:
    Api(Bridge& bridge, node::Metrics& metrics, const ApiTokens& tokens);
    void handle(const node::HttpRequest& request, const node::HttpReply& reply);

private:
    /// A page that needs no token; nothing when it is none.
    [[nodiscard]] std::optional<node::HttpResponse> open_page(std::string_view path) const;
    /// What refuses this request; nothing when its token allows it.
    [[nodiscard]] std::optional<node::HttpResponse> refusal(const node::HttpRequest& request) const;
    [[nodiscard]] node::HttpResponse ready() const;
    [[nodiscard]] node::HttpResponse chargers();
    [[nodiscard]] node::HttpResponse orphans(const node::HttpRequest& request) const;
    [[nodiscard]] node::HttpResponse clear_mark(const std::string& station,
                                                const boost::json::object& body);
    [[nodiscard]] node::HttpResponse notices(std::string_view path) const;
    void charger_action(const node::HttpRequest& request, const node::HttpReply& reply);
    void key_action(const std::string& station, bool is_change, const node::HttpReply& reply);
    void send_command(const std::string& station, Command command, const node::HttpReply& reply);

    Bridge& m_bridge;
    node::Metrics& m_metrics;
    Hash m_site_token;
    std::optional<Hash> m_evidence_token;
};

}  // namespace tally::bridge
