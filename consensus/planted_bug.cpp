// Only part of the program tally-simulate-planted, see cmake/planted.cmake.

#include "consensus/planted_bug.h"

#ifndef TALLYSTICK_PLANTED_BUGS
#error "this file belongs to the build with planted bugs alone"
#endif

namespace tally::consensus {
namespace {

PlantedBug active{PlantedBug::none};

}  // namespace

bool planted(PlantedBug bug) noexcept { return bug != PlantedBug::none && bug == active; }
void plant(PlantedBug bug) noexcept { active = bug; }

}  // namespace tally::consensus
