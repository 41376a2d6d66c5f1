#pragma once

#include "ledger/crypto/signer.h"
#include "ledger/model/actions.h"

namespace tally::bridge {

/// Puts the bridge's signature under what it metered. `charge` is complete but for it.
void sign_metered(MeteredCharge& charge, const Hash& chain_id, Signer& bridge_key);

}  // namespace tally::bridge
