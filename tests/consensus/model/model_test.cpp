// The production core against a naive one, over random schedules.

#include "tests/consensus/model/duel.h"

#include <catch2/catch.hpp>

#include <array>
#include <optional>
#include <string>

namespace tally::consensus::model {
namespace {

constexpr std::array<std::size_t, 5> sizes{4, 5, 6, 7, 10};
constexpr std::uint64_t seeds{4'000};
constexpr std::size_t events_each{300};

void add(DuelCounts& all, const DuelCounts& one) {
    all.events += one.events;
    all.votes += one.votes;
    all.certificates += one.certificates;
    all.views += one.views;
    all.finalizations += one.finalizations;
    all.restarts += one.restarts;
    all.evidence += one.evidence;
}

TEST_CASE("the production core does what the naive one does, event by event", "[model]") {
    DuelCounts all;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Duel duel{seed, sizes[seed % sizes.size()]};
        const std::optional<std::string> difference = duel.run(events_each);
        INFO("seed " << seed << " of " << sizes[seed % sizes.size()] << " validators; the story: "
                     << "tests/consensus-model-planted none " << seed << " " << seed << " story");
        INFO(difference.value_or("no difference"));
        REQUIRE_FALSE(difference.has_value());
        add(all, duel.counts());
    }
    // A schedule in which little happens shows little.
    CHECK(all.events > seeds * 150);
    CHECK(all.votes > seeds * 5);
    CHECK(all.certificates > seeds * 5);
    CHECK(all.views > seeds * 5);
    CHECK(all.finalizations > seeds / 2);
    CHECK(all.restarts > seeds);
    CHECK(all.evidence > seeds / 2);
}

TEST_CASE("a schedule is a function of its seed", "[model]") {
    Duel first{7, 4};
    Duel second{7, 4};
    CHECK_FALSE(first.run(events_each));
    CHECK_FALSE(second.run(events_each));
    CHECK(first.story() == second.story());
    Duel other{8, 4};
    CHECK_FALSE(other.run(events_each));
    CHECK(first.story() != other.story());
}

}  // namespace
}  // namespace tally::consensus::model
