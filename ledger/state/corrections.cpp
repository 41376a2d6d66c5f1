#include "ledger/state/corrections.h"

#include "ledger/model/rating.h"
#include "ledger/state/accounts.h"
#include "ledger/state/bridge_check.h"
#include "ledger/state/keys.h"
#include "ledger/state/plausibility.h"
#include "ledger/state/queries.h"

#include <algorithm>

namespace tally {
namespace {

/// The record of an authorization's corrections that both may go on with. `found` receives it when
/// there is one.
ResultCode find_open(const Context& context, const AuthorizationRef& authorization,
                     const PartyId& visited, std::optional<CorrectionRecord>& found) {
    if (find_live_authorization(context.state(), authorization)) {
        return ResultCode::authorization_live;
    }
    found = find_correction(context.state(), authorization);
    if (!found) {
        return ResultCode::ok;
    }
    if (found->visited != visited) {
        return ResultCode::not_visited;
    }
    return context.now() > found->expires ? ResultCode::too_late : ResultCode::ok;
}

/// Both halves of the agreement, active or not; `cap` receives what binds in this currency.
ResultCode find_cap(const Context& context, const Pair& pair, Money& cap) {
    const auto first = find_agreement_half(context.state(), pair.debtor, pair.creditor);
    const auto second = find_agreement_half(context.state(), pair.creditor, pair.debtor);
    if (!first || !second) {
        return ResultCode::no_agreement;
    }
    const auto cap_of = [&pair](const AgreementRecord& half) {
        return half.currency == pair.currency ? half.exposure_cap : 0;
    };
    cap = binding_cap(cap_of(*first), cap_of(*second));
    return ResultCode::ok;
}

/// What a meter cannot have counted. The EVSE's other records say nothing here: they may be later.
ResultCode check_energy(const Context& context, const PartyId& visited,
                        const MeteredCharge& metered) {
    const std::optional<ChargerRecord> charger =
        find_charger(context.state(), visited, metered.evse_id);
    if (!charger) {
        return ResultCode::unknown_charger;
    }
    const MeterReading& begin = metered.readings.front();
    const MeterReading& end = metered.readings.back();
    return is_energy_plausible(end.register_wh - begin.register_wh, charger->rated_power_w,
                               end.time - begin.time)
               ? ResultCode::ok
               : ResultCode::energy_implausible;
}

ResultCode check_rated(const Context& context, const PartyId& visited, const RatedCharge& charge) {
    const std::optional<Tariff> tariff = find_tariff(context.state(), visited, charge.tariff);
    if (!tariff) {
        return ResultCode::unknown_tariff;
    }
    if (tariff->currency != charge.currency) {
        return ResultCode::currency_mismatch;
    }
    if (const ResultCode result = check_energy(context, visited, charge.metered);
        result != ResultCode::ok) {
        return result;
    }
    if (const ResultCode result = check_bridge(context, visited, charge.metered);
        result != ResultCode::ok) {
        return result;
    }
    const Expected<Rating, RatingError> rating = rate(*tariff, charge.metered.readings);
    if (!rating) {
        return ResultCode::unratable;
    }
    if (charge.rated_amount != rating->total()) {
        return ResultCode::rated_amount_differs;
    }
    return charge.amount > charge.rated_amount ? ResultCode::amount_differs : ResultCode::ok;
}

ResultCode post(Context& context, const Pair& pair, Money amount) {
    Money cap{0};
    if (const ResultCode result = find_cap(context, pair, cap); result != ResultCode::ok) {
        return result;
    }
    return post_at_once(context.state(), pair, amount, cap);
}

/// Makes what a rated charge asks for due from the signer to who charged.
ResultCode post_rated(Context& context, const PartyId& visited, const RatedCharge& charge) {
    if (const ResultCode result = check_rated(context, visited, charge); result != ResultCode::ok) {
        return result;
    }
    return post(context, {context.signer(), visited, charge.currency}, charge.amount);
}

CorrectionRecord new_record(const Context& context, const PartyId& visited,
                            const Currency& currency) {
    CorrectionRecord record;
    record.visited = visited;
    record.currency = currency;
    record.expires = deadline_after(context.now(), context.block.parameters.correction_window);
    return record;
}

void write(Context& context, const AuthorizationRef& authorization,
           const CorrectionRecord& record) {
    context.state().put(keys::correction(authorization), encode(record));
    context.state().put(keys::deadline({record.expires, authorization, DeadlineKind::correction}),
                        {});
}

/// The charge that a credit reverses. The recorded one is not in the state any more: the first
/// credit of an authorization that had no late charge names it and what it charged.
ResultCode find_charge(CorrectionRecord& record, const CreditCharge& action,
                       CorrectionRecord::Charge*& found) {
    if (record.charges.empty()) {
        record.charges.push_back({action.record, action.charged, 0});
    }
    const auto charge =
        std::find_if(record.charges.begin(), record.charges.end(),
                     [&](const auto& known) { return known.record == action.record; });
    if (charge == record.charges.end()) {
        return ResultCode::unknown_correction;
    }
    if (charge->charged != action.charged) {
        return ResultCode::amount_differs;
    }
    if (action.amount > charge->charged - charge->credited) {
        return ResultCode::credit_exceeds_charge;
    }
    found = &*charge;
    return record.credits.size() < open_credits_max ? ResultCode::ok
                                                    : ResultCode::too_many_corrections;
}

}  // namespace

ResultCode post_late(Context& context, const TransactionRef& first, const LateCharge& action) {
    const PartyId& visited = first.signer;
    const AuthorizationRef& authorization = action.charge.metered.authorization;
    std::optional<CorrectionRecord> known;
    if (const ResultCode result = find_open(context, authorization, visited, known);
        result != ResultCode::ok) {
        return result;
    }
    if (known) {
        return ResultCode::already_corrected;
    }
    if (const ResultCode result = post_rated(context, visited, action.charge);
        result != ResultCode::ok) {
        return result;
    }
    CorrectionRecord record = new_record(context, visited, action.charge.currency);
    record.charges.push_back({first, action.charge.amount, 0});
    write(context, authorization, record);
    return ResultCode::ok;
}

ResultCode post_credit(Context& context, const TransactionRef& first, const CreditCharge& action) {
    const PartyId& visited = first.signer;
    std::optional<CorrectionRecord> known;
    if (const ResultCode result = find_open(context, action.authorization, visited, known);
        result != ResultCode::ok) {
        return result;
    }
    CorrectionRecord record = known ? *known : new_record(context, visited, action.currency);
    if (record.currency != action.currency) {
        return ResultCode::currency_mismatch;
    }
    CorrectionRecord::Charge* charge{nullptr};
    if (const ResultCode result = find_charge(record, action, charge); result != ResultCode::ok) {
        return result;
    }
    const Pair pair{visited, context.signer(), action.currency};
    if (const ResultCode result = post(context, pair, action.amount); result != ResultCode::ok) {
        return result;
    }
    charge->credited += action.amount;
    record.credits.push_back(first);
    write(context, action.authorization, record);
    return ResultCode::ok;
}

ResultCode post_rebill(Context& context, const TransactionRef& first, const RebillCharge& action) {
    const PartyId& visited = first.signer;
    const AuthorizationRef& authorization = action.charge.metered.authorization;
    std::optional<CorrectionRecord> record;
    if (const ResultCode result = find_open(context, authorization, visited, record);
        result != ResultCode::ok) {
        return result;
    }
    if (!record) {
        return ResultCode::unknown_correction;
    }
    const auto credit = std::find(record->credits.begin(), record->credits.end(), action.credit);
    if (credit == record->credits.end()) {
        return ResultCode::unknown_correction;
    }
    if (record->currency != action.charge.currency) {
        return ResultCode::currency_mismatch;
    }
    if (record->charges.size() == corrected_charges_max) {
        return ResultCode::too_many_corrections;
    }
    if (const ResultCode result = post_rated(context, visited, action.charge);
        result != ResultCode::ok) {
        return result;
    }
    record->credits.erase(credit);
    record->charges.push_back({first, action.charge.amount, 0});
    write(context, authorization, *record);
    return ResultCode::ok;
}

}  // namespace tally
