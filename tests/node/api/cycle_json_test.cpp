// What the API shows of cycles and legs, over a ledger that has closed one.

#include "node/api/cycle_json.h"

#include "tests/support/ledger_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include <string>

namespace tally::node {
namespace {

namespace fixture = tally::test;
namespace json = boost::json;

const PartyId aaa = fixture::party("AAA");
const PartyId bbb = fixture::party("BBB");

/// BBB owes AAA 18.0000 in cycle 0; cycle 1 is open.
struct ClosedCycle {
    fixture::TestChain chain{genesis(), {aaa}};
    UnixMillis closed_at{fixture::genesis_time + fixture::hour_ms};

    static Genesis genesis() {
        Genesis genesis = fixture::make_genesis();
        genesis.parameters.cycle_length = fixture::hour_ms;
        genesis.parameters.payment_window = fixture::hour_ms;
        return genesis;
    }
    ClosedCycle() {
        const AuthorizationRef ref = chain.charge_until_recorded(bbb, aaa, 12'000);
        REQUIRE(chain.apply(bbb, SettleCharge{ref, fixture::units(18)}) == ResultCode::ok);
        chain.add_block(closed_at, {});
    }
    void confirm() {
        const ConfirmPayment payment{0, fixture::currency("CNY"), bbb, "statement 7/2"};
        REQUIRE(chain.apply(aaa, payment) == ResultCode::ok);
    }
};

std::string text(const json::object& object) { return json::serialize(object); }

}  // namespace

SCENARIO("closed cycles are listed with what is still to be paid") {
    ClosedCycle closed;
    const std::string due_by = std::to_string(closed.closed_at + fixture::hour_ms);
    const std::string item = R"({"cycle":0,"currency":"CNY","closed_at_ms":)" +
                             std::to_string(closed.closed_at) + R"(,"due_by_ms":)" + due_by +
                             R"(,"members":2,"legs":1,"open_legs":)";
    const std::string open =
        R"({"open":{"cycle":1,"opened_at_ms":)" + std::to_string(closed.closed_at) + "},";
    CHECK(text(cycles_json(closed.chain.state(), 0)) == open + R"("items":[)" + item + "1}]}");
    closed.confirm();
    CHECK(text(cycles_json(closed.chain.state(), 0)) == open + R"("items":[)" + item + "0}]}");
    CHECK(text(cycles_json(closed.chain.state(), 1)) == open + R"("items":[]})");
}

SCENARIO("a cycle shows figures, matrix and legs, also when all are paid") {
    ClosedCycle closed;
    const auto shown = cycle_json(closed.chain.state(), 0);
    REQUIRE(shown);
    const json::object& currency = shown->at("currencies").as_array().at(0).as_object();
    CHECK(json::serialize(currency.at("net")) ==
          R"([{"party":"AAA","amount":"18.0000"},{"party":"BBB","amount":"-18.0000"}])");
    CHECK(json::serialize(currency.at("matrix")) ==
          R"([{"debtor":"BBB","creditor":"AAA","amount":"18.0000"}])");
    const std::string leg = R"([{"debtor":"BBB","creditor":"AAA","amount":"18.0000","status":")";
    CHECK(json::serialize(currency.at("legs")) ==
          leg + R"(pending","due_by_ms":)" + std::to_string(closed.closed_at + fixture::hour_ms) +
              "}]");
    closed.confirm();
    const auto paid = cycle_json(closed.chain.state(), 0);
    REQUIRE(paid);
    CHECK(json::serialize(paid->at("currencies").as_array().at(0).at("legs")) ==
          leg + R"(confirmed"}])");
    CHECK_FALSE(cycle_json(closed.chain.state(), 1));
    CHECK_FALSE(cycle_json(closed.chain.state(), 2));
}

SCENARIO("legs are listed with their state") {
    ClosedCycle closed;
    closed.chain.pass(fixture::hour_ms + 1);
    closed.chain.pass(1);  // Defaults come with the second block behind due_by.
    CHECK(text(legs_json(closed.chain.state())) ==
          R"({"items":[{"cycle":0,"currency":"CNY","debtor":"BBB","creditor":"AAA",)"
          R"("amount":"18.0000","status":"defaulted","due_by_ms":)" +
              std::to_string(closed.closed_at + fixture::hour_ms) + "}]}");
    closed.confirm();
    CHECK(text(legs_json(closed.chain.state())) == R"({"items":[]})");
}

}  // namespace tally::node
