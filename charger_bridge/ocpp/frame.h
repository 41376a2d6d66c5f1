#pragma once

// OCPP-J frames: [2,id,action,{}], [3,id,{}], [4,id,code,description,{}]. Pure text to value
// and back; what a payload means is in translation.h, whether it has the right shape in schema.h.

#include "ledger/base/expected.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace tally::bridge {

inline constexpr std::size_t ocpp_text_bytes_max{64UL * 1024};  ///< one message, both directions
inline constexpr std::size_t ocpp_id_bytes_max{36};             ///< UUID
inline constexpr std::size_t ocpp_json_depth_max{12};           ///< deepest is a charging profile
inline constexpr std::size_t ocpp_description_bytes_max{255};

/// The error codes of OCPP-J 1.6, section 4.2.3, with its spelling, and those that 2.0.1 spells
/// otherwise or adds.
enum class ErrorCode : std::uint8_t {
    not_implemented,
    not_supported,
    internal_error,
    protocol_error,
    security_error,
    formation_violation,
    property_constraint_violation,
    occurence_constraint_violation,
    type_constraint_violation,
    generic_error,
    format_violation,
    occurrence_constraint_violation,
    message_type_not_supported,
    rpc_framework_error,
};
[[nodiscard]] const char* to_text(ErrorCode code);
/// Codes that the specification does not know become `generic_error`.
[[nodiscard]] ErrorCode error_code_from_text(std::string_view text);

struct Call {
    std::string id;
    std::string action;
    boost::json::object payload;
};
struct CallResult {
    std::string id;
    boost::json::object payload;
};
struct CallError {
    std::string id;
    ErrorCode code{ErrorCode::generic_error};
    std::string description;
};
using Frame = std::variant<Call, CallResult, CallError>;

/// Why a text is not a frame. `id` is the message id when it could be read, else "-1".
struct FrameError {
    ErrorCode code{ErrorCode::formation_violation};
    std::string id;
    std::string what;
};

/// Reads one websocket text. Bounded: at most `ocpp_text_bytes_max` bytes, `ocpp_json_depth_max`
/// levels, valid UTF-8 only.
[[nodiscard]] Expected<Frame, FrameError> parse_frame(std::string_view text);

[[nodiscard]] std::string call_text(const Call& call);
[[nodiscard]] std::string result_text(std::string_view id, const boost::json::object& payload);
/// The description is cut to what OCPP allows.
[[nodiscard]] std::string error_text(std::string_view id, ErrorCode code,
                                     std::string_view description);

}  // namespace tally::bridge
