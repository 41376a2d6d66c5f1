#pragma once

// JSON forms of cycles and bank legs. See ledger_json.h for the rules.

#include "ledger/state/cycle_records.h"

#include <boost/json/object.hpp>

#include <optional>

namespace tally::node {

/// How many cycles before the open one a list begins with unless it is told.
inline constexpr std::uint64_t cycles_shown{20};

/// {"open": {...}, "items": [...]}: closed cycles from `cycle_from` on, one item a currency.
[[nodiscard]] boost::json::object cycles_json(const StateView& view, std::uint64_t cycle_from);
/// One closed cycle with net figures, bilateral matrix and legs; nothing when this node does not
/// know it.
[[nodiscard]] std::optional<boost::json::object> cycle_json(const StateView& view,
                                                            std::uint64_t cycle);
/// {"items": [...]}: the legs in the state, oldest cycle first.
[[nodiscard]] boost::json::object legs_json(const StateView& view);

}  // namespace tally::node
