#include "ledger/state/accounts.h"
#include "ledger/state/apply.h"
#include "ledger/state/keys.h"
#include "ledger/state/proposals.h"
#include "ledger/state/queries.h"

namespace tally {
namespace {

keys::Deadline deadline_of(const TransactionRef& ref, const CountersignRecord& record) {
    return {record.expires, ref, DeadlineKind::countersign};
}

}  // namespace

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

ResultCode apply(Context& context, const SetLimit& action) {
    StateOverlay& state = context.state();
    if (find_countersign(state, context.transaction)) {
        return ResultCode::id_in_use;  // The id still names a limit that waits.
    }
    if (!find_member(state, action.member)) {
        return ResultCode::unknown_member;
    }
    const bool signer_is_hub = is_hub(state, context.signer());
    const bool signer_is_member = context.signer() == action.member;
    if (signer_is_hub == signer_is_member) {
        return ResultCode::not_permitted;  // Neither of the two, or the hub about itself.
    }
    const UnixMillis expires =
        deadline_after(context.now(), context.block.parameters.countersign_window);
    const CountersignRecord record{context.transaction_hash, expires, action};
    state.put(keys::countersign(context.transaction), encode(record));
    state.put(keys::deadline(deadline_of(context.transaction, record)), {});
    return ResultCode::ok;
}

ResultCode apply(Context& context, const Countersign& action) {
    StateOverlay& state = context.state();
    const std::optional<CountersignRecord> record = find_countersign(state, action.transaction);
    if (!record) {
        return ResultCode::unknown_countersign;
    }
    if (context.signer() == action.transaction.signer) {
        return ResultCode::already_signed;
    }
    const SetLimit& set = record->set_limit;
    const bool first_was_member = action.transaction.signer == set.member;
    const bool permitted =
        first_was_member ? is_hub(state, context.signer()) : context.signer() == set.member;
    if (!permitted) {
        return ResultCode::not_permitted;
    }
    if (context.now() > record->expires) {
        return ResultCode::too_late;
    }
    if (action.transaction_hash != record->transaction_hash) {
        return ResultCode::hash_differs;
    }
    set_limit(state, set.member, set.currency, set.limit);
    state.erase(keys::countersign(action.transaction));
    state.erase(keys::deadline(deadline_of(action.transaction, *record)));
    return ResultCode::ok;
}

}  // namespace tally
