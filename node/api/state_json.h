#pragma once

// JSON forms of live state: accounts, authorizations, chargers. See ledger_json.h for the rules.

#include "ledger/state/queries.h"

#include <boost/json/object.hpp>

namespace tally::node {

[[nodiscard]] boost::json::object to_json(const AccountEntry& entry);
[[nodiscard]] boost::json::object to_json(const Authorization& authorization);
[[nodiscard]] boost::json::object to_json(const ChargerEntry& entry);
/// {"member", "accounts": [...]} with one entry a currency.
[[nodiscard]] boost::json::object accounts_json(const StateView& view, const PartyId& member);

}  // namespace tally::node
