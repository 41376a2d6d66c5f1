#pragma once

// Whether a payload has the shape that OCPP 1.6 gives it. The schemas are ocpp/schemas/*.json, put
// into the program at build time; valijson is included in schema.cpp only.

#include "charger_bridge/ocpp/frame.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

enum class Direction : std::uint8_t { request, response };

/// The first rule a payload breaks, in the words of OCPP.
struct SchemaViolation {
    ErrorCode code{ErrorCode::formation_violation};
    std::string what;  ///< names the field and the rule
};

/// Whether this action is spoken here at all (as a request of either side).
[[nodiscard]] bool is_known_action(std::string_view action);

/// Checks `payload` against the schema of `action`, which must be known. Nothing when it conforms.
/// Thread safety: one thread only (schemas are parsed on first use and kept).
[[nodiscard]] std::optional<SchemaViolation> find_violation(std::string_view action,
                                                            Direction direction,
                                                            const boost::json::object& payload);

}  // namespace tally::bridge
