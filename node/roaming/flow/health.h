#pragma once

#include "node/link/bridge_messages.h"

#include <cstdint>
#include <vector>

namespace tally::node {

/// Why a swipe is refused before anybody else is asked; empty when the charger is fit. Reasons are
/// charger_faulted, charger_unavailable, charger_silent, charger_busy and unknown_charger.
///
/// With a connector (1 or more) that connector and the station as a whole must be fit; with
/// connector 0 one available connector is enough, else the reason nearest to usable is given.
/// `health` is what the bridge reports: connector 0 is the station as a whole.
[[nodiscard]] const char* charger_refusal(const std::vector<ConnectorState>& health,
                                          std::uint16_t connector);

}  // namespace tally::node
