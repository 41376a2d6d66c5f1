#pragma once

#include "ledger/base/expected.h"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace tally::node {

/// Parses a whole JSON text (RFC 8259), at most 32 levels deep. An object that gives a key twice is
/// refused, because readers disagree on which one counts. The error is "not JSON: ..." or names
/// that key.
[[nodiscard]] Expected<boost::json::value, std::string> parse_json(std::string_view text);

}  // namespace tally::node
