#include "ledger/state/apply.h"
#include "ledger/state/cycles.h"

namespace tally {

ResultCode apply(Context& context, const ConfirmPayment& action) {
    const LegKey key{action.cycle, action.currency, action.debtor, context.signer()};
    return confirm_leg(context.state(), key, action.reference);
}

}  // namespace tally
