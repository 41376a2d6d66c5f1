#pragma once

// What the site's API lets an operator send to a charger. Pure.

#include "charger_bridge/ocpp/translation.h"
#include "ledger/base/expected.h"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace tally::bridge {

/// Levels of a request to the API: a charging profile inside {"action","payload"}.
inline constexpr std::size_t api_json_depth_max{ocpp_json_depth_max};

/// Whether `POST /api/v1/chargers/{id}/<name>` is one of those made here.
[[nodiscard]] bool is_api_command(std::string_view name);

/// The CALL that such a request makes, in the version that the charger speaks; or what is wrong
/// with its body. "call" takes any action of `Translation::is_ours`; every payload is checked
/// against its schema. `number` names a remote start where the version wants that.
[[nodiscard]] Expected<Command, std::string> command_of(std::string_view name,
                                                        const boost::json::object& body,
                                                        const Translation& translation,
                                                        std::int32_t number);

}  // namespace tally::bridge
