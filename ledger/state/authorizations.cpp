#include "ledger/state/authorizations.h"

#include "ledger/base/check.h"
#include "ledger/state/accounts.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

namespace tally {
namespace {

Bytes deadline_key(const Authorization& authorization) {
    return keys::deadline(
        {authorization.deadline(), authorization.ref, DeadlineKind::authorization});
}

void free_evse(StateOverlay& state, const Authorization& authorization) {
    const std::string& evse_id = authorization.start->evse_id;
    std::optional<ChargerRecord> charger = find_charger(state, authorization.visited, evse_id);
    ENSURE(charger.has_value() && charger->busy == authorization.ref);
    charger->busy.reset();
    state.put(keys::charger(authorization.visited, evse_id), encode(*charger));
}

}  // namespace

void add_live(StateOverlay& state, const Authorization& authorization) {
    state.put(keys::authorization(authorization.ref), encode(authorization));
    state.put(deadline_key(authorization), {});
}

void replace_live(StateOverlay& state, const Authorization& before, const Authorization& after) {
    ENSURE(before.ref == after.ref);
    state.erase(deadline_key(before));
    add_live(state, after);
}

void end_live(StateOverlay& state, Authorization authorization, AuthorizationStatus status,
              const Authorization::End& end) {
    ENSURE(is_live(authorization.status) && !is_live(status));
    resolve(state, {authorization.home(), authorization.visited, authorization.currency},
            authorization.reserved(), end.posted - authorization.posted_so_far());
    if (authorization.status == AuthorizationStatus::started) {
        free_evse(state, authorization);
    }
    state.erase(keys::authorization(authorization.ref));
    state.erase(deadline_key(authorization));
    authorization.status = status;
    authorization.end = end;
    put_finished(state, authorization);
}

void put_finished(StateOverlay& state, const Authorization& authorization) {
    state.put(keys::finished(authorization.ref), encode(authorization));
}

}  // namespace tally
