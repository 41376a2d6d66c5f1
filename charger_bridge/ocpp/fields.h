#pragma once

// Fields of a payload, read leniently: what is absent or of another type is nothing. Pure.

#include "charger_bridge/session/facts.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

/// Empty when absent.
[[nodiscard]] std::string text_of(const boost::json::object& object, boost::json::string_view name);
[[nodiscard]] bool has_text(const boost::json::object& object, boost::json::string_view name);
[[nodiscard]] std::optional<std::int64_t> integer_of(const boost::json::object& object,
                                                     boost::json::string_view name);
/// nullptr when absent.
[[nodiscard]] const boost::json::object* object_of(const boost::json::object& object,
                                                   boost::json::string_view name);
/// nullptr when absent.
[[nodiscard]] const boost::json::array* array_of(const boost::json::object& object,
                                                 boost::json::string_view name);
/// A number of a connector or EVSE; nothing above 65535 or below 0.
[[nodiscard]] std::optional<std::uint16_t> connector_of(const boost::json::object& object,
                                                        boost::json::string_view name);

[[nodiscard]] inline boost::json::string_view as_json(std::string_view text) {
    return {text.data(), text.size()};
}

/// What a charger put where a signed text belongs: the object of "Signed Meter Values in OCPP"
/// ({signedMeterData, encodingMethod, publicKey}, data and key in base64 or plain), or a text in
/// any encoding of its own, which is kept as it is.
[[nodiscard]] SignedReading signed_reading_of(const boost::json::object& object);

/// {"status": ...}
[[nodiscard]] boost::json::object status_answer(std::string_view status);

}  // namespace tally::bridge
