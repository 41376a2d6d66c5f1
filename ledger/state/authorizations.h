#pragma once

// Live authorizations with their deadlines, and how they end. Keeps the derived tables (deadline,
// finished) in step with the live ones.

#include "ledger/state/records.h"
#include "ledger/state/state_overlay.h"

namespace tally {

/// Adds a new live authorization and its deadline. The money is already reserved.
void add_live(StateOverlay& state, const Authorization& authorization);
/// Replaces a live authorization and moves its deadline.
void replace_live(StateOverlay& state, const Authorization& before, const Authorization& after);
/// Ends a live authorization with a status that is not live: posts `end.posted` and releases the
/// rest, frees the EVSE of an unrecorded charge, and moves the record to the finished ones.
void end_live(StateOverlay& state, Authorization authorization, AuthorizationStatus status,
              const Authorization::End& end);
/// Keeps the last form of an authorization (denials go here directly).
void put_finished(StateOverlay& state, const Authorization& authorization);

}  // namespace tally
