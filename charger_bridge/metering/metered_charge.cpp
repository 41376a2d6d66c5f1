#include "charger_bridge/metering/metered_charge.h"

namespace tally::bridge {

void sign_metered(MeteredCharge& charge, const Hash& chain_id, Signer& bridge_key) {
    charge.bridge_signature = bridge_key.sign(metered_signing_digest(chain_id, charge));
}

}  // namespace tally::bridge
