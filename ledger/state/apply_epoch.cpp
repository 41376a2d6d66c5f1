#include "ledger/state/apply.h"
#include "ledger/state/epochs.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>

namespace tally {
namespace {

/// The set that voted in `epoch`, when the state still knows it.
const std::vector<Validator>* set_of(const EpochRecord& record, std::uint64_t epoch) {
    if (epoch == record.epoch) {
        return &record.validators;
    }
    return epoch + 1 == record.epoch ? &record.previous : nullptr;
}

/// A report may arrive when its epoch has just ended with the set unchanged. What the signer has
/// executed must reach into the epoch that it names.
bool is_recent(const EpochRecord& record, const ReportReady& report) {
    if (report.epoch == record.epoch) {
        return report.height >= record.first_height - 1;
    }
    return record.epoch > 0 && report.epoch == record.epoch - 1;
}

}  // namespace

ResultCode apply(Context& context, const ReportReady& action) {
    StateOverlay& state = context.state();
    EpochRecord epoch = find_epoch(state);
    const NextEpoch wanted = wanted_epoch(state);
    if (!is_validator(wanted.validators, context.signer())) {
        return ResultCode::not_validator;
    }
    const bool fits = is_recent(epoch, action) && is_change(epoch, wanted) &&
                      action.next_epoch == wanted.hash() && action.height < context.block.height;
    if (!fits) {
        return ResultCode::not_ready_for;
    }
    if (epoch.ready_for != action.next_epoch) {
        epoch.ready_for = action.next_epoch;
        epoch.ready.clear();  // Those were ready for what nobody asks for any more.
    }
    const auto place = std::lower_bound(epoch.ready.begin(), epoch.ready.end(), context.signer());
    if (place != epoch.ready.end() && *place == context.signer()) {
        return ResultCode::already_voted;
    }
    epoch.ready.insert(place, context.signer());
    state.put(keys::epoch(), encode(epoch));
    return ResultCode::ok;
}

ResultCode apply(Context& context, const SubmitEvidence& action) {
    StateOverlay& state = context.state();
    const EpochRecord epoch = find_epoch(state);
    if (!is_validator(epoch.validators, context.signer())) {
        return ResultCode::not_validator;
    }
    const std::vector<Validator>* set = set_of(epoch, action.first.epoch);
    if (set == nullptr || action.signer >= set->size() ||
        !is_equivocation(action.first, action.second)) {
        return ResultCode::bad_evidence;
    }
    const Validator& offender = (*set)[action.signer];
    const Bytes key = keys::evidence(action.first.epoch, offender.party);
    if (state.get(key)) {
        return ResultCode::evidence_known;
    }
    const Hash& chain_id = context.block.chain_id;
    const SignatureCheck& is_signed = context.block.check_signature;
    const bool proven = is_signed(offender.consensus_key, action.first.signing_digest(chain_id),
                                  action.first_signature) &&
                        is_signed(offender.consensus_key, action.second.signing_digest(chain_id),
                                  action.second_signature);
    if (!proven) {
        return ResultCode::bad_evidence;
    }
    state.put(key, encode(EvidenceRecord{action, context.signer(), context.now()}));
    return ResultCode::ok;
}

}  // namespace tally
