#pragma once

#include "ledger/base/expected.h"
#include "tools/support/percentiles.h"

#include <string>

namespace tally::tools {

/// What a block is made of on this machine, each measured alone: times in microseconds.
struct MachineParts {
    Latencies hop;      ///< one frame through an authenticated TLS link: half a round trip
    Latencies sign;     ///< ECDSA over secp256k1
    Latencies verify;   ///< with a parsed key
    Latencies append;   ///< a small record appended to a file and fdatasync
    Latencies rewrite;  ///< the same in place, as the safety record is written
};

/// Takes a second or two. Files are made in `folder`, which must exist and be on the disk that is
/// meant. The error says what could not be done.
[[nodiscard]] Expected<Done, std::string> measure_parts(const std::string& folder,
                                                        MachineParts& parts);

}  // namespace tally::tools
