#pragma once

#include "ledger/model/actions.h"
#include "ledger/state/context.h"

namespace tally {

/// Whether `owner`'s bridge, known and not revoked, signed what it metered. Gives `ok`,
/// `unknown_bridge`, `bridge_revoked` or `bad_bridge_signature`.
[[nodiscard]] ResultCode check_bridge(const Context& context, const PartyId& owner,
                                      const MeteredCharge& metered);

}  // namespace tally
