#include "ledger/state/accounts.h"
#include "ledger/state/apply.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/keys.h"

namespace tally {
namespace {

/// Who bore a share of the default gets it back from the creditor, who has the money now.
bool return_shares(StateOverlay& state, const LegKey& key, const LegRecord& leg) {
    for (const NetPosition& share : leg.shares) {
        if (!post_exempt(state, {key.creditor, share.party, key.currency}, share.amount)) {
            return false;
        }
    }
    return true;
}

/// One leg less to wait for. The last one takes the cycle's legs out of the state.
void count_confirmed(StateOverlay& state, const LegKey& key) {
    std::optional<ClosedCycleRecord> closed = find_closed_cycle(state, key.cycle, key.currency);
    ENSURE(closed.has_value() && closed->open_legs > 0);
    if (--closed->open_legs > 0) {
        state.put(keys::closed_cycle(key.cycle, key.currency), encode(*closed));
        return;
    }
    state.erase(keys::closed_cycle(key.cycle, key.currency));
    for (const LegEntry& entry : legs_of(state, key.cycle, key.currency)) {
        state.erase(keys::leg(entry.key));
    }
}

}  // namespace

ResultCode apply(Context& context, const ConfirmPayment& action) {
    StateOverlay& state = context.state();
    const LegKey key{action.cycle, action.currency, action.debtor, context.signer()};
    std::optional<LegRecord> leg = find_leg(state, key);
    if (!leg) {
        return ResultCode::unknown_leg;
    }
    if (leg->status == LegStatus::confirmed) {
        return ResultCode::leg_confirmed;
    }
    if (!return_shares(state, key, *leg)) {
        return ResultCode::overflow;
    }
    settle_leg(state, {key.debtor, key.creditor, key.currency}, leg->amount);
    if (leg->status == LegStatus::pending) {
        state.erase(keys::deadline({leg->due_by, leg_ref(key), DeadlineKind::leg}));
    }
    leg->status = LegStatus::confirmed;
    leg->reference = action.reference;
    state.put(keys::leg(key), encode(*leg));
    count_confirmed(state, key);
    return ResultCode::ok;
}

}  // namespace tally
