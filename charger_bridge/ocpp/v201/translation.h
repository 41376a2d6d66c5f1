#pragma once

#include "charger_bridge/ocpp/translation.h"

namespace tally::bridge::v201 {

/// OCPP 2.0.1.
[[nodiscard]] const Translation& translation();

}  // namespace tally::bridge::v201
