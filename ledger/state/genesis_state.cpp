#include "ledger/state/genesis_state.h"

#include "ledger/base/check.h"
#include "ledger/state/accounts.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/epoch_records.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"
#include "ledger/state/records.h"

namespace tally {

void write_genesis_state(const Genesis& genesis, StateOverlay& state) {
    for (const Member& member : genesis.members) {
        state.put(keys::member(member.party), encode(MemberRecord{member, false}));
    }
    EpochRecord epoch;
    epoch.validators = validators_of(genesis.members);
    state.put(keys::epoch(), encode(epoch));
    state.put(keys::scheme(), encode(genesis.parameters));
    const std::uint64_t period = period_of(genesis.parameters, genesis.time);
    state.put(keys::cycle(), encode(CycleRecord{period, period, genesis.time, {}}));
    for (const GenesisAgreement& half : genesis.agreements) {
        const SetAgreement& agreement = half.agreement;
        state.put(keys::agreement(half.member, agreement.partner),
                  encode(AgreementRecord{agreement.active, agreement.currency,
                                         agreement.tariffs_offered, agreement.exposure_cap}));
    }
    for (const SetLimit& limit : genesis.limits) {
        set_limit(state, limit.member, limit.currency, limit.limit);
    }
    ENSURE(!update_totals(state));
}

}  // namespace tally
