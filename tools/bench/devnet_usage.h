#pragma once

#include "tools/devnet/manifest.h"

#include <boost/json/array.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace tally::tools {

/// What the programs of a devnet have used so far.
struct DevnetUsage {
    struct Program {
        double cpu_s{0};
        std::uint64_t resident_bytes{0};
        std::uint64_t disk_bytes{0};
    };
    std::map<std::string, Program> programs;  ///< by name: "AAA", "bridge-AAA"
};

/// Reads /proc and the data folders; programs that do not run are left out.
[[nodiscard]] DevnetUsage measure_usage(const DevnetManifest& manifest);

/// One object per program: cpu_s and disk_bytes between the two, resident_bytes at the end.
[[nodiscard]] boost::json::array usage_between(const DevnetUsage& before, const DevnetUsage& after);

/// Bytes of segment files that one member's ledger grew by.
[[nodiscard]] std::uint64_t segment_bytes(const DevnetNode& node);

}  // namespace tally::tools
