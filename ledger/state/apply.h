#pragma once

// The meaning of every action: what it demands and what it changes. Each function checks all its
// conditions in the order of docs/protocol/ledger.md and only then writes.

#include "ledger/model/actions.h"
#include "ledger/state/context.h"

namespace tally {

/// Applies one transaction's action all or nothing: unless the result is `ok` the state is as it
/// was before.
[[nodiscard]] ResultCode apply_action(Context& context, const Action& action);

// apply_registry.cpp
[[nodiscard]] ResultCode apply(Context& context, const RegisterBridge& action);
[[nodiscard]] ResultCode apply(Context& context, const RevokeBridge& action);
[[nodiscard]] ResultCode apply(Context& context, const RegisterCharger& action);
[[nodiscard]] ResultCode apply(Context& context, const PublishTariff& action);
// apply_agreement.cpp
[[nodiscard]] ResultCode apply(Context& context, const SetAgreement& action);
// apply_countersign.cpp
[[nodiscard]] ResultCode apply(Context& context, const SetLimit& action);
[[nodiscard]] ResultCode apply(Context& context, const LateCharge& action);
[[nodiscard]] ResultCode apply(Context& context, const CreditCharge& action);
[[nodiscard]] ResultCode apply(Context& context, const RebillCharge& action);
[[nodiscard]] ResultCode apply(Context& context, const Countersign& action);
// apply_authorization.cpp
[[nodiscard]] ResultCode apply(Context& context, const DecideAuthorization& action);
[[nodiscard]] ResultCode apply(Context& context, const ReleaseAuthorization& action);
[[nodiscard]] ResultCode apply(Context& context, const StartCharge& action);
// apply_charge.cpp
[[nodiscard]] ResultCode apply(Context& context, const RecordCharge& action);
[[nodiscard]] ResultCode apply(Context& context, const SettleCharge& action);
[[nodiscard]] ResultCode apply(Context& context, const ClaimCharge& action);
// apply_dispute.cpp
[[nodiscard]] ResultCode apply(Context& context, const OpenDispute& action);
[[nodiscard]] ResultCode apply(Context& context, const AcceptDispute& action);
[[nodiscard]] ResultCode apply(Context& context, const Arbitrate& action);
// apply_payment.cpp
[[nodiscard]] ResultCode apply(Context& context, const ConfirmPayment& action);
// apply_membership.cpp
[[nodiscard]] ResultCode apply(Context& context, const AdmitFollower& action);
[[nodiscard]] ResultCode apply(Context& context, const ProposeChange& action);
[[nodiscard]] ResultCode apply(Context& context, const VoteOnChange& action);
[[nodiscard]] ResultCode apply(Context& context, const RotateKey& action);
// apply_epoch.cpp
[[nodiscard]] ResultCode apply(Context& context, const ReportReady& action);
[[nodiscard]] ResultCode apply(Context& context, const SubmitEvidence& action);

}  // namespace tally
