#include "charger_bridge/ocpp/fields.h"

#include "charger_bridge/ocmf/encoding.h"
#include "ledger/base/bytes.h"

#include <boost/json/value.hpp>

#include <limits>

namespace tally::bridge {

namespace json = boost::json;

std::string text_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string{*text} : std::string{};
}

bool has_text(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string();
}

std::optional<std::int64_t> integer_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    const std::int64_t* const number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? std::optional{*number} : std::nullopt;
}

const json::object* object_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr ? value->if_object() : nullptr;
}

const json::array* array_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr ? value->if_array() : nullptr;
}

std::optional<std::uint16_t> connector_of(const json::object& object, json::string_view name) {
    const std::optional<std::int64_t> number = integer_of(object, name);
    if (!number || *number < 0 || *number > std::numeric_limits<std::uint16_t>::max()) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(*number);
}

SignedReading signed_reading_of(const json::object& object) {
    SignedReading reading;
    reading.text = text_of(object, "signedMeterData");
    reading.encoding = text_of(object, "encodingMethod");
    reading.public_key_text = text_of(object, "publicKey");
    // A record of OCMF holds '|' and braces, which base64 does not.
    if (const std::optional<Bytes> decoded = bytes_from_base64(reading.text)) {
        const std::string_view plain = as_text(*decoded);
        if (plain.starts_with("OCMF|") || reading.encoding == "OCMF") {
            reading.text = plain;
        }
    }
    return reading;
}

json::object status_answer(std::string_view status) {
    json::object answer;
    answer["status"] = as_json(status);
    return answer;
}

}  // namespace tally::bridge
