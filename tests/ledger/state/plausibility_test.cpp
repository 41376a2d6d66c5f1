#include "ledger/state/plausibility.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tally {

TEST_CASE("energy is bounded by rated power x (time + 60 s) x 1.05", "[state][plausibility]") {
    // 60 kW for 59 minutes and the minute of slack: 63 kWh.
    const UnixMillis duration = 59 * 60'000;
    CHECK(is_energy_plausible(63'000, 60'000, duration));
    CHECK_FALSE(is_energy_plausible(63'001, 60'000, duration));
    CHECK_FALSE(is_energy_plausible(63'000, 59'999, duration));
    CHECK_FALSE(is_energy_plausible(63'000, 60'000, duration - 1));
}

TEST_CASE("a charge of no time has the slack only", "[state][plausibility]") {
    CHECK(is_energy_plausible(0, 60'000, 0));
    CHECK(is_energy_plausible(1'050, 60'000, 0));
    CHECK_FALSE(is_energy_plausible(1'051, 60'000, 0));
    CHECK(is_energy_plausible(0, 0, 0));
    CHECK_FALSE(is_energy_plausible(1, 0, 1'000'000));
}

TEST_CASE("the comparison does not overflow", "[state][plausibility]") {
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const std::uint32_t strongest = std::numeric_limits<std::uint32_t>::max();
    CHECK_FALSE(is_energy_plausible(most, strongest, 0));
    CHECK(is_energy_plausible(most, strongest, most));
    CHECK(is_energy_plausible(0, strongest, most));
}

}  // namespace tally
