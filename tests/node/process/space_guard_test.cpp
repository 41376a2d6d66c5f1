// A node stops in order before its disk is full.

#include "node/process/space_guard.h"

#include <catch2/catch.hpp>

using namespace tally::node;

SCENARIO("there is room until less than the least is free") {
    std::optional<std::uint64_t> free{1'000};
    std::string asked;
    SpaceGuard guard{"/data", 1'000, [&](const std::string& folder) {
                         asked = folder;
                         return free;
                     }};
    CHECK(guard.free_bytes() == 0);
    CHECK_FALSE(guard.find_problem());
    CHECK(asked == "/data");
    CHECK(guard.free_bytes() == 1'000);

    free = 999;
    const auto problem = guard.find_problem();
    REQUIRE(problem);
    CHECK(problem->find("/data: 999 bytes are free") == 0);
    CHECK(problem->find("free_bytes_min") != std::string::npos);

    free = 1'001;
    CHECK_FALSE(guard.find_problem());
}

SCENARIO("a disk that cannot be asked, and a least of nothing, stop nobody") {
    SpaceGuard unknown{"/data", 1'000, [](const std::string&) { return std::nullopt; }};
    CHECK_FALSE(unknown.find_problem());
    SpaceGuard off{"/data", 0, [](const std::string&) { return std::optional<std::uint64_t>{0}; }};
    CHECK_FALSE(off.find_problem());
}

SCENARIO("the real file system answers for a folder that is there, and for no other") {
    CHECK(free_bytes_of("/").has_value());
    CHECK_FALSE(free_bytes_of("/there/is/no/such/folder"));
}
