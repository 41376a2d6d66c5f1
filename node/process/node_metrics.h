#pragma once

#include "ledger/state/state_view.h"
#include "ledger/store/leveldb_store.h"
#include "node/link/link.h"
#include "node/replica/replica.h"
#include "node/roaming/roaming_service.h"
#include "node/runtime/metrics.h"

namespace tally::node {

/// What the parts keep count of, put into the process's metrics at each collection
/// (docs/operators.md lists them).
void collect_replica(Metrics& metrics, const Replica& replica);
void collect_membership(Metrics& metrics, const StateView& state);
void collect_links(Metrics& metrics, const LinkMetrics& links);
void collect_roaming(Metrics& metrics, const RoamingService::Load& load);
/// `name`: state or operator.
/// Takes the store's slowest write with it: that is of the time since it was collected last.
void collect_store(Metrics& metrics, const std::string& name, LevelDbStore& store);

}  // namespace tally::node
