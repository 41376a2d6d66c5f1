#include "ledger/state/bridge_check.h"

#include "ledger/state/queries.h"

namespace tally {

ResultCode check_bridge(const Context& context, const PartyId& owner,
                        const MeteredCharge& metered) {
    const std::optional<BridgeRecord> bridge =
        find_bridge(context.state(), owner, metered.bridge_id);
    if (!bridge) {
        return ResultCode::unknown_bridge;
    }
    if (bridge->revoked) {
        return ResultCode::bridge_revoked;
    }
    const Hash digest = metered_signing_digest(context.block.chain_id, metered);
    return context.block.check_signature(bridge->public_key, digest, metered.bridge_signature)
               ? ResultCode::ok
               : ResultCode::bad_bridge_signature;
}

}  // namespace tally
