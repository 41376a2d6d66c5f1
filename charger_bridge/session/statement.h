#pragma once

// What the bridge itself puts into a charge's evidence, a line of JSON each: by what the charge was
// metered, and what an operator decided about it. Auditors see them with the charger's own texts.

#include "charger_bridge/metering/signed_track.h"
#include "charger_bridge/session/review_log.h"
#include "charger_bridge/session/session.h"

#include <string>

namespace tally::bridge {

/// {"tally":"metering","source":"signed|unsigned","meter":...}; with the hashes of the signed spans
/// and whose clock the times are of, and whether the charge began while the node was away. When
/// texts were left out, how many, and the signed records themselves.
[[nodiscard]] std::string metering_statement(const SignedResult& result, const Session& session);

/// {"tally":"evidence_full","texts":N,"bytes":N}: what was kept before; behind it texts are
/// missing.
[[nodiscard]] std::string evidence_full_statement(const Session& session);

/// {"tally":"review","number":...,"outcome":...,"by":...,"at":...,"why":...,"held_for":[...]}
[[nodiscard]] std::string review_statement(const ReviewDecision& decision);

}  // namespace tally::bridge
