#include "ledger/state/apply.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

namespace tally {
ResultCode apply(Context& context, const SetAgreement& action) {
    StateOverlay& state = context.state();
    if (action.partner == context.signer()) {
        return ResultCode::self_roaming;
    }
    if (!find_member(state, action.partner)) {
        return ResultCode::unknown_member;
    }
    state.put(keys::agreement(context.signer(), action.partner),
              encode(AgreementRecord{action.active, action.currency, action.tariffs_offered,
                                     action.exposure_cap}));
    return ResultCode::ok;
}

}  // namespace tally
