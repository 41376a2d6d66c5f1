#pragma once

#include "charger_bridge/metering/meter_trust.h"
#include "node/runtime/config_reader.h"

#include <cstdint>
#include <vector>

namespace tally::bridge {

/// `meters` of one [[charger]]: at most one for a connector, each with `unsigned = true`, or a key
/// in `key` or `key_file`, or both. Problems are noted at their places.
[[nodiscard]] std::vector<MeterConfig> read_meters(const node::ConfigTable& charger,
                                                   std::uint16_t connectors);

}  // namespace tally::bridge
