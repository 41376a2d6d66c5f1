#pragma once

// Charges after their authorization has ended: late ones, credits, and what is billed again. Each
// is a new transaction that both operators signed; nothing that was posted is ever changed.

#include "ledger/model/actions.h"
#include "ledger/state/context.h"

namespace tally {

// Called when the home operator countersigns: `first` is the visited operator's transaction, and
// the context's signer the home operator. Each checks the conditions in the order of
// docs/protocol/ledger.md, then posts and keeps the authorization's correction record.
[[nodiscard]] ResultCode post_late(Context& context, const TransactionRef& first,
                                   const LateCharge& action);
[[nodiscard]] ResultCode post_credit(Context& context, const TransactionRef& first,
                                     const CreditCharge& action);
[[nodiscard]] ResultCode post_rebill(Context& context, const TransactionRef& first,
                                     const RebillCharge& action);

}  // namespace tally
