#pragma once

// Keys of the state as people write them: the table's name and its fields, "account AAA CNY".

#include "ledger/base/expected.h"
#include "ledger/state/state_view.h"

#include <string>
#include <vector>

namespace tally::tools {

/// The key that these words name. The error says what the table takes.
[[nodiscard]] Expected<Bytes, std::string> state_key_from_words(
    const std::vector<std::string>& words);
/// The words of a key; its bytes in hexadecimal behind the table when they are not such fields.
[[nodiscard]] std::string state_key_words(const Bytes& key);
/// What every table takes, one a line: "account PARTY CURRENCY".
[[nodiscard]] std::string state_key_usage();

}  // namespace tally::tools
