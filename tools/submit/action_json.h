#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/actions.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace tally::tools {

inline constexpr std::size_t action_json_bytes_max{1024UL * 1024};

/// Reads the JSON form of an action that an operator signs by hand: SetAgreement, RegisterBridge,
/// RegisterCharger, PublishTariff, SetLimit, Countersign. The same field names as in the answers of
/// the HTTP API, plus "action". Errors name the field and the rule; unknown keys are errors. (The
/// actions of a charge are made by the node itself.)
[[nodiscard]] Expected<Action, std::string> action_from_json(std::string_view text);

}  // namespace tally::tools
