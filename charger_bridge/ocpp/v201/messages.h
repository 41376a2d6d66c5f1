#pragma once

// OCPP 2.0.1 requests of a charger as facts. A TransactionEvent is read leniently, for it must be
// answered whatever its clock or meter says. What this project calls a connector is an EVSE there.

#include "charger_bridge/ocpp/translation.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tally::bridge::v201 {

/// Reads a payload that conforms to its action's schema. Nothing when the action is one that only
/// the central system sends, or a number is out of range (EVSE above 65535).
[[nodiscard]] std::optional<RequestBody> decode_request(std::string_view action,
                                                        const boost::json::object& payload);

/// Whether a TransactionEvent has eventType, seqNo and the id of the transaction (1 to 36 bytes)
/// with their types, or a MeterValues its EVSE, whatever else is wrong with it.
[[nodiscard]] bool must_be_answered(std::string_view action, const boost::json::object& payload);

/// A sampled number of `unit` x 10^`multiplier` as whole `ones`, rounded down behind a thousandth
/// of one. Nothing below 0, above 10^15, for other units than `ones` and `thousands`, and
/// multipliers beyond +-9.
struct Unit {
    std::string_view unit;
    std::int64_t multiplier{0};
};
[[nodiscard]] std::optional<std::int64_t> whole_of(double value, const Unit& unit,
                                                   std::string_view ones,
                                                   std::string_view thousands);

}  // namespace tally::bridge::v201
