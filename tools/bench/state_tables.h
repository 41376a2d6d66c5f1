#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/key_value_store.h"
#include "ledger/state/state_view.h"

#include <boost/json/array.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace tally::tools {

struct TableSize {
    std::uint64_t entries{0};
    std::uint64_t bytes{0};  ///< keys and values
};
/// Nothing when the store cannot be read.
[[nodiscard]] std::optional<TableSize> measure_table(const KeyValueStore& store, Table table);

/// Every table of a stopped node's state store: {"table" (first byte of the keys, hexadecimal),
/// "entries", "bytes" (keys and values), "digest" (SHA-256 over all of them)}. Two stores with the
/// same digests have the same content. The error says why it cannot be read.
[[nodiscard]] Expected<boost::json::array, std::string> read_state_tables(
    const std::string& data_dir);

}  // namespace tally::tools
