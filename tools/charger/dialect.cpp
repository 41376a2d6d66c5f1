#include "tools/charger/dialect.h"

#include "tools/charger/meter_seal.h"

#include <boost/json/serialize.hpp>
#include <date/date.h>

#include <sstream>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

const json::object* object_in(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
}

std::optional<std::int64_t> integer_in(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_int64()) {
        return std::nullopt;
    }
    return value->get_int64();
}

std::string status_in_object(const json::object& object) {
    const json::value* value = object.if_contains("status");
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

/// The status of an answer, wherever its version and action have it.
std::string status_in(const json::object& payload) {
    for (const char* const key : {"idTagInfo", "idTokenInfo"}) {
        if (const json::object* info = object_in(payload, key)) {
            return status_in_object(*info);
        }
    }
    return status_in_object(payload);
}

}  // namespace

OutgoingCall Dialect::heartbeat() const {
    OutgoingCall call;
    call.action = "Heartbeat";
    return call;
}

OutgoingCall Dialect::prepaid(const std::string& amount) const {
    OutgoingCall call;
    call.action = "DataTransfer";
    call.payload = {{"vendorId", "tally"},
                    {"messageId", "Prepaid"},
                    {"data", json::serialize(json::object{{"amount", amount}})}};
    return call;
}

AnswerMeaning Dialect::understand(const OutgoingCall& /*call*/, const CallAnswer& answer) const {
    AnswerMeaning meaning;
    if (!answer.error_code.empty()) {
        meaning.word = answer.error_code;
        meaning.accepted = false;
        return meaning;
    }
    meaning.word = status_in(answer.payload);
    meaning.accepted = meaning.word.empty() || meaning.word == "Accepted";
    if (meaning.word.empty()) {
        meaning.word = "ok";
    }
    meaning.transaction = integer_in(answer.payload, "transactionId");
    meaning.heartbeat_s = integer_in(answer.payload, "interval");
    return meaning;
}

std::unique_ptr<Dialect> make_dialect(OcppVersion version, SealFacts seal) {
    switch (version) {
        case OcppVersion::v16:
            return make_dialect16(std::move(seal));
        case OcppVersion::v201:
            return make_dialect201(std::move(seal));
    }
    return nullptr;
}

const char* to_text(OcppVersion version) {
    switch (version) {
        case OcppVersion::v16:
            return "1.6";
        case OcppVersion::v201:
            return "2.0.1";
    }
    return "";
}

std::string utc_text(UnixMillis time) {
    const date::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds{time}};
    std::ostringstream text;
    text << date::format("%FT%TZ", point);
    return text.str();
}

std::string public_key_text(const SealFacts& seal) {
    return base64_text(as_bytes("oca:base16:asn1:" + seal.public_key));
}

}  // namespace tally::tools
