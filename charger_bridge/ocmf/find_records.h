#pragma once

#include "ledger/base/expected.h"

#include <string>
#include <string_view>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t ocmf_records_of_text_max{64};

/// The OCMF records inside a station's JSON message, whatever the message is: texts that begin with
/// OCMF|, and texts that are a JSON object (OCA "Signed Meter Values in OCPP") whose
/// signedMeterData is one, in base64 or as it is. A public key beside it is passed over: only
/// registered keys count. In order of appearance, at most `ocmf_records_of_text_max`. A text that
/// is not JSON has none.
[[nodiscard]] std::vector<std::string> find_ocmf(std::string_view message);

}  // namespace tally::bridge
