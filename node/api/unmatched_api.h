#pragma once

#include "node/roaming/unmatched_charges.h"
#include "node/runtime/http_server.h"

#include <string>

namespace tally::node {

/// GET /api/v1/unmatched: ended charges that the node could not take up, in order of their name,
/// those behind `after`. `record` is the bridge's signed message as it came.
[[nodiscard]] HttpResponse unmatched_answer(const UnmatchedCharges& charges,
                                            const HttpRequest& request);

[[nodiscard]] bool is_unmatched_path(const std::string& path);
/// POST /api/v1/unmatched/forget?name=...: a person has seen to it. What was forgotten comes back
/// when the process ends before its next write.
[[nodiscard]] HttpResponse forget_unmatched(UnmatchedCharges& charges, const HttpRequest& request);

}  // namespace tally::node
