#pragma once

#include "ledger/state/state_view.h"

#include <optional>
#include <string>
#include <string_view>

namespace tally {

/// "member", "account" and so on, as docs/protocol/ledger.md calls them.
[[nodiscard]] const char* to_text(Table table);
/// Only tables of the state tree.
[[nodiscard]] std::optional<Table> table_from_text(std::string_view text);
/// All of the state tree, separated by commas.
[[nodiscard]] std::string table_names();

}  // namespace tally
