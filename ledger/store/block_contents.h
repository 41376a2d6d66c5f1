#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/chain/block.h"
#include "ledger/chain/id_window.h"

#include <optional>
#include <vector>

namespace tally {

/// What a finalized block put into the log and into the window of ids, from the block alone.
struct BlockContents {
    std::vector<Leaf> leaves;
    IdWindow::BlockIds ids;
};

/// Nothing when an envelope does not decode or the results do not fit the transactions.
[[nodiscard]] std::optional<BlockContents> contents_of(const FinalizedBlock& block);

/// Adds to `batch` where each transaction of a block is: the first leaf of its id that is not a
/// repetition.
void index_transactions(const std::vector<Leaf>& leaves, const IdWindow::BlockIds& ids,
                        WriteBatch& batch);

}  // namespace tally
