#pragma once

#include "tools/bank/bank_match.h"

#include <boost/json/object.hpp>

#include <string>

namespace tally::tools {

/// A bank's statement beside the ledger, without its findings: lines for people, one JSON object,
/// and a section of the HTML report.
[[nodiscard]] std::string bank_text(const BankMatch& match);
[[nodiscard]] boost::json::object bank_json(const BankMatch& match);
[[nodiscard]] std::string bank_html(const BankMatch& match);

}  // namespace tally::tools
