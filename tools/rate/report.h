#pragma once

#include "ledger/model/rating.h"

#include <string>

namespace tally::tools {

/// {"currency", "lines", "total_cost": {"excl_vat", "incl_vat"}}; money with four decimals.
[[nodiscard]] std::string rating_json(const Currency& currency, const Rating& rating);
/// The same as a table for people.
[[nodiscard]] std::string rating_text(const Currency& currency, const Rating& rating);

}  // namespace tally::tools
