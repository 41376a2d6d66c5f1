#pragma once

#include "consensus/planted_bug.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace tally::tools {

/// `--mutant NAME --seeds FIRST..LAST [--trace] [--no-bug]`.
struct MutantArguments {
    std::string name;
    std::string seeds;  ///< as given, for the program with bugs
    std::uint64_t first{0};
    std::uint64_t last{0};
    std::size_t jobs{1};
    bool trace{false};   ///< every event, when there is one seed only
    bool no_bug{false};  ///< the same worlds, with nothing planted
};

/// Plants a bug in this process; null in programs that have none.
using PlantBug = void (*)(consensus::PlantedBug bug);

/// One name a line, nothing else.
void list_mutants();

/// Whether the simulator catches the bug within the seeds; stops at the first that does. `none`
/// runs the worlds of all mutants without a bug. A program without bugs (`plant` null) becomes
/// tally-simulate-planted, which stands beside it or in ../bin.
///
/// Returns the exit code: 1 caught, with what was violated and the seed; 0 it escaped; 2 there is
/// no such mutant, or the program with the bugs is not there.
[[nodiscard]] int run_mutant(const MutantArguments& arguments, PlantBug plant);

}  // namespace tally::tools
