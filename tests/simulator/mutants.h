#pragma once

#include "consensus/planted_bug.h"
#include "tests/simulator/runner.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace tally::simulator {

/// A bug that can be planted into consensus, and the worlds that must show it.
struct Mutant {
    consensus::PlantedBug bug{consensus::PlantedBug::none};
    const char* name{""};
    const char* story{""};  ///< what is broken
    /// What these worlds have more often than chance gives it; null: nothing.
    void (*bias)(WorldOptions& options){nullptr};
};

/// Every enumerator of PlantedBug but `none`, in its order.
[[nodiscard]] const std::vector<Mutant>& all_mutants();
/// Null when there is none of that name.
[[nodiscard]] const Mutant* find_mutant(std::string_view name);

/// One seed in the worlds of `mutant`, judged by the oracle and by the naive model. Whether the bug
/// is there is up to the program: only tally-simulate-planted has it, after `plant`.
[[nodiscard]] RunResult run_mutant_seed(const Mutant& mutant, std::uint64_t seed,
                                        const Trace::Sink& sink = {});
/// The same in the worlds of a mutant that the seed chooses: for the run without any bug.
[[nodiscard]] RunResult run_any_mutant_world(std::uint64_t seed);

}  // namespace tally::simulator
