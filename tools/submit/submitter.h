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

/// Signs the actions as one envelope (1 to 512 of them), posts it to the node and waits until all
/// are final. The error says what the node answered or which transaction was not final in time.
[[nodiscard]] Expected<std::vector<SubmittedTransaction>, std::string> submit_and_wait(
    const SubmitAs& as, std::vector<Action> actions, std::chrono::milliseconds deadline);

/// Signs and posts without waiting; the references are those of the actions, in order.
[[nodiscard]] Expected<std::vector<TransactionRef>, std::string> submit_actions(
    const SubmitAs& as, std::vector<Action> actions);

/// Waits until a transaction is final.
[[nodiscard]] Expected<SubmittedTransaction, std::string> wait_final(
    const std::string& api, const TransactionRef& ref, std::chrono::milliseconds deadline);

}  // namespace tally::tools
