#pragma once

#include "node/roaming/evidence_store.h"
#include "node/runtime/http_server.h"

#include <string>

namespace tally::node {

/// GET /api/v1/evidence/HASH: what the meters said of one charge, in the bridge's format (see
/// charger_bridge/evidence_api.h). GET /api/v1/evidence/charges?after=HASH: which charges there
/// are, as the bridge lists them. `rest` is the path behind "evidence/". The caller has checked the
/// bearer token. 404 when this node keeps none.
[[nodiscard]] HttpResponse evidence_answer(const EvidenceStore* store, const HttpRequest& request,
                                           const std::string& rest);

}  // namespace tally::node
