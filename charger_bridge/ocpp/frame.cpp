#include "charger_bridge/ocpp/frame.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

constexpr std::array<std::pair<ErrorCode, const char*>, 14> code_names{{
    {ErrorCode::not_implemented, "NotImplemented"},
    {ErrorCode::not_supported, "NotSupported"},
    {ErrorCode::internal_error, "InternalError"},
    {ErrorCode::protocol_error, "ProtocolError"},
    {ErrorCode::security_error, "SecurityError"},
    {ErrorCode::formation_violation, "FormationViolation"},
    {ErrorCode::property_constraint_violation, "PropertyConstraintViolation"},
    {ErrorCode::occurence_constraint_violation, "OccurenceConstraintViolation"},
    {ErrorCode::type_constraint_violation, "TypeConstraintViolation"},
    {ErrorCode::generic_error, "GenericError"},
    {ErrorCode::format_violation, "FormatViolation"},
    {ErrorCode::occurrence_constraint_violation, "OccurrenceConstraintViolation"},
    {ErrorCode::message_type_not_supported, "MessageTypeNotSupported"},
    {ErrorCode::rpc_framework_error, "RpcFrameworkError"},
}};

constexpr std::int64_t call_kind{2};
constexpr std::int64_t result_kind{3};
constexpr std::int64_t error_kind{4};

Unexpected<FrameError> wrong(std::string id, const char* what,
                             ErrorCode code = ErrorCode::formation_violation) {
    return Unexpected{FrameError{code, std::move(id), what}};
}

/// The id of a frame, or nothing when it is not a text of 1 to 36 bytes.
const json::string* id_of(const json::array& frame) {
    const json::string* id = frame.size() > 1 ? frame[1].if_string() : nullptr;
    return id != nullptr && !id->empty() && id->size() <= ocpp_id_bytes_max ? id : nullptr;
}

Expected<Frame, FrameError> parse_call(json::array& frame, std::string id) {
    if (frame.size() != 4 || !frame[2].is_string() || !frame[3].is_object()) {
        return wrong(std::move(id), "a CALL is [2, id, action, {payload}]");
    }
    return Frame{
        Call{std::move(id), std::string{frame[2].get_string()}, std::move(frame[3].get_object())}};
}

Expected<Frame, FrameError> parse_error(const json::array& frame, std::string id) {
    if (frame.size() < 4 || frame.size() > 5 || !frame[2].is_string() || !frame[3].is_string()) {
        return wrong(std::move(id), "a CALLERROR is [4, id, code, description, {details}]");
    }
    std::string description{frame[3].get_string()};
    if (description.size() > ocpp_description_bytes_max) {
        description.resize(ocpp_description_bytes_max);
    }
    return Frame{CallError{std::move(id), error_code_from_text(frame[2].get_string()),
                           std::move(description)}};
}

}  // namespace

const char* to_text(ErrorCode code) {
    for (const auto& [known, name] : code_names) {
        if (known == code) {
            return name;
        }
    }
    return "GenericError";
}

ErrorCode error_code_from_text(std::string_view text) {
    for (const auto& [code, name] : code_names) {
        if (text == name) {
            return code;
        }
    }
    return ErrorCode::generic_error;
}

Expected<Frame, FrameError> parse_frame(std::string_view text) {
    if (text.size() > ocpp_text_bytes_max) {
        return wrong("-1", "message too large");
    }
    json::parse_options options;
    options.max_depth = ocpp_json_depth_max;
    json::error_code error;
    json::value value = json::parse(text, error, {}, options);
    json::array* const frame = error ? nullptr : value.if_array();
    if (frame == nullptr || frame->empty()) {
        return wrong("-1", "not a JSON array of OCPP-J");
    }
    const json::string* const read_id = id_of(*frame);
    if (read_id == nullptr) {
        return wrong("-1", "the message id is not a text of 1 to 36 bytes");
    }
    std::string id{*read_id};
    const std::int64_t* const kind = (*frame)[0].if_int64();
    if (kind == nullptr) {
        return wrong(std::move(id), "the message type is not a number");
    }
    switch (*kind) {
        case call_kind:
            return parse_call(*frame, std::move(id));
        case result_kind:
            if (frame->size() != 3 || !(*frame)[2].is_object()) {
                return wrong(std::move(id), "a CALLRESULT is [3, id, {payload}]");
            }
            return Frame{CallResult{std::move(id), std::move((*frame)[2].get_object())}};
        case error_kind:
            return parse_error(*frame, std::move(id));
        default:
            return wrong(std::move(id), "unknown message type", ErrorCode::protocol_error);
    }
}

std::string call_text(const Call& call) {
    json::array frame;
    frame.emplace_back(call_kind);
    frame.emplace_back(call.id);
    frame.emplace_back(call.action);
    frame.emplace_back(call.payload);
    return json::serialize(frame);
}

std::string result_text(std::string_view id, const json::object& payload) {
    json::array frame;
    frame.emplace_back(result_kind);
    frame.emplace_back(json::string{id.data(), id.size()});
    frame.emplace_back(payload);
    return json::serialize(frame);
}

std::string error_text(std::string_view id, ErrorCode code, std::string_view description) {
    const std::string_view cut = description.substr(0, ocpp_description_bytes_max);
    json::array frame;
    frame.emplace_back(error_kind);
    frame.emplace_back(json::string{id.data(), id.size()});
    frame.emplace_back(to_text(code));
    frame.emplace_back(json::string{cut.data(), cut.size()});
    frame.emplace_back(json::object{});
    return json::serialize(frame);
}

}  // namespace tally::bridge
