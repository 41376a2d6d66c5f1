#pragma once

#include "charger_bridge/bridge.h"
#include "node/runtime/http_server.h"

#include <string_view>

namespace tally::bridge {

[[nodiscard]] bool is_review(std::string_view path);

/// Charges held for review (docs/protocol/bridge.md): GET /api/v1/review lists those that wait and
/// the last decisions, GET /api/v1/review/N shows one, POST /api/v1/review/N/release and
/// /reject with {"by","reason"} decide. A decision is on disk when it is answered.
[[nodiscard]] node::HttpResponse review_answer(Bridge& bridge, const node::HttpRequest& request);

}  // namespace tally::bridge
