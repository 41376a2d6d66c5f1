#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/genesis.h"
#include "node/config/node_config.h"

#include <string>

namespace tally::tools {

/// Reads the TOML description of a network (docs/operators.md) with the public.json of every
/// member's keys. `now` is the time of the genesis unless the file states one. All problems are
/// returned, each with file, line and key.
[[nodiscard]] Expected<Genesis, node::ConfigProblems> load_genesis_config(const std::string& path,
                                                                          UnixMillis now);

}  // namespace tally::tools
