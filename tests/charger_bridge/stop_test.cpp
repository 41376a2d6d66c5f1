// Stopping at the prepaid amount: the driver is warned before, what is beyond is counted, and a
// charger that does not listen is dealt with.

#include "tests/charger_bridge/begin_charge.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

/// A charge that was asked to stop by the site and goes on.
std::int32_t deaf_charge(Site& site) {
    const std::int32_t transaction = begin_charge(site);
    site.feed(StopWanted{"CP1", transaction});
    return transaction;
}

}  // namespace

TEST_CASE("the driver is warned once, when the amount reaches its share of the prepaid one") {
    Site site;
    site.policy.prepaid = 10 * money_scale;  // 1.2 a kWh: 80 % is 6.667 kWh
    const std::int32_t transaction = begin_charge(site, 0);
    site.pass(360s);
    CHECK(site.values(1, transaction, 6'600));
    CHECK(site.count_notes("driver_warned") == 0);
    site.restart();
    site.pass(10s);
    CHECK(site.values(1, transaction, 6'700));
    CHECK(site.count_notes("driver_warned") == 1);
    REQUIRE_FALSE(site.costs.empty());
    CHECK(site.costs.back().transaction == transaction);
    CHECK(site.costs.back().amount == 80'400);
    site.restart();
    site.pass(10s);
    CHECK(site.values(1, transaction, 6'800));
    CHECK(site.count_notes("driver_warned") == 1);
}

TEST_CASE("what a charge came to beyond its prepaid amount is counted, exactly") {
    Site site;
    site.policy.prepaid = 10 * money_scale;
    const std::int32_t transaction = begin_charge(site, 0);
    site.pass(600s);
    CHECK(site.stop(transaction, 9'000));  // 10.80
    CHECK(site.count_notes("prepaid_exceeded") == 1);
    CHECK(site.details_of("prepaid_exceeded") == std::vector<std::string>{"8000"});
    Site within;
    within.policy.prepaid = 10 * money_scale;
    const std::int32_t other = begin_charge(within, 0);
    within.pass(600s);
    CHECK(within.stop(other, 8'000));
    CHECK(within.count_notes("prepaid_exceeded") == 0);
}

TEST_CASE("a charger that ignores the stop marks its station, until an operator clears it") {
    Site site;
    const std::int32_t transaction = deaf_charge(site);
    site.pass(119s);
    CHECK(site.core().marks().all().empty());
    site.pass(1s);
    REQUIRE(site.core().marks().find("CP1") != nullptr);
    CHECK(site.core().marks().find("CP1")->transaction == transaction);
    const auto states = site.core().connector_states("CP1", site.now);
    CHECK(states.front().health == node::ConnectorHealth::faulted);
    CHECK(states.front().error_code == "StopIgnored");
    CHECK(site.got<node::StationState>().back().connectors.front().error_code == "StopIgnored");
    CHECK(site.unlocks.empty());
    CHECK(site.resets.empty());
    site.restart();
    CHECK(site.swipe("BBB-2") == TagStatus::invalid);
    CHECK(site.core().refusals().front().reason == "stop_ignored");
    CHECK(site.start(2, "BBB-3", 5)->status == TagStatus::invalid);
    CHECK(site.stop(transaction, 1'500));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.swipe("BBB-2") == TagStatus::invalid);
    site.feed(MarkCleared{"CP1", "eve", "exchanged the contactor"});
    CHECK(site.swipe("BBB-2") == TagStatus::accepted);
    site.restart();
    CHECK(site.core().marks().all().empty());
}

TEST_CASE("a charger that ignores the stop is unlocked or reset, once, as the site says") {
    for (const IgnoredStop policy : {IgnoredStop::unlock, IgnoredStop::reset}) {
        Site site;
        site.ignored_stop = policy;
        site.restart();
        deaf_charge(site);
        site.pass(121s);
        site.pass(121s);
        site.pass(121s);
        CHECK(site.unlocks.size() == (policy == IgnoredStop::unlock ? 1 : 0));
        CHECK(site.resets.size() == (policy == IgnoredStop::reset ? 1 : 0));
    }
}

TEST_CASE("a charger that is away cannot listen: its time begins when it is back") {
    Site site;
    deaf_charge(site);
    site.disconnect();
    site.pass(600s);
    CHECK(site.core().marks().all().empty());
    site.connect();
    site.pass(119s);
    CHECK(site.core().marks().all().empty());
    site.pass(121s);
    CHECK(site.core().marks().all().size() == 1);
}

}  // namespace tally::bridge::test
