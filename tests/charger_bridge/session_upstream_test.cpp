// Where another central system stands behind the bridge: what the sessions say is the bridge's.

#include "charger_bridge/proxy/alias_map.h"
#include "tests/charger_bridge/begin_charge.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

TransactionName named(std::int64_t number) { return TransactionName{number}; }

StopFacts stop_without_number(const Site& site, const std::string& token) {
    StopFacts stop;
    stop.transaction = named(-1);
    stop.token = token;
    stop.meter_stop_wh = 5'000;
    stop.timestamp = site.text_now();
    stop.time = site.now.wall;
    return stop;
}

}  // namespace

TEST_CASE("upstream: a charge is the bridge's from its swipe on, and across restarts") {
    Site site;
    CHECK_FALSE(site.core().is_any_open("CP1"));
    REQUIRE(site.swipe("BBB-1") == TagStatus::accepted);
    CHECK(site.core().holds_token("CP1", "BBB-1"));
    CHECK_FALSE(site.core().holds_token("CP1", "BBB-2"));
    CHECK_FALSE(site.core().holds_token("CP2", "BBB-1"));
    StartFacts start;
    start.connector = 1;
    start.token = "bbb-1";
    start.meter_start_wh = 1'000;
    start.timestamp = site.text_now();
    CHECK_FALSE(site.core().holds_start("CP1", start));
    const auto answer = site.start(1, "BBB-1", 1'000, start.timestamp);
    REQUIRE(answer);
    site.restart();
    CHECK(site.core().holds_start("CP1", start));
    CHECK(site.core().holds_transaction("CP1", named(answer->transaction)));
    CHECK_FALSE(site.core().holds_transaction("CP2", named(answer->transaction)));
    CHECK_FALSE(site.core().holds_transaction("CP1", named(answer->transaction + 1)));
    CHECK_FALSE(site.core().holds_transaction("CP1", named(-1)));
    CHECK(site.core().is_charging("CP1", 1));
    CHECK_FALSE(site.core().is_charging("CP1", 2));
    CHECK(site.core().is_any_open("CP1"));
    site.pass(600s);
    REQUIRE(site.stop(answer->transaction, 4'000));
    site.restart();
    // A stop that is repeated is still ours to answer; the connection need not be kept for it.
    CHECK(site.core().holds_transaction("CP1", named(answer->transaction)));
    CHECK_FALSE(site.core().holds_token("CP1", "BBB-1"));
    CHECK_FALSE(site.core().is_any_open("CP1"));
}

TEST_CASE("upstream: what the home operator refused is not the bridge's") {
    Site site;
    site.policy.accepts = false;
    const auto answer = site.start(1, "BBB-1", 1'000);
    REQUIRE(answer);
    REQUIRE(answer->status != TagStatus::accepted);
    CHECK_FALSE(site.core().holds_transaction("CP1", named(answer->transaction)));
    CHECK_FALSE(site.core().holds_token("CP1", "BBB-1"));
    CHECK_FALSE(site.core().is_any_open("CP1"));
}

TEST_CASE("upstream: a stop without a number is the bridge's when its card has a charge here") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(600s);
    CHECK(site.core().holds_stop("CP1", stop_without_number(site, "BBB-1")));
    CHECK_FALSE(site.core().holds_stop("CP1", stop_without_number(site, "AAA-7")));
    CHECK_FALSE(site.core().holds_stop("CP1", stop_without_number(site, "")));
    StopFacts by_number;
    by_number.transaction = named(transaction);
    CHECK(site.core().holds_stop("CP1", by_number));
}

TEST_CASE("upstream: its transaction on a connector ends the charge that was left open there") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(600s);
    REQUIRE(site.values(1, transaction, 4'000));
    site.feed(ConnectorTaken{"CP1", 2});
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    site.feed(ConnectorTaken{"CP1", 1});
    site.settle();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK_FALSE(site.core().is_any_open("CP1"));
}

TEST_CASE("upstream: the bridge's numbers begin above upstream's, and never go back") {
    Site site;
    site.transaction_first = own_transaction_first;
    site.restart();
    const std::int32_t first = begin_charge(site);
    CHECK(first == own_transaction_first);
    site.pass(600s);
    REQUIRE(site.stop(first, 4'000));
    site.transaction_first = 1;
    site.restart();
    site.pass(600s);
    CHECK(begin_charge(site, 4'000) > first);
}

}  // namespace tally::bridge::test
