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

TEST_CASE("an unlock or reset that did not leave is tried again before the stop is") {
    Site site;
    site.ignored_stop = IgnoredStop::reset;
    site.restart();
    const std::int32_t transaction = deaf_charge(site);
    site.pass(121s);
    REQUIRE(site.resets.size() == 1);
    CHECK(site.resets.front().transaction == transaction);
    site.feed(PressLost{"CP1", transaction});
    CHECK(site.resets.size() == 1);
    site.pass(11s);
    CHECK(site.resets.size() == 2);
    const auto effects = [&] {
        site.feed(PressLost{"CP1", transaction});
        site.now.mono += 11s;
        return site.core().step(site.now, Tick{}).effects;
    }();
    REQUIRE(effects.size() == 2);
    CHECK(std::holds_alternative<ResetStation>(effects[0]));
    CHECK(std::holds_alternative<RemoteStop>(effects[1]));
    site.pass(11s);
    CHECK(site.resets.size() == 2);  // It was put out.
    CHECK(site.count_notes("stop_ignored") == 1);
}

TEST_CASE("limit: an unlock that never leaves is tried so often and no more") {
    Site site;
    site.ignored_stop = IgnoredStop::unlock;
    site.restart();
    const std::int32_t transaction = deaf_charge(site);
    site.pass(121s);
    for (std::uint32_t i = 0; i < presses_max + 20; ++i) {
        site.feed(PressLost{"CP1", transaction});
        site.pass(11s);
    }
    CHECK(site.unlocks.size() == presses_max);
    CHECK(site.count_notes("press_given_up") == 20 + 1);
    CHECK(site.unlocks.back().connector == 1);
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

namespace {

/// 10.00 at 1.2 a kWh and 60 kW are used up after 500 s; the charger is taken to need 5 s to stop.
constexpr auto used_up = 495s;

void prepay_ten(Site& site) { site.policy.prepaid = 10 * money_scale; }

void pass_in_steps(Site& site, std::chrono::seconds time) {
    for (std::chrono::seconds done{0}; done < time; done += 5s) {
        site.pass(5s);
    }
}

}  // namespace

TEST_CASE("a charge whose meter says nothing is stopped when it may have reached its amount") {
    Site site;
    prepay_ten(site);
    const std::int32_t transaction = begin_charge(site, 0);
    pass_in_steps(site, used_up - 5s);
    CHECK(site.remote_stops.empty());
    pass_in_steps(site, 10s);
    REQUIRE(site.remote_stops.size() == 1);
    CHECK(site.remote_stops.front().transaction == transaction);
    CHECK(site.details_of("stop_requested") == std::vector<std::string>{"prepaid_may_be_reached"});
    site.pass(11s);
    CHECK(site.remote_stops.size() == 2);  // Repeated like any other.
    site.pass(20s);
    CHECK(site.stop(transaction, 7'000));
    // What was observed is how long the charger took, not how long it had said nothing.
    const std::int32_t next = begin_charge(site, 7'000);
    site.remote_stops.clear();
    pass_in_steps(site, 400s);
    CHECK(site.remote_stops.empty());
    CHECK(site.values(1, next, 7'100));
}

TEST_CASE("time that costs money counts in the estimate") {
    Site site;
    prepay_ten(site);
    site.policy.rated_power_w = 1'000;  // 1.2 an hour
    PriceComponent hour;
    hour.kind = PriceKind::time;
    hour.price = 600'000;
    site.policy.tariff.elements.front().components.push_back(hour);
    begin_charge(site, 0);
    pass_in_steps(site, 600s);
    CHECK(site.remote_stops.size() >= 1);
}

TEST_CASE("a sample puts the estimate right, one that was said before or cannot be does not") {
    Site site;
    prepay_ten(site);
    const std::int32_t transaction = begin_charge(site, 0);
    site.pass(400s);
    const UnixMillis then = site.now.wall;
    SECTION("a sample of now") {
        CHECK(site.values(1, transaction, 100));
        pass_in_steps(site, 400s);
        CHECK(site.remote_stops.empty());
    }
    SECTION("one that is repeated") {
        CHECK(site.values(1, transaction, 100, then));
        for (int i = 0; i < 60; ++i) {
            site.pass(10s);
            CHECK(site.values(1, transaction, 100, then));
        }
        CHECK_FALSE(site.remote_stops.empty());
    }
    SECTION("one beyond what the connector can deliver") {
        CHECK(site.values(1, transaction, 100));
        for (int i = 0; i < 60; ++i) {
            site.pass(10s);
            CHECK(site.values(1, transaction, 90'000'000));
        }
        CHECK_FALSE(site.remote_stops.empty());
    }
}

TEST_CASE("what passed unseen counts after a restart of the bridge too") {
    Site site;
    prepay_ten(site);
    begin_charge(site, 0);
    pass_in_steps(site, 400s);
    site.restart();  // The charger is back at once, and has time to send what it kept.
    pass_in_steps(site, 115s);
    CHECK(site.remote_stops.empty());
    site.pass(5s);
    CHECK(site.remote_stops.size() == 1);
}

TEST_CASE("a charge stored by the version before goes by the time of its newest sample") {
    Session session;
    session.id.data.fill(3);
    session.station = "CP1";
    session.meter.last.time = start_time;
    session.sampled_at = start_time + 5;
    Bytes bytes = encode_session(session);
    REQUIRE(decode_session(bytes));
    CHECK(decode_session(bytes)->sampled_at == start_time + 5);
    bytes.resize(bytes.size() - 21);
    bytes.front() = 7;
    REQUIRE(decode_session(bytes));
    CHECK(decode_session(bytes)->sampled_at == start_time + 5);
    bytes.resize(bytes.size() - 8);
    bytes.front() = 6;
    REQUIRE(decode_session(bytes));
    CHECK(decode_session(bytes)->sampled_at == start_time);
}

TEST_CASE("a charger that was away may first send what it kept, once") {
    Site site;
    prepay_ten(site);
    const std::int32_t transaction = begin_charge(site, 0);
    site.disconnect();
    pass_in_steps(site, 1'000s);
    CHECK(site.remote_stops.empty());
    site.connect();
    SECTION("it does") {
        site.pass(30s);
        CHECK(site.values(1, transaction, 300));
        pass_in_steps(site, 300s);
        CHECK(site.remote_stops.empty());
    }
    SECTION("it does not, and goes and comes") {
        for (int i = 0; i < 13; ++i) {
            site.pass(10s);
            site.disconnect();
            site.connect();
        }
        CHECK(site.remote_stops.size() >= 1);
    }
}

TEST_CASE("a charge without a prepaid amount is not estimated") {
    Site site;
    site.policy.prepaid = 0;
    begin_charge(site, 0);
    pass_in_steps(site, 3'600s);
    CHECK(site.remote_stops.empty());
}

}  // namespace tally::bridge::test
