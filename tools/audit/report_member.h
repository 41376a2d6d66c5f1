#pragma once

#include "tools/audit/audit_outcome.h"

#include <boost/json/object.hpp>

#include <string>

namespace tally::tools {

// What an audit of one member says, in the three reports: how many entries touch it, their root,
// and which state roots under certificates were found to say the same. Empty without a member.
[[nodiscard]] std::string member_text(const AuditOutcome& outcome);
[[nodiscard]] std::string member_html(const AuditOutcome& outcome);
[[nodiscard]] boost::json::object member_json(const AuditOutcome& outcome);

}  // namespace tally::tools
