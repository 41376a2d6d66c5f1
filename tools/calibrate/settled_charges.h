#pragma once

#include "ledger/model/actions.h"
#include "ledger/model/tariff.h"
#include "ledger/store/segment_source.h"

#include <functional>
#include <string>
#include <vector>

namespace tally::tools {

/// A charge whose money has moved, as the ledger has it.
struct SettledCharge {
    std::string name;  ///< of its authorization
    PartyId visited;
    std::uint32_t rated_power_w{0};
    Tariff tariff;
    MeteredCharge metered;
    Money rated_amount{0};
};

/// Reads all blocks of `source` in order and gives every settled charge to `take`. Checksums of the
/// files are checked, signatures are not: that is `tally audit`. How many were given, or what
/// cannot be read.
[[nodiscard]] Expected<std::uint64_t, std::string> for_settled_charges(
    SegmentSource& source, const Hash& chain_id,
    const std::function<void(const SettledCharge&)>& take);

}  // namespace tally::tools
