#pragma once

#include "ledger/base/expected.h"
#include "tools/bench/machine_parts.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace tally::tools {

struct FinalityOptions {
    std::string devnet;  ///< folder of a running devnet, all of its members validators
    std::uint32_t seconds{20};
};

/// Block interval and finality of a devnet: half of the time with one transaction at a time, half
/// with enough of them that a block always follows the one before. Beside the figures stand the
/// parts (hops, signatures, syncs) that they are made of, from `parts`.
[[nodiscard]] Expected<boost::json::object, std::string> bench_finality(
    const FinalityOptions& options, const MachineParts& parts);

/// The figures as a table for a person.
[[nodiscard]] std::string finality_text(const boost::json::object& figures);

}  // namespace tally::tools
