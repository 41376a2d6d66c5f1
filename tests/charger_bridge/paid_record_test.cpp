// A paid record is neither lost nor doubled, whatever a charger repeats, leaves out or gets wrong.

#include "tests/charger_bridge/begin_charge.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <random>
#include <set>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

/// Of all charges that wait for review.
std::vector<std::string> reasons_in_review(Site& site) {
    std::vector<std::string> reasons;
    for (const auto& [number, id] : site.core().in_review()) {
        const Review& review = site.core().find_review(number)->record.review;
        reasons.insert(reasons.end(), review.reasons.begin(), review.reasons.end());
    }
    return reasons;
}

}  // namespace

TEST_CASE("a swipe of the token that is charging asks for no new approval") {
    Site site;
    begin_charge(site);
    site.policy.accepts = false;
    CHECK(site.swipe() == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>().size() == 1);
}

TEST_CASE("duplicate start: the same facts give the same transaction under a new message id") {
    Site site;
    CHECK(site.swipe() == TagStatus::accepted);
    const std::string time = site.text_now();
    const auto first = site.start(1, "BBB-1", 1'000, time);
    site.pass(30s);
    const auto again = site.start(1, "bbb-1", 1'000, time);
    REQUIRE(again);
    CHECK(again->transaction == first->transaction);
    CHECK(again->status == TagStatus::accepted);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
    const auto other = site.start(2, "BBB-1", 1'000, time);
    CHECK(other->transaction != first->transaction);
}

TEST_CASE("duplicate stop: acknowledged, counted once") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    const std::string time = site.text_now();
    CHECK(site.stop(transaction, 1'800, time));
    CHECK(site.stop(transaction, 1'800, time));
    site.restart();
    CHECK(site.stop(transaction, 1'800, time));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().orphans().all().empty());
}

TEST_CASE("unknown stop: acknowledged and kept as one orphan however often it comes") {
    Site site;
    CHECK(site.stop(4711, 5'000, "2026-03-01T08:00:00Z"));
    CHECK(site.stop(4711, 5'000, "2026-03-01T08:00:00Z"));
    REQUIRE(site.core().orphans().all().size() == 1);
    CHECK(site.core().orphans().all()[0].kind == "unknown_stop");
    CHECK(site.core().orphans().all()[0].transaction == 4711);
    site.restart();
    CHECK(site.core().orphans().all().size() == 1);
    CHECK(site.durable().empty());
}

TEST_CASE("stop with transaction -1 is the only open charge it can mean") {
    Site site;
    begin_charge(site);
    site.pass(60s);
    CHECK(site.values(1, -1, 1'500));
    CHECK(site.stop(-1, 1'900));
    REQUIRE(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.durable_of<node::ChargeEnded>()[0].metered.readings.back().register_wh == 1'900);
}

TEST_CASE("stop with transaction -1 is an orphan when two charges could be meant") {
    Site site;
    begin_charge(site);
    REQUIRE(site.start(2, "BBB-2", 1'000)->status == TagStatus::accepted);
    site.pass(60s);
    CHECK(site.stop(-1, 1'900));
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.core().orphans().all().size() == 1);
    // The tag tells them apart.
    CHECK(site.stop(-1, 1'901, {}, "BBB-2"));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("a start that was queued for long cannot go on the ledger: answered, not billed") {
    Site site;
    const auto started = site.start(1, "BBB-1", 100, site.text_now(-1h));
    REQUIRE(started);
    CHECK(started->transaction > 0);
    CHECK(started->status == TagStatus::invalid);
    CHECK(site.stop(started->transaction, 900));
    REQUIRE(site.core().orphans().all().size() == 1);
    CHECK(site.core().orphans().all()[0].detail == "started_too_long_ago");
    CHECK(site.got<node::AuthorizeRequest>().empty());
}

TEST_CASE("1970 clock: times of receipt are used and the charge is flagged") {
    Site site;
    REQUIRE(site.swipe() == TagStatus::accepted);
    const auto started = site.start(1, "BBB-1", 1'000, "1970-01-01T00:00:12Z");
    REQUIRE(started->status == TagStatus::accepted);
    CHECK(site.count_notes("clock_wrong") == 1);
    const UnixMillis begun = site.now.wall;
    site.pass(60s);
    CHECK(site.values(1, started->transaction, 1'500, 72'000));
    site.pass(60s);
    CHECK(site.stop(started->transaction, 2'000, "1970-01-01T00:02:12Z"));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.front().time == begun);
    CHECK(ended[0].metered.readings.back().time == begun + 120'000);
}

TEST_CASE("a clock far ahead is not believed") {
    Site site;
    REQUIRE(site.swipe() == TagStatus::accepted);
    REQUIRE(site.start(1, "BBB-1", 1'000, site.text_now(1h))->status == TagStatus::accepted);
    CHECK(site.durable_of<node::ChargeStarted>()[0].begin.time == site.now.wall);
}

TEST_CASE("lower sample: dropped and counted, begin and end stand") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    CHECK(site.values(1, transaction, 1'900));
    site.pass(60s);
    CHECK(site.values(1, transaction, 1'200));
    site.pass(60s);
    CHECK(site.stop(transaction, 3'500));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 3'500);
    CHECK(site.count_notes("sample_dropped") == 1);
}

TEST_CASE("a sample too high for the connector never blocks a plausible end") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    CHECK(site.values(1, transaction, 900'000));
    site.pass(60s);
    CHECK(site.values(1, transaction, 1'900));
    CHECK(site.stop(transaction, 2'000));
    REQUIRE(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.got<node::ChargeProgress>().back().energy_wh == 900);
}

TEST_CASE("meter baseline 0: the first real register becomes the begin") {
    Site site;
    const std::int32_t transaction = begin_charge(site, 0);
    site.pass(60s);
    CHECK(site.values(1, transaction, 910'000));
    site.pass(60s);
    CHECK(site.stop(transaction, 910'083));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.front().register_wh == 910'000);
    CHECK(ended[0].metered.readings.back().register_wh == 910'083);
}

TEST_CASE("meter baseline 0 and no sample: held for review, not billed, listed") {
    Site site;
    const std::int32_t transaction = begin_charge(site, 0);
    site.pass(60s);
    CHECK(site.stop(transaction, 910'083));
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(reasons_in_review(site) == std::vector<std::string>{"energy_implausible"});
}

TEST_CASE("negative energy is held for review") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    CHECK(site.stop(transaction, 10));
    CHECK(reasons_in_review(site) == std::vector<std::string>{"register_went_back"});
    site.restart();
    CHECK(site.stop(transaction, 10));
    CHECK(reasons_in_review(site) == std::vector<std::string>{"register_went_back"});
    CHECK(site.durable_of<node::ChargeEnded>().empty());
}

TEST_CASE("a charge whose stop never came ends when the next one starts on its connector") {
    Site site;
    const std::int32_t first = begin_charge(site);
    site.pass(60s);
    CHECK(site.values(1, first, 1'900));
    site.pass(3600s);
    REQUIRE(site.start(1, "BBB-2", 2'500)->status == TagStatus::accepted);
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 1'900);
    CHECK(site.stop(first, 2'500));
    CHECK(site.core().orphans().all().at(0).kind == "late_stop");
}

TEST_CASE("two starts on a connector that wait for their approvals never both charge") {
    Site site;
    site.node_answers = false;
    CHECK_FALSE(site.start(1, "BBB-1", 1'000));
    site.pass(1s);
    CHECK_FALSE(site.start(1, "BBB-2", 1'000));
    const auto asked = site.got<node::AuthorizeRequest>();
    REQUIRE(asked.size() == 2);
    const auto decide = [&](std::size_t which) {
        site.feed(NodeSaid{site.decision_of(asked[which].session)});
    };
    const auto state_of = [&](std::size_t which) {
        return site.core().find_transaction("CP1", which == 0 ? 1 : 2)->record.state;
    };
    SECTION("approved in their order: the later one ends the earlier") {
        decide(0);
        CHECK(state_of(0) == SessionState::charging);
        decide(1);
        CHECK(state_of(0) == SessionState::in_review);
        CHECK(reasons_in_review(site) == std::vector<std::string>{"stop_missing"});
        CHECK(site.durable_of<node::ChargeStarted>().size() == 2);
    }
    SECTION("the earlier one is approved when the later one charges: it is too late") {
        decide(1);
        decide(0);
        CHECK(state_of(0) == SessionState::refused);
        CHECK(site.core().refusals().front().reason == "connector_taken");
        CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
    }
    CHECK(state_of(1) == SessionState::charging);
    const auto unused = site.durable_of<node::ApprovalUnused>();
    REQUIRE(unused.size() == 1);
    CHECK(unused[0].session == asked[0].session);
    site.pass(60s);
    CHECK(site.stop(2, 1'700));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].session == asked[1].session);
}

TEST_CASE("a charge missing its stop is kept open across a restart") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    site.values(1, transaction, 1'500);
    site.restart();
    site.pass(86'400s);
    CHECK(site.core().sessions().open_count() == 1);
    CHECK(site.stop(transaction, 2'000));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("the charge goes on while the node is away, and its messages wait") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.link_down();
    site.pass(60s);
    CHECK(site.values(1, transaction, 1'500));
    CHECK(site.stop(transaction, 2'000));
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    site.restart();
    site.link_up();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().outbox().size() == 0);
}

TEST_CASE("unacknowledged messages come again under the same number after a reconnect") {
    Site site;
    site.node_acknowledges = false;
    begin_charge(site);
    CHECK(site.core().outbox().size() == 1);
    site.link_down();
    site.link_up();
    CHECK(site.got<node::ChargeStarted>().size() == 2);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
    site.node_acknowledges = true;
    site.link_down();
    site.link_up();
    CHECK(site.core().outbox().size() == 0);
}

TEST_CASE("transaction ids are never given twice, across restarts and to refused starts") {
    Site site;
    std::set<std::int32_t> given;
    for (int i = 0; i < 20; ++i) {
        site.policy.accepts = i % 3 != 0;
        const auto started = site.start(1, "BBB-" + std::to_string(i), 1'000 + i);
        REQUIRE(started);
        CHECK(started->transaction > 0);
        CHECK(given.insert(started->transaction).second);
        site.pass(1s);
        if (i % 2 == 0) {
            site.restart();
        }
    }
}

TEST_CASE("charger reboot in a charge: it boots, comes back and goes on by the transaction's id") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    CHECK(site.values(1, transaction, 1'500));
    site.disconnect();
    site.pass(90s);
    site.connect();
    site.feed(StationBooted{"CP1"});
    site.status(1, ConnectorStatus::charging);
    site.pass(30s);
    CHECK(site.values(1, transaction, 2'500));
    CHECK(site.stop(transaction, 3'000));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.front().register_wh == 1'000);
    CHECK(ended[0].metered.readings.back().register_wh == 3'000);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
}

TEST_CASE("two cards on one charge: the second is asked for itself, the charge stays the first's") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(30s);
    CHECK(site.swipe("BBB-2") == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>().size() == 2);
    site.pass(30s);
    CHECK(site.stop(transaction, 1'800, {}, "BBB-2"));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].session == site.got<node::AuthorizeRequest>()[0].session);
    // The other card's approval is not used up by it, and goes back by itself.
    site.pass(301s);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
}

TEST_CASE(
    "property: any order and multiset of a charge's messages, with kills between any two, "
    "gives the same record") {
    std::mt19937 random{815};
    for (int round = 0; round < 200; ++round) {
        Site site;
        const std::int32_t transaction = begin_charge(site);
        const std::string begin_text = site.text_now();
        const UnixMillis begun = site.now.wall;
        site.now.wall += 180'000;  // Everything below was queued in the charger.
        site.now.mono += 180s;
        const std::string end_text = site.text_now();
        const std::vector<std::function<void()>> messages{
            [&] { site.start(1, "BBB-1", 1'000, begin_text); },
            [&] { site.values(1, transaction, 1'400, begun + 60'000); },
            [&] { site.values(1, -1, 1'900, begun + 120'000); },
            [&] { site.stop(transaction, 2'400, end_text); },
        };
        std::vector<std::size_t> order{0, 1, 2, 3};
        for (int extra = 0; extra < round % 6; ++extra) {
            order.push_back(random() % messages.size());
        }
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t index : order) {
            if (random() % 2 == 0) {
                site.crash_at(1 + static_cast<int>(random() % 2), random() % 2 == 0);
            }
            messages[index]();
            if (site.crashed()) {
                site.restart();
                messages[index]();  // No answer came: the charger says it again.
            }
        }
        site.restart();
        INFO("round " << round);
        const auto ended = site.durable_of<node::ChargeEnded>();
        REQUIRE(ended.size() == 1);
        const auto& readings = ended[0].metered.readings;
        REQUIRE(readings.size() == 2);
        REQUIRE(readings[0] == MeterReading{begun, 0, 1'000, false});
        REQUIRE(readings[1] == MeterReading{begun + 180'000, 0, 2'400, false});
        REQUIRE(site.durable_of<node::ChargeStarted>().size() == 1);
        REQUIRE(site.core().in_review().empty());
        REQUIRE(site.core().orphans().all().empty());
    }
}

}  // namespace tally::bridge::test
