#include "ledger/model/rating.h"
#include "ledger/state/apply.h"
#include "ledger/state/authorizations.h"
#include "ledger/state/bridge_check.h"
#include "ledger/state/keys.h"
#include "ledger/state/plausibility.h"
#include "ledger/state/queries.h"

#include <algorithm>

namespace tally {
namespace {

/// Who signed, of what charge, and in time.
ResultCode check_charge(const Context& context, const Authorization& authorization,
                        const MeteredCharge& metered) {
    if (context.signer() != authorization.visited) {
        return ResultCode::not_visited;
    }
    if (authorization.status != AuthorizationStatus::started) {
        return ResultCode::wrong_status;
    }
    if (context.now() > authorization.start->record_by) {
        return ResultCode::too_late;
    }
    return metered.evse_id == authorization.start->evse_id ? ResultCode::ok
                                                           : ResultCode::wrong_evse;
}

ResultCode check_amounts(const RecordCharge& action, const Rating& rating, Money approved) {
    if (action.rated_amount != rating.total()) {
        return ResultCode::rated_amount_differs;
    }
    return action.amount == std::min(rating.total(), approved) ? ResultCode::ok
                                                               : ResultCode::amount_differs;
}

void write_record(const Context& context, const Authorization& found, const RecordCharge& action,
                  ChargerRecord charger) {
    const MeterReading& begin = action.metered.readings.front();
    const MeterReading& end = action.metered.readings.back();
    Authorization recorded = found;
    recorded.status = AuthorizationStatus::recorded;
    Authorization::Record record;
    record.recorded_at = context.now();
    record.settle_by = deadline_after(context.now(), context.block.parameters.settle_window);
    record.claim_until = deadline_after(record.settle_by, context.block.parameters.claim_window);
    record.begin_time = begin.time;
    record.end_time = end.time;
    record.energy_wh = end.register_wh - begin.register_wh;
    record.rated_amount = action.rated_amount;
    record.amount = action.amount;
    record.transaction = context.transaction.id;
    recorded.record = record;
    replace_live(context.state(), found, recorded);

    charger.busy.reset();
    charger.last_end_time = end.time;
    charger.last_reading =
        ChargerRecord::LastReading{charger.meter_serial, charger.meter_epoch, end.register_wh};
    context.state().put(keys::charger(found.visited, action.metered.evse_id), encode(charger));
}

}  // namespace

ResultCode apply(Context& context, const RecordCharge& action) {
    StateOverlay& state = context.state();
    const MeteredCharge& metered = action.metered;
    const std::optional<Authorization> found =
        find_live_authorization(state, metered.authorization);
    if (!found) {
        return ResultCode::unknown_authorization;
    }
    if (const ResultCode result = check_charge(context, *found, metered);
        result != ResultCode::ok) {
        return result;
    }
    std::optional<ChargerRecord> charger = find_charger(state, found->visited, metered.evse_id);
    ENSURE(charger.has_value() && charger->busy == found->ref);
    // Rating is the dearest step: only for readings within the charge's time that a bridge signed.
    if (const ResultCode result =
            check_plausible(*found, *charger, metered, context.block.parameters);
        result != ResultCode::ok) {
        return result;
    }
    if (const ResultCode result = check_bridge(context, found->visited, metered);
        result != ResultCode::ok) {
        return result;
    }
    const std::optional<Tariff> tariff = find_tariff(state, found->visited, found->start->tariff);
    ENSURE(tariff.has_value());
    const Expected<Rating, RatingError> rating = rate(*tariff, metered.readings);
    if (!rating) {
        return ResultCode::unratable;
    }
    if (const ResultCode result = check_amounts(action, *rating, found->amount);
        result != ResultCode::ok) {
        return result;
    }
    write_record(context, *found, action, std::move(*charger));
    return ResultCode::ok;
}

namespace {

void post(const Context& context, Authorization authorization, AuthorizationStatus status) {
    const Money amount = authorization.record->amount;
    end_live(context.state(), std::move(authorization), status,
             Authorization::End{context.now(), amount, {}, {}});
}

}  // namespace

ResultCode apply(Context& context, const SettleCharge& action) {
    std::optional<Authorization> found =
        find_live_authorization(context.state(), action.authorization);
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
    if (action.amount != found->record->amount) {
        return ResultCode::amount_differs;
    }
    post(context, std::move(*found), AuthorizationStatus::settled);
    return ResultCode::ok;
}

ResultCode apply(Context& context, const ClaimCharge& action) {
    std::optional<Authorization> found =
        find_live_authorization(context.state(), action.authorization);
    if (!found) {
        return ResultCode::unknown_authorization;
    }
    if (context.signer() != found->visited) {
        return ResultCode::not_visited;
    }
    if (found->status != AuthorizationStatus::recorded) {
        return ResultCode::wrong_status;
    }
    if (context.now() <= found->record->settle_by) {
        return ResultCode::too_early;
    }
    if (context.now() > found->record->claim_until) {
        return ResultCode::too_late;
    }
    post(context, std::move(*found), AuthorizationStatus::claimed);
    return ResultCode::ok;
}

}  // namespace tally
