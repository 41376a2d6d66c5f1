#pragma once

#include "charger_bridge/ocpp/translation.h"

namespace tally::bridge::v16 {

/// OCPP 1.6J.
[[nodiscard]] const Translation& translation();

/// {"idTagInfo": {"status": ...}}
[[nodiscard]] boost::json::object id_tag_answer(std::string_view status);

}  // namespace tally::bridge::v16
