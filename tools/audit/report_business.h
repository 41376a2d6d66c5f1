#pragma once

#include "ledger/audit/audit.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tally::tools {

/// Figures of all pairs of a currency together.
[[nodiscard]] std::map<Currency, ChargeFigures> totals_of(const BusinessReport& report);

/// What was found out about charges and members as lines for people.
[[nodiscard]] std::string business_text(const AuditReport& report);
/// The same as one JSON object, see docs/auditors.md. Amounts are texts with four decimals.
[[nodiscard]] boost::json::object business_json(const BusinessReport& report);

/// What a step of a charge is called in reports for people; JSON has the names of `to_text`.
[[nodiscard]] const char* step_words(ChargeStep step);
/// A name as reports for people show it: "insufficient balance" for insufficient_balance.
[[nodiscard]] std::string words_of(std::string_view name);
/// "19299.123 kWh".
[[nodiscard]] std::string energy_text(std::uint64_t energy_wh);
/// Up to where sums go, and what is not in them: a copy cannot tell what comes after it.
[[nodiscard]] std::string sums_end_text(const AuditReport& report);

/// "2026-11-22" of a day since 1970-01-01.
[[nodiscard]] std::string day_text(std::int64_t day);

}  // namespace tally::tools
