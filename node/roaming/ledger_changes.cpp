#include "node/roaming/ledger_changes.h"

#include "ledger/model/envelope.h"

namespace tally::node {

std::vector<FinalTransaction> final_transactions(const FinalizedBlock& block) {
    std::vector<FinalTransaction> transactions;
    transactions.reserve(block.results.size());
    for (const Bytes& bytes : block.block.envelopes) {
        const auto envelope = decode_envelope(bytes);
        ENSURE(envelope.has_value());
        for (const Bytes& encoded : envelope->transactions) {
            auto transaction = decode_transaction(encoded);
            ENSURE(transaction.has_value() && transactions.size() < block.results.size());
            const ResultCode result = block.results[transactions.size()];
            transactions.push_back({.ref = {.signer = envelope->signer, .id = transaction->id},
                                    .result = result,
                                    .action = std::move(transaction->action)});
        }
    }
    ENSURE(transactions.size() == block.results.size());
    return transactions;
}

}  // namespace tally::node
