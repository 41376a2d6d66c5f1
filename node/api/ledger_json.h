#pragma once

// JSON forms of what is on the ledger, as the HTTP API gives them and `tally show` prints them.
// Amounts are decimal texts with four places, times are UTC milliseconds, hashes lower-case hex.

#include "ledger/chain/block.h"
#include "ledger/model/genesis.h"
#include "ledger/model/transaction.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <vector>

namespace tally::node {

/// {"id", "not_after_ms", "action": name, ...fields of the action}.
[[nodiscard]] boost::json::object to_json(const Transaction& transaction);
/// Only the action's fields.
[[nodiscard]] boost::json::object to_json(const Action& action);
[[nodiscard]] boost::json::object to_json(const BlockHeader& header);
[[nodiscard]] boost::json::object to_json(const Tariff& tariff);
[[nodiscard]] boost::json::object to_json(const Member& member);
[[nodiscard]] boost::json::object to_json(const Event& event);
/// [{"party", "amount"}].
[[nodiscard]] boost::json::array positions_json(const std::vector<NetPosition>& positions);
/// Epoch, view, digest and the indexes of the signers.
[[nodiscard]] boost::json::object to_json(const QuorumCertificate& certificate);
/// Header, certificate, and each transaction with its signer and result. Envelopes of a finalized
/// block always decode.
[[nodiscard]] boost::json::object to_json(const FinalizedBlock& block);
/// One transaction as its block shows it; nothing when the block does not have it.
[[nodiscard]] std::optional<boost::json::object> transaction_in(const FinalizedBlock& block,
                                                                const TransactionRef& ref);

}  // namespace tally::node
