#pragma once

// How a charger is told its new key, in either version of OCPP. Pure.

#include "charger_bridge/ocpp/translation.h"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace tally::bridge {

/// 1.6: ChangeConfiguration AuthorizationKey; 2.0.1: SetVariables BasicAuthPassword. `hex` has 40
/// hexadecimal digits.
[[nodiscard]] Command key_command(std::string_view sub_protocol, const std::string& hex);
/// Whether the charger says that it did not take the key. Anything unclear is no.
[[nodiscard]] bool has_refused_key(const boost::json::object& answer);
/// Whether a ChangeConfiguration would set the key past the bridge, which would not know it then.
/// Keys of OCPP compare without regard to case.
[[nodiscard]] bool is_key_setting(std::string_view configuration_key);
/// Whether this CALL, a ChangeConfiguration or SetVariables, would.
[[nodiscard]] bool sets_key(std::string_view action, const boost::json::object& payload);

}  // namespace tally::bridge
