// `tally bench ledger`: which pasts it makes, and what it leaves when it makes none.

#include "tools/bench/ledger_bench.h"

#include "tests/ledger/base/temporary_folder.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tally;
using namespace tally::tools;

namespace {

LedgerBenchOptions small(const std::string& folder) {
    LedgerBenchOptions options;
    options.folder = folder;
    options.transactions = 150;
    options.operators = 2;
    options.validators = 3;
    options.per_block = 12;
    options.open = 12;
    options.end = 1'790'000'000'000;
    return options;
}

Expected<boost::json::object, std::string> make(const LedgerBenchOptions& options) {
    return bench_ledger(options, [](std::uint64_t, std::uint64_t) {});
}

}  // namespace

SCENARIO("a past with hours between its blocks is made") {
    const test::TemporaryFolder folder;
    for (const std::uint64_t interval_ms : {1'000U, 600'000U, 3'600'000U}) {
        LedgerBenchOptions options = small(folder.file(std::to_string(interval_ms)));
        options.interval_ms = interval_ms;
        const auto figures = make(options);
        INFO(interval_ms << (figures ? "" : ": " + figures.error()));
        REQUIRE(figures);
        CHECK(figures->at("charges_settled").to_number<int>() > 0);
        CHECK(figures->if_contains("samples") == nullptr);
    }
}

SCENARIO("charges that could not be recorded in time are refused, and nothing is left behind") {
    const test::TemporaryFolder folder;
    LedgerBenchOptions options = small(folder.file("new"));
    options.interval_ms = 3'600'000;
    options.open = 1'000;
    const auto refused = make(options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find("has to be recorded within 72") != std::string::npos);
    CHECK(refused.error().find("--open 1000, --per-block 12") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(options.folder));
}

SCENARIO("what fails in the middle leaves the folder as it was") {
    const test::TemporaryFolder folder;
    LedgerBenchOptions options = small(folder.file("new"));
    options.end = 1;
    CHECK_FALSE(make(options));
    CHECK_FALSE(std::filesystem::exists(options.folder));
    std::filesystem::create_directory(options.folder);
    CHECK_FALSE(make(options));
    REQUIRE(std::filesystem::exists(options.folder));
    CHECK(std::filesystem::is_empty(options.folder));
}
