#pragma once

#include "ledger/model/ids.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tally::tools {

inline constexpr std::size_t meter_samples_max{100'000};

/// A reading of the import register.
struct MeterSample {
    UnixMillis time{0};
    std::int64_t register_wh{0};
    friend bool operator==(const MeterSample&, const MeterSample&) = default;
};

/// The register readings in what a charger sent about a charge (OCPP 1.6 and 2.0.1, as a bridge
/// keeps it), with the charger's times, in order of time, each time once; at most
/// `meter_samples_max`. What is not a plain reading of the import register at the outlet, or has no
/// time, is passed over; so are texts that are no OCPP calls.
[[nodiscard]] std::vector<MeterSample> find_samples(const std::vector<std::string>& texts);

}  // namespace tally::tools
