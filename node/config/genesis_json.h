#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/genesis.h"
#include "node/config/json_fields.h"

#include <string>
#include <string_view>

namespace tally::node {

/// Largest genesis file that is read, in bytes.
inline constexpr std::size_t genesis_json_bytes_max{4UL * 1024 * 1024};

/// Reads the JSON form of a genesis (docs/protocol/genesis.md). Strict: an unknown or missing key,
/// a wrong type or a value out of range is an error that names the place ("members[2].party") and
/// the rule. The result passed `find_problem`.
[[nodiscard]] Expected<Genesis, std::string> genesis_from_json(std::string_view text);

/// The same file with its chain id; reading it back gives an equal genesis.
[[nodiscard]] std::string genesis_to_json(const Genesis& genesis);

/// Reads a file and parses it. Errors name the file.
[[nodiscard]] Expected<Genesis, std::string> load_genesis(const std::string& path);

// Parts of it that actions carry too.

/// A follower unless `validator` says otherwise. Bounds that are not the form's are not checked.
[[nodiscard]] Member member_from_json(const boost::json::value& value, const std::string& place,
                                      JsonProblems& problems);
/// Keys that are absent keep the value of `defaults`; without it they are a problem.
[[nodiscard]] Parameters parameters_from_json(const boost::json::value& value,
                                              const std::string& place, const Parameters* defaults,
                                              JsonProblems& problems);
[[nodiscard]] boost::json::object parameters_to_json(const Parameters& parameters);

}  // namespace tally::node
