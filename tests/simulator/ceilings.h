#pragma once

#include "consensus/driver/driver_status.h"
#include "consensus/mempool/mempool.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tally::simulator {

/// What one process has done since its start.
struct NodeWork {
    std::uint64_t verifications{0};  ///< signatures of votes that it checked
    std::uint64_t views_passed{0};
    std::size_t validators{0};
};

/// Checks per validator and view passed: NOTARIZE, NULLIFY and FINALIZE of each, once alone or in
/// whichever certificate brings it first; and what contradicts them.
inline constexpr std::uint64_t checks_per_view{4};
/// Views whose votes may come when a process has passed none yet.
inline constexpr std::uint64_t views_at_start{20};

/// What a node holds or has worked beyond the named bounds (docs/protocol/bounds.md), in words.
[[nodiscard]] std::optional<std::string> find_excess(const consensus::DriverFigures& status,
                                                     const consensus::Mempool& mempool,
                                                     const NodeWork& work);

}  // namespace tally::simulator
