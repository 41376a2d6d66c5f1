#pragma once

#include "tests/charger_bridge/site.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

/// A swipe and a start on connector 1 at register 1000; gives the transaction id.
inline std::int32_t begin_charge(Site& site, std::int64_t meter = 1'000) {
    REQUIRE(site.swipe() == TagStatus::accepted);
    const auto started = site.start(1, "BBB-1", meter);
    REQUIRE(started);
    REQUIRE(started->status == TagStatus::accepted);
    REQUIRE(started->transaction > 0);
    return started->transaction;
}

}  // namespace tally::bridge::test
