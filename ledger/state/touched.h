#pragma once

// Whom a leaf of the log touches: into whose sub-logs it goes. The rule is in
// docs/protocol/ledger.md, section 9; members only, though anybody may be named here.

#include "ledger/state/context.h"

#include <set>

namespace tally {

/// Adds to `context.touched` the signer and those that the action is about. Looks at the state as
/// it is before the action, and so gives the same whatever the result will be.
void touch_parties(Context& context, const Action& action);

/// Those that an event of this block is about. `state` still knows, below its own changes, the
/// state before the block.
[[nodiscard]] std::set<PartyId> touched_by(const StateOverlay& state, const Event& event);

}  // namespace tally
