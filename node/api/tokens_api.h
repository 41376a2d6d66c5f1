#pragma once

// Cards without a prefix over HTTP: what is registered, cards kept elsewhere, and the hub's
// dropping of old keys (docs/protocol/http.md).

#include "node/api/api_backend.h"
#include "node/runtime/http_server.h"

#include <boost/json/object.hpp>

namespace tally::node {

/// Cards in one request.
inline constexpr std::size_t tokens_cards_max{20'000};

[[nodiscard]] boost::json::object to_json(const TokenView& view);

/// Whether a POST to this path is for `change_tokens`.
[[nodiscard]] bool is_tokens_path(const std::string& path);
/// POST /api/v1/tokens/cards and /api/v1/tokens/drop; the caller has checked the bearer token.
void change_tokens(ApiBackend& backend, const HttpRequest& request, const HttpReply& reply);

}  // namespace tally::node
