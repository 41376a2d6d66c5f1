#pragma once

#include "ledger/state/state_overlay.h"
#include "ledger/state/state_view.h"

#include <optional>
#include <string>

namespace tally {

/// Brings the totals of every currency whose accounts changed in `state` up to date, from the
/// accounts' values before and after: independent of what the actions believed they did. Call it
/// once at the end of a block. Gives the first broken invariant in words (sums of debits and
/// credits differ), or nothing.
[[nodiscard]] std::optional<std::string> update_totals(StateOverlay& state);

/// Checks the whole state: sums of accounts against totals, pending money against live
/// authorizations by account and by pair, posted money of accounts against pairs, deadlines,
/// stations and busy chargers against what they are derived from. Reads everything: for tests and
/// the audit. Gives the first difference in words, or nothing.
[[nodiscard]] std::optional<std::string> check_invariants(const StateView& view);

}  // namespace tally
