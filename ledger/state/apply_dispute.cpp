#include "ledger/state/accounts.h"
#include "ledger/state/apply.h"
#include "ledger/state/authorizations.h"
#include "ledger/state/proposals.h"
#include "ledger/state/queries.h"

namespace tally {
namespace {

/// In dispute and not yet over; the sweep may not have come to it.
ResultCode check_open(const Context& context, const Authorization& authorization) {
    if (authorization.status != AuthorizationStatus::disputed) {
        return ResultCode::wrong_status;
    }
    return context.now() > authorization.deadline() ? ResultCode::too_late : ResultCode::ok;
}

/// Posts `amount` of the disputed part and releases the rest.
void end_dispute(const Context& context, Authorization authorization, Money amount) {
    const Authorization::End end{context.now(), authorization.posted_so_far() + amount, {}, {}};
    end_live(context.state(), std::move(authorization), AuthorizationStatus::settled, end);
}

}  // namespace

ResultCode apply(Context& context, const OpenDispute& action) {
    StateOverlay& state = context.state();
    const std::optional<Authorization> found = find_live_authorization(state, action.authorization);
    if (!found) {
        return ResultCode::unknown_authorization;
    }
    if (context.signer() != found->home()) {
        return ResultCode::not_home;
    }
    if (found->status != AuthorizationStatus::recorded) {
        return ResultCode::wrong_status;
    }
    if (context.now() > found->record->settle_by) {
        return ResultCode::too_late;
    }
    if (action.disputed < 1 || action.disputed > found->record->amount) {
        return ResultCode::dispute_amount;
    }
    Authorization disputed = *found;
    disputed.status = AuthorizationStatus::disputed;
    disputed.dispute = Authorization::Dispute{
        context.now(), deadline_after(context.now(), context.block.parameters.arbitrate_window),
        action.disputed, action.reason, action.evidence};
    // What was approved beyond the recorded amount is free again; the disputed part stays pending.
    resolve(state, {found->home(), found->visited, found->currency},
            found->reserved() - disputed.reserved(), disputed.posted_so_far());
    replace_live(state, *found, disputed);
    return ResultCode::ok;
}

ResultCode apply(Context& context, const AcceptDispute& action) {
    std::optional<Authorization> found =
        find_live_authorization(context.state(), action.authorization);
    if (!found) {
        return ResultCode::unknown_authorization;
    }
    if (context.signer() != found->visited) {
        return ResultCode::not_visited;
    }
    if (const ResultCode result = check_open(context, *found); result != ResultCode::ok) {
        return result;
    }
    end_dispute(context, std::move(*found), 0);
    return ResultCode::ok;
}

ResultCode apply(Context& context, const Arbitrate& action) {
    std::optional<Authorization> found =
        find_live_authorization(context.state(), action.authorization);
    if (!found) {
        return ResultCode::unknown_authorization;
    }
    if (!is_hub(context.state(), context.signer())) {
        return ResultCode::not_hub;
    }
    if (context.signer() == found->home() || context.signer() == found->visited) {
        return ResultCode::own_dispute;  // Nobody judges its own case: the default will.
    }
    if (const ResultCode result = check_open(context, *found); result != ResultCode::ok) {
        return result;
    }
    if (action.amount > found->dispute->disputed) {
        return ResultCode::dispute_amount;
    }
    end_dispute(context, std::move(*found), action.amount);
    return ResultCode::ok;
}

}  // namespace tally
