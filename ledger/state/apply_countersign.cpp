#include "ledger/base/overloaded.h"
#include "ledger/state/accounts.h"
#include "ledger/state/apply.h"
#include "ledger/state/corrections.h"
#include "ledger/state/keys.h"
#include "ledger/state/proposals.h"
#include "ledger/state/queries.h"

namespace tally {
namespace {

keys::Deadline deadline_of(const TransactionRef& ref, const CountersignRecord& record) {
    return {record.expires, ref, DeadlineKind::countersign};
}

/// Keeps an action until its second signature comes.
ResultCode wait_for_second(Context& context, const TwoSigned& action) {
    StateOverlay& state = context.state();
    if (count_countersigns(state, context.signer(), countersigns_of_member_max) ==
        countersigns_of_member_max) {
        return ResultCode::too_many_countersigns;
    }
    const UnixMillis expires =
        deadline_after(context.now(), context.block.parameters.countersign_window);
    const CountersignRecord record{context.transaction_hash, expires, action};
    state.put(keys::countersign(context.transaction), encode(record));
    state.put(keys::deadline(deadline_of(context.transaction, record)), {});
    return ResultCode::ok;
}

/// What must hold before a charge's correction waits. The rest is checked when it takes effect:
/// the state may change until then.
ResultCode check_first(const Context& context, const AuthorizationRef& authorization) {
    if (find_countersign(context.state(), context.transaction)) {
        return ResultCode::id_in_use;
    }
    if (context.signer() == authorization.signer) {
        return ResultCode::self_roaming;
    }
    return find_member(context.state(), authorization.signer) ? ResultCode::ok
                                                              : ResultCode::unknown_member;
}

/// Whether `signer` is the one whose signature the action of `first` still needs.
bool is_second(const Context& context, const PartyId& first, const TwoSigned& action) {
    const PartyId& signer = context.signer();
    return std::visit(
        Overloaded{
            [&](const SetLimit& limit) {
                return first == limit.member ? is_hub(context.state(), signer)
                                             : signer == limit.member;
            },
            [&](const LateCharge& late) {
                return signer == late.charge.metered.authorization.signer;
            },
            [&](const CreditCharge& credit) { return signer == credit.authorization.signer; },
            [&](const RebillCharge& rebill) {
                return signer == rebill.charge.metered.authorization.signer;
            },
        },
        action);
}

ResultCode take_effect(Context& context, const TransactionRef& first, const TwoSigned& action) {
    return std::visit(
        Overloaded{
            [&](const SetLimit& limit) {
                set_limit(context.state(), limit.member, limit.currency, limit.limit);
                return ResultCode::ok;
            },
            [&](const LateCharge& late) { return post_late(context, first, late); },
            [&](const CreditCharge& credit) { return post_credit(context, first, credit); },
            [&](const RebillCharge& rebill) { return post_rebill(context, first, rebill); },
        },
        action);
}

}  // namespace

ResultCode apply(Context& context, const SetLimit& action) {
    StateOverlay& state = context.state();
    if (find_countersign(state, context.transaction)) {
        return ResultCode::id_in_use;  // The id still names an action that waits.
    }
    if (!find_member(state, action.member)) {
        return ResultCode::unknown_member;
    }
    const bool signer_is_hub = is_hub(state, context.signer());
    const bool signer_is_member = context.signer() == action.member;
    if (signer_is_hub == signer_is_member) {
        return ResultCode::not_permitted;  // Neither of the two, or the hub about itself.
    }
    return wait_for_second(context, action);
}

ResultCode apply(Context& context, const LateCharge& action) {
    const ResultCode result = check_first(context, action.charge.metered.authorization);
    return result == ResultCode::ok ? wait_for_second(context, action) : result;
}

ResultCode apply(Context& context, const CreditCharge& action) {
    if (const ResultCode result = check_first(context, action.authorization);
        result != ResultCode::ok) {
        return result;
    }
    if (action.record.signer != context.signer()) {
        return ResultCode::not_visited;  // Only who charged gives back.
    }
    return wait_for_second(context, action);
}

ResultCode apply(Context& context, const RebillCharge& action) {
    const ResultCode result = check_first(context, action.charge.metered.authorization);
    return result == ResultCode::ok ? wait_for_second(context, action) : result;
}

ResultCode apply(Context& context, const Countersign& action) {
    StateOverlay& state = context.state();
    const std::optional<CountersignRecord> record = find_countersign(state, action.transaction);
    if (!record) {
        return ResultCode::unknown_countersign;
    }
    const PartyId& first = action.transaction.signer;
    if (context.signer() == first) {
        return ResultCode::already_signed;
    }
    if (!is_second(context, first, record->action)) {
        return ResultCode::not_permitted;
    }
    if (context.now() > record->expires) {
        return ResultCode::too_late;
    }
    if (action.transaction_hash != record->transaction_hash) {
        return ResultCode::hash_differs;
    }
    if (const ResultCode result = take_effect(context, action.transaction, record->action);
        result != ResultCode::ok) {
        return result;
    }
    state.erase(keys::countersign(action.transaction));
    state.erase(keys::deadline(deadline_of(action.transaction, *record)));
    return ResultCode::ok;
}

}  // namespace tally
