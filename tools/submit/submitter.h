#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/actions.h"
#include "ledger/model/genesis.h"
#include "ledger/model/result_code.h"

#include <chrono>
#include <string>
#include <vector>

namespace tally::tools {

/// Who signs, and through which node.
struct SubmitAs {
    PartyId member;
    SecretKey member_key;
    Hash chain_id;
    std::string api;  ///< "http://127.0.0.1:7002"
};

/// What became of one submitted transaction.
struct SubmittedTransaction {
    TransactionRef ref;
    std::uint64_t height{0};
    std::string result;  ///< ResultCode as text
};

/// Transactions that were posted, in the order of their actions.
struct Submission {
    std::vector<TransactionRef> refs;
    /// The last one of each envelope: an envelope is in one block, so that when these are final,
    /// all are.
    std::vector<TransactionRef> last;
};

/// Signs the actions (1 or more), posts them to the node and waits until all are final. The error
/// says what the node answered or which transaction was not final in time.
[[nodiscard]] Expected<std::vector<SubmittedTransaction>, std::string> submit_and_wait(
    const SubmitAs& as, std::vector<Action> actions, std::chrono::milliseconds deadline);

/// Signs and posts without waiting: as one envelope, or as several where one would be so large that
/// the ledger counts it several times (consensus/mempool/mempool.h). Several are not ordered: what
/// rests on another action has to wait for it. An error leaves what was posted before it.
[[nodiscard]] Expected<Submission, std::string> submit_actions(const SubmitAs& as,
                                                               std::vector<Action> actions);

/// Waits until a transaction is final.
[[nodiscard]] Expected<SubmittedTransaction, std::string> wait_final(
    const std::string& api, const TransactionRef& ref, std::chrono::milliseconds deadline);

}  // namespace tally::tools
