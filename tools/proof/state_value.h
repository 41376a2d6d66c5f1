#pragma once

#include "ledger/base/bytes.h"

#include <boost/json/value.hpp>

namespace tally::tools {

/// A value of the state as the HTTP API would show it; of other tables, and when it does not
/// decode, its bytes in hexadecimal.
[[nodiscard]] boost::json::value state_value_json(const Bytes& key, const Bytes& value);

}  // namespace tally::tools
