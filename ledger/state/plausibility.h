#pragma once

// Whether what a bridge metered can be true, as far as the ledger can tell.

#include "ledger/model/actions.h"
#include "ledger/model/genesis.h"
#include "ledger/model/result_code.h"
#include "ledger/state/records.h"

namespace tally {

/// Compares a metered charge with its meter, the previous charge of the EVSE, the authorization's
/// times and the rated power. `metered.readings` are in order (they were rated). `authorization` is
/// started. Gives `ok` or the first rule that is broken, in the order: wrong_meter,
/// register_went_back, overlaps_previous, time_out_of_bounds, energy_implausible.
[[nodiscard]] ResultCode check_plausible(const Authorization& authorization,
                                         const ChargerRecord& charger, const MeteredCharge& metered,
                                         const Parameters& parameters);

/// energy <= rated power x (duration + 60 s) x 1.05, exactly. `duration_ms` and `energy_wh` are 0
/// or more.
[[nodiscard]] bool is_energy_plausible(std::int64_t energy_wh, std::uint32_t rated_power_w,
                                       UnixMillis duration_ms) noexcept;

}  // namespace tally
