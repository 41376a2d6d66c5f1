#pragma once

#include "node/process/node_files.h"

namespace tally::node {

enum class StateSyncEnd : std::uint8_t {
    ready,    ///< the ledger can be opened: filled from a snapshot, or as it was
    stopped,  ///< a signal came; what was fetched is kept for the next start
};

/// Before a node opens its ledger: when that is empty and the chain is old, asks the configured
/// peers for a snapshot and fills the ledger from it (docs/protocol/sync.md). Returns at once when
/// there are blocks already. An import that was cut off is taken up again and has to be finished.
///
/// Blocks the caller; runs a loop of its own, with the data folder's lock, the node's links and an
/// HTTP interface on which /readyz says how far it is. All of these are free again when it returns.
[[nodiscard]] Expected<StateSyncEnd, StartError> sync_state(const NodeInputs& inputs);

}  // namespace tally::node
