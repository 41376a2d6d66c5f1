#pragma once

#include "node/roaming/session_view.h"

#include <boost/json/object.hpp>

namespace tally::node {

/// The driver's charge as the API shows it. `n_percent`, `ts_s` and `authorization` are null while
/// unknown.
[[nodiscard]] boost::json::object to_json(const SessionView& session);

}  // namespace tally::node
