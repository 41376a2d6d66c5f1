#pragma once

// OCPP 1.6 requests of a charger as facts. Decoding takes payloads that the schema has accepted
// already, or any of a transaction message; what a schema cannot say (times,
// decimal texts) is read leniently here, because a transaction message must be answered whatever
// its clock or meter says.

#include "charger_bridge/ocpp/translation.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tally::bridge::v16 {

/// Reads a payload that conforms to its action's schema, or any of a transaction message. Nothing
/// when the action is one that only the central system sends, or a number is out of range
/// (connector above 65535) in another message.
[[nodiscard]] std::optional<RequestBody> decode_request(std::string_view action,
                                                        const boost::json::object& payload);

/// Whether it is a transaction message: StartTransaction, MeterValues, StopTransaction. Whatever is
/// wrong with the payload, it is read as far as it goes.
[[nodiscard]] bool must_be_answered(std::string_view action);

/// Energy.Active.Import.Register in Wh out of "12.345" and "kWh"; whole Wh, rounded down. Nothing
/// for exponents, signs, other units or more than 12 digits before the point.
[[nodiscard]] std::optional<std::int64_t> energy_from_text(std::string_view value,
                                                           std::string_view unit);

/// Power.Active.Import in W out of "7.36" and "kW", as `energy_from_text`.
[[nodiscard]] std::optional<std::int64_t> power_from_text(std::string_view value,
                                                          std::string_view unit);

}  // namespace tally::bridge::v16
