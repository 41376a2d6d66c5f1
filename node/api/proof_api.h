#pragma once

// The part of the HTTP interface that answers with what can be checked without trusting the node:
// sub-logs and proofs of the state.

#include "ledger/store/ledger.h"
#include "node/runtime/http_server.h"

#include <string>

namespace tally::node {

/// GET /api/v1/sublog/{member}?from=&count=
[[nodiscard]] HttpResponse sublog_page(const Ledger& ledger, const HttpRequest& request,
                                       const std::string& member);
/// GET /api/v1/state/proof?table=&key= and /api/v1/state/range?prefix=&depth=; `what` is "proof" or
/// "range".
[[nodiscard]] HttpResponse state_proof(const Ledger& ledger, const HttpRequest& request,
                                       const std::string& what);

}  // namespace tally::node
