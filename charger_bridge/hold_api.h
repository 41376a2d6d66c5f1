#pragma once

// The API's requests about which chargers are served: hold, accept, forget, and the certificates
// that they ask for. docs/protocol/bridge.md.

#include "charger_bridge/bridge.h"
#include "node/runtime/http_server.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

/// Whether `POST /api/v1/chargers/{id}/<verb>` is one of those answered here.
[[nodiscard]] bool is_hold_verb(std::string_view verb);
/// Of a known station.
[[nodiscard]] node::HttpResponse hold_answer(Bridge& bridge, const std::string& station,
                                             std::string_view verb,
                                             const boost::json::object& body);
/// What a charger's hold looks like in the list of chargers.
[[nodiscard]] boost::json::object hold_json(const BootHold& hold);
[[nodiscard]] node::HttpResponse certificate_requests_answer(const Bridge& bridge);

}  // namespace tally::bridge
