#pragma once

#include "consensus/driver/driver.h"

#include <boost/json/object.hpp>

namespace tally::node {

/// What consensus is doing now and why it did not do better: the current view, who voted in it and
/// who did not, views without a block and their reasons, what is not final, timers and disk.
[[nodiscard]] boost::json::object to_json(const consensus::DriverStatus& status);

}  // namespace tally::node
