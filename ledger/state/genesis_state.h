#pragma once

#include "ledger/model/genesis.h"
#include "ledger/state/state_overlay.h"

namespace tally {

/// Writes the state that a valid genesis gives: members, epoch 0, parameters,
/// agreements, limits and totals.
void write_genesis_state(const Genesis& genesis, StateOverlay& state);

}  // namespace tally
