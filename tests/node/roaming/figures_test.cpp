// The driver's figures against the checked values of design section 7 and of
// reference/ev-charging.md section 1.

#include "node/link/figures.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tally::node {
namespace {

constexpr std::int64_t sixty_kw{60'000};

FiguresInput design_case() {
    FiguresInput input;
    input.elapsed_s = 1'800;
    input.amount_so_far = 20 * money_scale;
    input.prepaid = 50 * money_scale;
    input.energy_wh = 30'000;  // full power for half an hour
    input.reference_power_w = sixty_kw;
    return input;
}

}  // namespace

TEST_CASE("at full power 20 of 50 after 1800 s leave 2700 s", "[figures]") {
    const Figures figures = driver_figures(design_case());
    CHECK(figures.progress_percent() == 40);
    CHECK(figures.remaining_s == 2'700);
    CHECK(figures.lost_ms == 0);
    CHECK_FALSE(figures.above_reference_power);
}

TEST_CASE("half power in the last 600 s loses 300 s, times b", "[figures]") {
    FiguresInput input = design_case();
    input.energy_wh = 25'000;
    for (const std::int64_t permille : {0, 500, 1'000, 2'000}) {
        input.coefficient_permille = permille;
        const Figures figures = driver_figures(input);
        CHECK(figures.lost_ms == 300'000);
        CHECK(figures.remaining_s == 2'700 + 300 * permille / 1'000);
    }
}

TEST_CASE("a taper from 60 to 10 kW gives the table of the reference", "[figures]") {
    struct Row {
        std::int64_t elapsed_s, percent, lost_ms_low, lost_ms_high, remaining_low, remaining_high;
    };
    // 1.2 per kWh, Mp = 60, b = 0; from 1800 s on P falls by 50 kW in 1800 s (tf = 99.8 at 2400
    // to 399.7 at 3000, sampled; exactly 100 and 400).
    const std::vector<Row> rows{{600, 20, 0, 0, 2'400, 2'400},
                                {1'800, 60, 0, 0, 1'200, 1'200},
                                {2'400, 76, 83'000, 101'000, 725, 735},
                                {3'000, 86, 333'000, 401'000, 455, 480}};
    for (const Row& row : rows) {
        const std::int64_t lost_s = row.elapsed_s <= 1'800 ? 0 : row.elapsed_s == 2'400 ? 100 : 400;
        FiguresInput input;
        input.elapsed_s = row.elapsed_s;
        input.energy_wh = (row.elapsed_s - lost_s) * sixty_kw / 3'600;
        input.amount_so_far = input.energy_wh * 12;  // 1.2000 a kWh
        input.prepaid = 60 * money_scale;
        input.reference_power_w = sixty_kw;
        input.coefficient_permille = 0;
        const Figures figures = driver_figures(input);
        CHECK(figures.progress_percent() == row.percent);
        CHECK(figures.lost_ms >= row.lost_ms_low);
        CHECK(figures.lost_ms <= row.lost_ms_high);
        REQUIRE(figures.remaining_s);
        CHECK(*figures.remaining_s >= row.remaining_low);
        CHECK(*figures.remaining_s <= row.remaining_high);
    }
}

TEST_CASE("what is not known is absent", "[figures]") {
    FiguresInput input = design_case();
    SECTION("nothing used yet") {
        input.amount_so_far = 0;
        CHECK(driver_figures(input).progress_percent() == 0);
        CHECK_FALSE(driver_figures(input).remaining_s);
    }
    SECTION("free or not prepaid") {
        input.prepaid = 0;
        CHECK_FALSE(driver_figures(input).progress_hundredths);
        CHECK_FALSE(driver_figures(input).remaining_s);
    }
    SECTION("used up") {
        input.amount_so_far = input.prepaid + 1;
        CHECK(driver_figures(input).progress_percent() == 100);
        CHECK(driver_figures(input).remaining_s == 0);
    }
    SECTION("just below") {
        input.amount_so_far = input.prepaid - 1;
        CHECK(driver_figures(input).progress_hundredths == 9'999);
    }
    SECTION("more energy than the power allows") {
        input.energy_wh = 30'001;
        CHECK(driver_figures(input).above_reference_power);
        CHECK(driver_figures(input).lost_ms == 0);
        CHECK(driver_figures(input).remaining_s == 2'700);
    }
    SECTION("unknown power loses nothing") {
        input.reference_power_w = 0;
        CHECK(driver_figures(input).lost_ms == 0);
        CHECK_FALSE(driver_figures(input).above_reference_power);
    }
    SECTION("negative input counts as none") {
        input.amount_so_far = -1;
        input.elapsed_s = -1;
        input.energy_wh = -1;
        CHECK(driver_figures(input).progress_percent() == 0);
    }
}

TEST_CASE("extreme input neither overflows nor shows a wrong figure", "[figures]") {
    constexpr std::int64_t huge{std::numeric_limits<std::int64_t>::max()};
    FiguresInput input;
    input.elapsed_s = huge;
    input.amount_so_far = 1;
    input.prepaid = huge;
    input.energy_wh = huge;
    input.reference_power_w = 1;
    input.coefficient_permille = huge;
    const Figures figures = driver_figures(input);
    CHECK(figures.progress_percent() == 0);
    CHECK_FALSE(figures.remaining_s);
    input.amount_so_far = huge - 1;
    CHECK(driver_figures(input).progress_percent() == 99);
}

}  // namespace tally::node
