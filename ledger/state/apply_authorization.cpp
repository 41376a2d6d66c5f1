#include "ledger/state/accounts.h"
#include "ledger/state/apply.h"
#include "ledger/state/authorizations.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>

namespace tally {
namespace {

Authorization new_authorization(const Context& context, const DecideAuthorization& action) {
    Authorization authorization;
    authorization.ref = context.transaction;
    authorization.visited = action.visited;
    authorization.currency = action.currency;
    authorization.request_hash = action.request_hash;
    authorization.token_commitment = action.token_commitment;
    authorization.station = action.station;
    authorization.decided_at = context.now();
    return authorization;
}

ResultCode deny(Context& context, const DecideAuthorization& action) {
    Authorization denied = new_authorization(context, action);
    denied.status = AuthorizationStatus::denied;
    denied.end = Authorization::End{context.now(), 0, action.reason, {}};
    put_finished(context.state(), denied);
    return ResultCode::ok;
}

ResultCode check_start_by(const Context& context, UnixMillis start_by) {
    const UnixMillis last = deadline_after(context.now(), context.block.parameters.start_window);
    const bool valid = context.now() < start_by && start_by <= last;
    return valid ? ResultCode::ok : ResultCode::invalid_deadline;
}

/// Both halves there, active, and of the approval's currency. `cap` receives the binding cap,
/// `offered` the visited operator's list.
struct Terms {
    Money cap{0};
    std::vector<std::string> offered;
};
ResultCode find_terms(const Context& context, const DecideAuthorization& action, Terms& terms) {
    const StateOverlay& state = context.state();
    const PartyId& home = context.signer();
    std::optional<AgreementRecord> of_home = find_agreement_half(state, home, action.visited);
    std::optional<AgreementRecord> of_visited = find_agreement_half(state, action.visited, home);
    if (!of_home || !of_visited || !of_home->active || !of_visited->active) {
        return ResultCode::no_agreement;
    }
    if (of_home->currency != action.currency || of_visited->currency != action.currency) {
        return ResultCode::currency_mismatch;
    }
    terms.cap = binding_cap(of_home->exposure_cap, of_visited->exposure_cap);
    terms.offered = std::move(of_visited->tariffs_offered);
    return ResultCode::ok;
}

ResultCode check_tariffs(const Context& context, const DecideAuthorization& action,
                         const std::vector<std::string>& offered) {
    if (action.tariffs.empty()) {
        return ResultCode::unknown_tariff;  // Nothing that the charge could be rated by.
    }
    for (const TariffRef& ref : action.tariffs) {
        const std::optional<Tariff> tariff = find_tariff(context.state(), action.visited, ref);
        if (!tariff) {
            return ResultCode::unknown_tariff;
        }
        if (tariff->currency != action.currency) {
            return ResultCode::currency_mismatch;
        }
        const bool is_offered = offered.empty() || std::find(offered.begin(), offered.end(),
                                                             ref.tariff_id) != offered.end();
        if (!is_offered) {
            return ResultCode::tariff_not_offered;
        }
    }
    return ResultCode::ok;
}

ResultCode approve(Context& context, const DecideAuthorization& action) {
    StateOverlay& state = context.state();
    if (const ResultCode result = check_start_by(context, action.start_by);
        result != ResultCode::ok) {
        return result;
    }
    Terms terms;
    if (const ResultCode result = find_terms(context, action, terms); result != ResultCode::ok) {
        return result;
    }
    if (const ResultCode result = check_tariffs(context, action, terms.offered);
        result != ResultCode::ok) {
        return result;
    }
    if (!is_station_known(state, action.visited, action.station)) {
        return ResultCode::unknown_charger;
    }
    if (action.amount < context.block.parameters.minimum_approval) {
        return ResultCode::below_minimum;
    }
    const Pair pair{context.signer(), action.visited, action.currency};
    if (const ResultCode result = reserve(state, pair, action.amount, terms.cap);
        result != ResultCode::ok) {
        return result;
    }
    Authorization approved = new_authorization(context, action);
    approved.amount = action.amount;
    approved.tariffs = action.tariffs;
    approved.start_by = action.start_by;
    add_live(state, approved);
    return ResultCode::ok;
}

}  // namespace

ResultCode apply(Context& context, const DecideAuthorization& action) {
    StateOverlay& state = context.state();
    if (find_live_authorization(state, context.transaction)) {
        return ResultCode::id_in_use;  // The id still names an open authorization.
    }
    if (action.visited == context.signer()) {
        return ResultCode::self_roaming;
    }
    const std::optional<MemberRecord> visited = find_member(state, action.visited);
    if (!visited) {
        return ResultCode::unknown_member;
    }
    if (!action.approved) {
        return deny(context, action);
    }
    const std::optional<MemberRecord> home = find_member(state, context.signer());
    if (!home || home->suspended || visited->suspended) {
        return ResultCode::member_suspended;
    }
    return approve(context, action);
}

ResultCode apply(Context& context, const ReleaseAuthorization& action) {
    StateOverlay& state = context.state();
    std::optional<Authorization> found = find_live_authorization(state, action.authorization);
    if (!found) {
        return ResultCode::unknown_authorization;
    }
    const bool by_visited = context.signer() == found->visited;
    if (!by_visited && context.signer() != found->home()) {
        return ResultCode::not_permitted;
    }
    const bool status_fits = found->status == AuthorizationStatus::approved ||
                             (by_visited && found->status == AuthorizationStatus::started);
    if (!status_fits) {
        return ResultCode::wrong_status;
    }
    if (context.now() > found->deadline()) {
        return ResultCode::too_late;  // Expired; the sweep has not come to it yet.
    }
    const UnixMillis home_from =
        deadline_after(found->decided_at, context.block.parameters.home_release_after);
    if (!by_visited && context.now() < home_from) {
        return ResultCode::too_early;
    }
    end_live(state, std::move(*found), AuthorizationStatus::released,
             Authorization::End{context.now(), 0, {}, {}});
    return ResultCode::ok;
}

namespace {

/// Whether the charge may start on this EVSE under one of the approved tariffs.
ResultCode check_evse(const Authorization& authorization, const StartCharge& action,
                      const std::optional<ChargerRecord>& charger) {
    if (!charger) {
        return ResultCode::unknown_charger;
    }
    if (charger->station != authorization.station) {
        return ResultCode::wrong_station;
    }
    const std::vector<TariffRef>& approved = authorization.tariffs;
    if (std::find(approved.begin(), approved.end(), action.tariff) == approved.end()) {
        return ResultCode::tariff_not_offered;
    }
    return charger->busy ? ResultCode::evse_busy : ResultCode::ok;
}

bool is_suspended(const StateView& state, const PartyId& party) {
    const std::optional<MemberRecord> member = find_member(state, party);
    return !member || member->suspended;
}

}  // namespace

ResultCode apply(Context& context, const StartCharge& action) {
    StateOverlay& state = context.state();
    const std::optional<Authorization> found = find_live_authorization(state, action.authorization);
    if (!found) {
        return ResultCode::unknown_authorization;
    }
    if (context.signer() != found->visited) {
        return ResultCode::not_visited;
    }
    if (found->status != AuthorizationStatus::approved) {
        return ResultCode::wrong_status;
    }
    if (context.now() > found->start_by) {
        return ResultCode::too_late;
    }
    if (is_suspended(state, found->visited) || is_suspended(state, found->home())) {
        return ResultCode::member_suspended;
    }
    std::optional<ChargerRecord> charger = find_charger(state, found->visited, action.evse_id);
    if (const ResultCode result = check_evse(*found, action, charger); result != ResultCode::ok) {
        return result;
    }
    charger->busy = found->ref;
    state.put(keys::charger(found->visited, action.evse_id), encode(*charger));
    Authorization started = *found;
    started.status = AuthorizationStatus::started;
    started.start = Authorization::Start{
        context.now(), deadline_after(context.now(), context.block.parameters.record_window),
        action.evse_id, action.tariff};
    replace_live(state, *found, started);
    return ResultCode::ok;
}

}  // namespace tally
