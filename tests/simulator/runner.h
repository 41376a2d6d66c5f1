#pragma once

#include "tests/simulator/coverage.h"
#include "tests/simulator/world.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tally::simulator {

/// What came of one seed or scenario.
struct RunResult {
    std::uint64_t seed{0};
    std::optional<std::string> violation;
    std::uint64_t hash{0};   ///< over the whole trace
    std::uint64_t lines{0};  ///< of the trace
    std::uint64_t height{0};
    std::uint64_t views{0};
    SimTime liveness_time{0};
    Coverage coverage;
    std::vector<std::string> last_lines;  ///< only with a violation
};

struct RunOptions {
    bool real_ledger{false};
    Canary canary{Canary::none};
    Trace::Sink sink;  ///< every trace line; may be empty
};

/// Chaos, liveness and the final checks of one seed, in this thread.
[[nodiscard]] RunResult run_seed(std::uint64_t seed, const RunOptions& options);

/// What a world shows after its run.
[[nodiscard]] RunResult result_of(World& world, std::uint64_t seed);

inline constexpr std::size_t jobs_max{64};
/// Violations that a batch reports before it stops early.
inline constexpr std::size_t violations_max{20};

struct BatchOptions {
    std::uint64_t first{1};
    std::uint64_t last{100};
    std::size_t jobs{1};  ///< processes, 1 to `jobs_max`
    bool real_ledger{false};
    Canary canary{Canary::none};
    /// What a seed is; empty: `run_seed` with the options above.
    std::function<RunResult(std::uint64_t seed)> run;
    std::size_t stop_after{violations_max};  ///< violations
    /// Called from time to time with seeds done and violations so far; may be empty.
    std::function<void(std::uint64_t done, std::size_t violations)> progress;
};
struct BatchResult {
    std::uint64_t seeds{0};  ///< that ran to their end
    std::uint64_t views{0};
    std::uint64_t heights{0};
    SimTime liveness_time_max{0};
    Coverage coverage;
    std::vector<RunResult> violations;
    std::chrono::milliseconds wall_time{0};
};

/// Runs a range of seeds in child processes, so that a seed that aborts is a result like others.
/// Call it while the process has one thread only.
[[nodiscard]] BatchResult run_batch(const BatchOptions& options);

}  // namespace tally::simulator
