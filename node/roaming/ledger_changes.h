#pragma once

#include "ledger/chain/block.h"
#include "ledger/model/actions.h"

#include <optional>
#include <vector>

namespace tally::node {

/// One transaction of a final block, with its result.
struct FinalTransaction {
    TransactionRef ref;  ///< signer and id
    ResultCode result{ResultCode::ok};
    Action action;
};

/// The transactions of a final block in the order of its leaves. A final block was executed by a
/// quorum, so bytes in it that do not decode are a broken invariant.
[[nodiscard]] std::vector<FinalTransaction> final_transactions(const FinalizedBlock& block);

}  // namespace tally::node
