#pragma once

// What the bridge itself puts into a charge's evidence, a line of JSON each: by what the charge was
// metered, and what an operator decided about it. Auditors see them with the charger's own texts.

#include "charger_bridge/metering/signed_track.h"
#include "charger_bridge/session/review_log.h"

#include <string>

namespace tally::bridge {

/// {"tally":"metering","source":"signed|unsigned","meter":...}; with the hashes of the signed spans
/// and whose clock the times are of, and whether the charge began while the node was away.
[[nodiscard]] std::string metering_statement(const SignedResult& result, const std::string& meter,
                                             bool is_cut_off);

/// {"tally":"review","number":...,"outcome":...,"by":...,"at":...,"why":...,"held_for":[...]}
[[nodiscard]] std::string review_statement(const ReviewDecision& decision);

}  // namespace tally::bridge
