// What a creditor is shown before it confirms a payment.

#include "tests/support/ledger_fixture.h"
#include "tools/clearing/payment.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

namespace tally::tools {
namespace {

namespace fixture = tally::test;
const LegKey leg{2'961, fixture::currency("EUR"), fixture::party("BBB"), fixture::party("AAA")};

boost::json::value shown(const char* creditor, const char* cycle = "2961") {
    return boost::json::parse(std::string{R"({"items":[{"cycle":)"} + cycle +
                              R"(,"currency":"CNY","debtor":"BBB","creditor":"AAA",
        "amount":"1.0000","status":"pending","due_by_ms":1},{"cycle":)" +
                              cycle + R"(,"currency":"EUR","debtor":"BBB","creditor":")" +
                              creditor + R"(","amount":"18.5000","status":"defaulted",
        "due_by_ms":1764000000000}]})");
}

}  // namespace

SCENARIO("a payment is shown before it is confirmed") {
    const auto payment = find_payment(shown("AAA"), leg);
    REQUIRE(payment);
    CHECK(payment->amount == "18.5000");
    const std::string text = payment_text(*payment);
    for (const char* part : {"cycle 2961", "BBB pays AAA 18.5000 EUR", "defaulted",
                             "due 2025-11-24 16:00:00 UTC", "whole amount"}) {
        INFO(part);
        CHECK(text.find(part) != std::string::npos);
    }
}

SCENARIO("a payment that the node does not show is not found") {
    CHECK_FALSE(find_payment(shown("CCC"), leg));
    CHECK_FALSE(find_payment(shown("AAA", "2960"), leg));
    CHECK_FALSE(find_payment(boost::json::parse(R"({"items":[]})"), leg));
    CHECK_FALSE(find_payment(boost::json::parse(R"([1,2])"), leg));
}

SCENARIO("only a yes is a yes") {
    for (const char* line : {"y", "Y", "yes", " Yes\r"}) {
        CHECK(says_yes(line));
    }
    for (const char* line : {"", "n", "no", "yess", "yea", "1"}) {
        CHECK_FALSE(says_yes(line));
    }
}

}  // namespace tally::tools
