#pragma once

#include "ledger/base/key_value_store.h"
#include "node/runtime/http_server.h"

namespace tally::bridge {

/// GET /api/v1/evidence?after=HASH: `{"items":[{"authorization","hash"}...],"next"}`, charges that
/// have ended in order of their hash, at most `http_list_items_max`; `next` is there when there may
/// be more.
/// GET /api/v1/evidence/HASH: the charge's texts as `tally audit --evidence` reads them: the
/// session's id in hexadecimal, then each text as a JSON string, a line each. 404: no such charge;
/// 410: it had more texts than are kept.
[[nodiscard]] node::HttpResponse evidence_answer(const KeyValueStore& store,
                                                 const node::HttpRequest& request);

}  // namespace tally::bridge
