#pragma once

#include "ledger/audit/business_report.h"

#include <boost/json/object.hpp>

#include <map>
#include <string>

namespace tally::tools {

/// Figures of all pairs of a currency together.
[[nodiscard]] std::map<Currency, ChargeFigures> totals_of(const BusinessReport& report);

/// What was found out about charges and members as lines for people.
[[nodiscard]] std::string business_text(const BusinessReport& report);
/// The same as one JSON object, see docs/auditors.md. Amounts are texts with four decimals.
[[nodiscard]] boost::json::object business_json(const BusinessReport& report);

/// "2026-11-22" of a day since 1970-01-01.
[[nodiscard]] std::string day_text(std::int64_t day);

}  // namespace tally::tools
