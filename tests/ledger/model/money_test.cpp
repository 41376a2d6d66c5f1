#include "ledger/model/money.h"

#include "tests/ledger/base/seeded_random.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tally {

namespace {

__extension__ using Wide = __int128;

constexpr Money smallest{std::numeric_limits<Money>::min()};
constexpr Money largest{std::numeric_limits<Money>::max()};

bool fits(Wide value) { return value >= smallest && value <= largest; }

/// a * b / divisor rounded half away from zero, found by quotient and remainder.
std::optional<std::int64_t> reference(std::int64_t a, std::int64_t b, std::int64_t divisor) {
    const Wide product = Wide{a} * b;
    const Wide quotient = product / divisor;
    const Wide rest = product % divisor;
    const Wide rest_size = rest < 0 ? -rest : rest;
    Wide result = quotient;
    if (rest_size >= divisor - rest_size) {
        result += product < 0 ? -1 : 1;
    }
    return fits(result) ? std::optional{static_cast<std::int64_t>(result)} : std::nullopt;
}

/// Numbers of every size, and the edges more often than chance would give.
std::int64_t any_number(test::SeededRandom& random) {
    switch (random.below(6)) {
        case 0:
            return largest - random.between(0, 3);
        case 1:
            return smallest + random.between(0, 3);
        case 2:
            return random.between(-3, 3);
        default:
            return static_cast<std::int64_t>(random.next()) >> random.below(64);
    }
}

}  // namespace

TEST_CASE("amounts have four decimals", "[money]") {
    CHECK(money_to_text(0) == "0.0000");
    CHECK(money_to_text(1) == "0.0001");
    CHECK(money_to_text(-1) == "-0.0001");
    CHECK(money_to_text(123'400) == "12.3400");
    CHECK(money_to_text(-10'000) == "-1.0000");
    CHECK(money_to_text(largest) == "922337203685477.5807");
    CHECK(money_to_text(smallest) == "-922337203685477.5808");
}

TEST_CASE("amounts are read with at most four decimals", "[money]") {
    CHECK(money_from_text("50") == 500'000);
    CHECK(money_from_text("50.00") == 500'000);
    CHECK(money_from_text("0.0001") == 1);
    CHECK(money_from_text("-0.5") == -5'000);
    CHECK(money_from_text("007.1") == 71'000);
    CHECK(money_from_text("922337203685477.5807") == largest);
    CHECK(money_from_text("-922337203685477.5808") == smallest);
}

TEST_CASE("anything else is no amount", "[money]") {
    for (const char* text : {"",
                             "-",
                             ".",
                             "1.",
                             ".5",
                             "1.00000",
                             "+1",
                             "--1",
                             "1,0",
                             "1e3",
                             " 1",
                             "1 ",
                             "1.0.0",
                             "0x1",
                             "1-",
                             "1.-5",
                             "922337203685477.5808",
                             "-922337203685477.5809",
                             "1000000000000000",
                             "99999999999999999999999999",
                             "\xef\xbc\x91"}) {
        INFO(text);
        CHECK_FALSE(money_from_text(text));
    }
}

TEST_CASE("every amount is read back from its text", "[money][property]") {
    test::SeededRandom random{1};
    for (int round = 0; round < 20'000; ++round) {
        const Money amount = any_number(random);
        CHECK(money_from_text(money_to_text(amount)) == amount);
    }
}

TEST_CASE("sums and differences that do not fit give nothing", "[money][property]") {
    test::SeededRandom random{2};
    for (int round = 0; round < 20'000; ++round) {
        const Money left = any_number(random);
        const Money right = any_number(random);
        const Wide sum = Wide{left} + right;
        const Wide difference = Wide{left} - right;
        CHECK(checked_add(left, right).has_value() == fits(sum));
        CHECK(checked_subtract(left, right).has_value() == fits(difference));
        CHECK(Wide{checked_add(left, right).value_or(0)} == (fits(sum) ? sum : Wide{0}));
        CHECK(Wide{checked_subtract(left, right).value_or(0)} ==
              (fits(difference) ? difference : Wide{0}));
    }
}

TEST_CASE("halves are rounded away from zero, everything else to the nearest", "[money]") {
    CHECK(multiply_divide_half_up(1, 1, 2) == 1);
    CHECK(multiply_divide_half_up(-1, 1, 2) == -1);
    CHECK(multiply_divide_half_up(1, 1, 3) == 0);
    CHECK(multiply_divide_half_up(2, 1, 3) == 1);
    CHECK(multiply_divide_half_up(5, 1, 2) == 3);
    CHECK(multiply_divide_half_up(-5, 1, 2) == -3);
    CHECK(multiply_divide_half_up(499, 1, 1'000) == 0);
    CHECK(multiply_divide_half_up(500, 1, 1'000) == 1);
    CHECK(multiply_divide_half_up(smallest, 1, 1) == smallest);
    CHECK(multiply_divide_half_up(smallest, -1, 1) == std::nullopt);
    CHECK(multiply_divide_half_up(smallest, smallest, largest) == std::nullopt);
    CHECK(multiply_divide_half_up(largest, largest, largest) == largest);
}

TEST_CASE("products and quotients equal 128-bit arithmetic", "[money][property]") {
    test::SeededRandom random{3};
    for (int round = 0; round < 50'000; ++round) {
        const std::int64_t a = any_number(random);
        const std::int64_t b = any_number(random);
        const std::int64_t raw = any_number(random);
        const std::int64_t divisor = raw > 0 ? raw : random.between(1, 100'000);
        INFO(a << " * " << b << " / " << divisor);
        CHECK(multiply_divide_half_up(a, b, divisor) == reference(a, b, divisor));
    }
}

TEST_CASE("a currency is three capital letters", "[money]") {
    CHECK(to_text(*currency_from_text("CNY")) == "CNY");
    for (const char* text : {"", "CN", "CNYY", "cny", "CN1", "C Y"}) {
        CHECK_FALSE(currency_from_text(text));
    }
    CHECK_FALSE(is_valid(Currency{}));
}

}  // namespace tally
