#pragma once

#include "ledger/base/expected.h"

#include <boost/json/array.hpp>

#include <string>

namespace tally::tools {

/// Every table of a stopped node's state store: {"table" (first byte of the keys, hexadecimal),
/// "entries", "bytes" (keys and values), "digest" (SHA-256 over all of them)}. Two stores with the
/// same digests have the same content. The error says why it cannot be read.
[[nodiscard]] Expected<boost::json::array, std::string> read_state_tables(
    const std::string& data_dir);

}  // namespace tally::tools
