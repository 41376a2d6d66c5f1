#pragma once

// What of clearing is open in a state, as whole lists: for who keeps books beside it. As the
// functions of queries.h, these stop the process on a value that does not decode.

#include "ledger/state/records.h"
#include "ledger/state/state_view.h"

#include <vector>

namespace tally {

struct CountersignEntry {
    TransactionRef ref;
    CountersignRecord record;
};
/// Everything that waits for a second signature, in order of reference.
[[nodiscard]] std::vector<CountersignEntry> list_countersigns(const StateView& view);

struct CorrectionEntry {
    AuthorizationRef ref;
    CorrectionRecord record;
};
/// All corrected charges, in order of authorization.
[[nodiscard]] std::vector<CorrectionEntry> list_corrections(const StateView& view);

}  // namespace tally
