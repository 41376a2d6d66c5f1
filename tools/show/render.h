#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <vector>

namespace tally::tools {

/// An answer of the HTTP API as text for a person: nested fields as "a.b", one a line, values in
/// one column; lists of plain values on one line; lists of objects as numbered groups.
[[nodiscard]] std::string render_fields(const boost::json::value& answer);

/// A list of objects as a table of the named columns, aligned.
[[nodiscard]] std::string render_table(const boost::json::array& items,
                                       const std::vector<std::string>& columns);

/// The answer of /api/v1/consensus for a person: what is going on now, who is missing, and why
/// views ended without a block.
[[nodiscard]] std::string render_consensus(const boost::json::value& answer);

}  // namespace tally::tools
