#pragma once

#include "node/link/evidence_file.h"

#include <string>

namespace tally::node {

/// What auditors get, from a bridge and from a node: the session's id in hexadecimal, then each
/// text as a JSON string, a line each. `tally audit --evidence` reads it.
[[nodiscard]] std::string evidence_page(const EvidenceFile& file);

}  // namespace tally::node
