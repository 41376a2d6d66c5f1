// Charges of which nothing is heard any more: a person sees them after some time, and a sample or a
// Stop that comes after all still counts.

#include "tests/charger_bridge/begin_charge.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;
using Reasons = std::vector<std::string>;

namespace {

/// A charge with one sample, 1000 to 1500 Wh; gives its transaction.
std::int32_t sampled_charge(Site& site) {
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    CHECK(site.values(1, transaction, 1'500));
    return transaction;
}

SessionState state_of(Site& site, std::int32_t transaction) {
    const LiveSession* const session = site.core().find_transaction("CP1", transaction);
    REQUIRE(session != nullptr);
    return session->record.state;
}

Reasons reasons_in_review(Site& site) {
    REQUIRE(site.core().in_review().size() == 1);
    const std::uint64_t number = site.core().in_review().begin()->first;
    return site.core().find_review(number)->record.review.reasons;
}

/// Time passes, and the charger says something that is not about a charge.
void pass_heard(Site& site, std::chrono::milliseconds time) {
    site.now.wall += time.count();
    site.now.mono += time;
    site.feed(StationHeard{"CP1"});
    site.feed(Tick{});
}

}  // namespace

TEST_CASE("a charge of which nothing is heard for a day is held, and its Stop still ends it") {
    Site site;
    const std::int32_t transaction = sampled_charge(site);
    site.disconnect();
    site.pass(12h);
    SECTION("in one process") {}
    SECTION("over a restart") { site.restart(); }
    site.pass(12h - 1s);
    CHECK(state_of(site, transaction) == SessionState::charging);
    site.pass(1s);
    CHECK(reasons_in_review(site) == Reasons{"stop_missing"});
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    site.connect();
    CHECK(site.stop(transaction, 2'000));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 2'000);
    CHECK(site.core().in_review().empty());
    CHECK(site.core().orphans().all().empty());
}

TEST_CASE("a held charge that a person releases without its Stop ends at its last sample") {
    Site site;
    sampled_charge(site);
    site.pass(24h);
    site.feed(ReviewDecided{site.core().in_review().begin()->first, true, "eve", "as displayed"});
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 1'500);
}

TEST_CASE("a sample of a charge that was held as silent makes it go on") {
    Site site;
    const std::int32_t transaction = sampled_charge(site);
    site.disconnect();
    site.pass(24h);
    REQUIRE(state_of(site, transaction) == SessionState::in_review);
    const std::uint64_t number = site.core().in_review().begin()->first;
    site.connect();
    CHECK(site.values(1, transaction, 2'500));
    CHECK(state_of(site, transaction) == SessionState::charging);
    CHECK(site.core().in_review().empty());
    site.restart();
    CHECK(site.core().in_review().empty());
    SECTION("and is silent again: it keeps its number") {
        site.disconnect();
        site.pass(24h);
        REQUIRE(site.core().in_review().size() == 1);
        CHECK(site.core().in_review().begin()->first == number);
        site.connect();
    }
    SECTION("and ends") { site.pass(60s); }
    CHECK(site.stop(transaction, 3'000));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 3'000);
}

TEST_CASE("a charge that goes on after its approval was given back is stopped, and stays held") {
    Site site;
    const std::int32_t transaction = sampled_charge(site);
    site.disconnect();
    site.pass(24h);
    site.pass(1h);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    site.connect();
    CHECK(site.values(1, transaction, 2'500));
    CHECK(site.remote_stops.size() == 1);
    CHECK(site.stop(transaction, 2'600));
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    const std::uint64_t number = site.core().in_review().begin()->first;
    site.feed(ReviewDecided{number, true, "eve", "agreed with BBB"});
    const auto late = site.core().late_charge(number);
    REQUIRE(late);
    CHECK(late->readings.back().register_wh == 2'600);
}

TEST_CASE("a connector that is said to be Available for an hour has no charge any more") {
    Site site;
    const std::int32_t transaction = sampled_charge(site);
    site.status(1, ConnectorStatus::available);
    pass_heard(site, 1h - 1s);
    CHECK(state_of(site, transaction) == SessionState::charging);
    SECTION("nothing more is heard") {
        pass_heard(site, 1s);
        CHECK(reasons_in_review(site) == Reasons{"stop_missing"});
    }
    SECTION("said over a restart of the bridge, the station has an hour for its Stop") {
        site.restart();
        pass_heard(site, 1h - 1s);
        CHECK(state_of(site, transaction) == SessionState::charging);
        pass_heard(site, 1s);
        CHECK(reasons_in_review(site) == Reasons{"stop_missing"});
    }
    SECTION("while the station is silent it is waited for") {
        site.pass(1h);
        CHECK(state_of(site, transaction) == SessionState::charging);
    }
    SECTION("a sample says otherwise") {
        CHECK(site.values(1, transaction, 1'600));
        pass_heard(site, 2h);
        CHECK(state_of(site, transaction) == SessionState::charging);
    }
    SECTION("the station says otherwise") {
        site.status(1, ConnectorStatus::suspended_ev);
        pass_heard(site, 2h);
        CHECK(state_of(site, transaction) == SessionState::charging);
    }
}

TEST_CASE("Available from before the charge, or of another connector, says nothing of it") {
    Site site;
    site.status(1, ConnectorStatus::available);
    const std::int32_t transaction = sampled_charge(site);
    site.status(2, ConnectorStatus::available);
    pass_heard(site, 2h);
    CHECK(state_of(site, transaction) == SessionState::charging);
}

TEST_CASE(
    "a car that is said to be there is waited for until the ledger takes no record any more") {
    Site site;
    const std::int32_t transaction = sampled_charge(site);
    site.status(1, ConnectorStatus::suspended_ev);
    pass_heard(site, charge_duration_max - 1s);
    CHECK(state_of(site, transaction) == SessionState::charging);
    pass_heard(site, 1s);
    CHECK(reasons_in_review(site) == Reasons{"stop_missing"});
}

}  // namespace tally::bridge::test
