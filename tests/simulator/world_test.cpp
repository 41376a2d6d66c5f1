// The simulator itself: same seed, same bytes; planted errors are found.

#include "tests/simulator/runner.h"
#include "tests/simulator/scenarios.h"

#include <catch2/catch.hpp>

#include <string>

namespace tally::simulator {
namespace {

struct Traced {
    RunResult result;
    std::string text;
};

Traced traced(std::uint64_t seed, bool real_ledger) {
    Traced traced;
    RunOptions options{.real_ledger = real_ledger, .canary = Canary::none, .sink = {}};
    options.sink = [&traced](std::string_view line) {
        traced.text += line;
        traced.text += '\n';
    };
    traced.result = run_seed(seed, options);
    return traced;
}

bool finds(Canary canary, const std::string& what) {
    const RunResult result = run_seed(7, {.real_ledger = false, .canary = canary, .sink = {}});
    UNSCOPED_INFO(result.violation.value_or("nothing found"));
    return result.violation && result.violation->find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a seed gives the same trace, byte for byte", "[simulator]") {
    for (const std::uint64_t seed : {11U, 12U, 13U}) {
        const Traced first = traced(seed, false);
        const Traced second = traced(seed, false);
        REQUIRE(first.text.size() > 10'000);
        CHECK(first.text == second.text);
        CHECK(first.result.hash == second.result.hash);
        CHECK(first.result.lines == second.result.lines);
    }
    CHECK(traced(11, false).result.hash != traced(12, false).result.hash);
}

TEST_CASE("a seed with the real ledger gives the same trace", "[simulator]") {
    const Traced first = traced(21, true);
    CHECK(first.text == traced(21, true).text);
    CHECK_FALSE(first.result.violation);
}

TEST_CASE("a planted error is found", "[simulator]") {
    CHECK(finds(Canary::double_vote, "notarize"));
    CHECK(finds(Canary::rewritten_final, "headers differ"));
    CHECK(finds(Canary::lying_disk, "journal"));
}

TEST_CASE("a batch names the seeds that broke a rule", "[simulator]") {
    BatchOptions options;
    options.first = 1;
    options.last = 4;
    options.jobs = 2;
    options.canary = Canary::double_vote;
    const BatchResult result = run_batch(options);
    CHECK(result.seeds == 4);
    REQUIRE(result.violations.size() == 4);
    CHECK_FALSE(result.violations.front().last_lines.empty());
}

TEST_CASE("a batch gives what single runs give", "[simulator]") {
    BatchOptions options;
    options.first = 31;
    options.last = 34;
    options.jobs = 3;
    const BatchResult batch = run_batch(options);
    std::uint64_t heights{0};
    for (std::uint64_t seed = 31; seed <= 34; ++seed) {
        heights += run_seed(seed, {}).height;
    }
    CHECK(batch.violations.empty());
    CHECK(batch.seeds == 4);
    CHECK(batch.heights == heights);
}

TEST_CASE("coverage below its floor is named", "[simulator]") {
    Coverage coverage;
    // Twins have runs of their own, and so has everything about the ledger.
    CHECK(coverage.below_floor(100).size() == Coverage::kinds - 4);
    CHECK(coverage.below_floor(100, true).size() == Coverage::kinds - 5);
    for (std::size_t i = 0; i < Coverage::kinds; ++i) {
        coverage.add(static_cast<Happening>(i), 1'000'000);
    }
    CHECK(coverage.below_floor(100).empty());
    CHECK(coverage.below_floor(100, true).empty());
}

TEST_CASE("scenarios have different names", "[simulator]") {
    for (const Scenario& scenario : all_scenarios()) {
        CHECK(find_scenario(scenario.name) == &scenario);
    }
    CHECK(find_scenario("nonsense") == nullptr);
}

}  // namespace tally::simulator
