#pragma once

// What makes a transaction message the same one again, whatever its message id. Pure.

#include "charger_bridge/session/facts.h"
#include "charger_bridge/session/session_table.h"
#include "ledger/base/bytes.h"

#include <string>

namespace tally::bridge {

/// The charger's own name of a transaction is all that makes it the one.
[[nodiscard]] Hash named_facts(const std::string& station, const std::string& name);
[[nodiscard]] Hash facts_of(const std::string& station, const StartFacts& start,
                            const std::string& token);
[[nodiscard]] Hash facts_of(const std::string& station, const StopFacts& stop);

/// Whether a charger names the transaction, instead of saying that it never learnt its number.
[[nodiscard]] bool is_known_name(const TransactionName& name);

/// The number to list a transaction under: as said, or as this bridge counts; 0 for unknown names.
[[nodiscard]] std::int64_t number_of(const LiveSession* session, const TransactionName& name);

}  // namespace tally::bridge
