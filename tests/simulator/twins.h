#pragma once

#include "tests/simulator/runner.h"

#include <cstdint>
#include <vector>

namespace tally::simulator {

/// Twins (Bano and others, 2020): a validator's key runs on two machines at once, both honest in
/// themselves, and each view has its own partition of the machines. What the two do together is
/// equivocation, without anybody writing it down.
struct TwinsCase {
    std::size_t nodes{4};
    NodeIndex twin{0};  ///< the validator that machine number `nodes` runs as well
    /// Machines on the second side in view 1, 2, ..., a bit each; machine 0 is on the first.
    std::vector<std::uint32_t> partitions;
};

/// All cases of four validators and four views: each validator's place in the order of leaders
/// (the twin's choice) and each sequence of partitions of five machines.
inline constexpr std::uint64_t twins_exhaustive{4UL * 16 * 16 * 16 * 16};

/// Number below `twins_exhaustive`: that case. Others: a sample of 4, 7 or 10 validators and five
/// to eight views.
[[nodiscard]] TwinsCase twins_case(std::uint64_t number);
/// A case that only exchanges the twins of an earlier number.
[[nodiscard]] bool is_mirrored(const TwinsCase& twins);
/// Plays the partitions, then heals: safety throughout, progress at the end.
[[nodiscard]] RunResult run_twins(std::uint64_t number, const RunOptions& options);

}  // namespace tally::simulator
