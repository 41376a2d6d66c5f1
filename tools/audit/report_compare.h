#pragma once

#include "tools/audit/compare.h"

#include <boost/json/object.hpp>

#include <string>

namespace tally::tools {

/// What a comparison found out, without its findings: lines for people, one JSON object, and a
/// section of the HTML report.
[[nodiscard]] std::string comparison_text(const Comparison& comparison);
[[nodiscard]] boost::json::object comparison_json(const Comparison& comparison);
[[nodiscard]] std::string comparison_html(const Comparison& comparison);

}  // namespace tally::tools
