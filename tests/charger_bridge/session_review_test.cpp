// Chargers at their worst: broken schemas, no clock, lost answers, connectors that do not exist.

#include "ledger/model/day_bands.h"
#include "tests/charger_bridge/begin_charge.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

constexpr const char* no_clock{"1970-01-01T00:00:12Z"};

std::vector<std::string> orphan_kinds(Site& site) {
    std::vector<std::string> kinds;
    for (const Orphan& orphan : site.core().orphans().all()) {
        kinds.push_back(orphan.kind);
    }
    return kinds;
}

}  // namespace

// ---- held charges

TEST_CASE(
    "a held charge is told to the node once, when its driver swipes again and is asked anew") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    CHECK(site.stop(transaction, 10));
    const SessionId held = site.got<node::AuthorizeRequest>().at(0).session;
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    site.restart();
    CHECK(site.stop(transaction, 10));
    CHECK(site.swipe() == TagStatus::accepted);
    CHECK(site.swipe() == TagStatus::accepted);
    const auto unused = site.durable_of<node::ApprovalUnused>();
    REQUIRE(unused.size() == 1);
    CHECK(unused[0].session == held);
    const auto asked = site.got<node::AuthorizeRequest>();
    REQUIRE(asked.size() == 2);
    CHECK_FALSE(asked[1].session == held);
}

TEST_CASE("a stop reason the node would refuse is made printable and cut") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    StopFacts body;
    body.transaction = transaction;
    body.meter_stop_wh = 1'500;
    body.reason = "Caf\xc3\xa9\n" + std::string(100, 'x');
    site.feed(StopCalled{{"CP1", "long"}, body, "stop"});
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].stop_reason.size() == reason_bytes_max);
    CHECK(ended[0].stop_reason.substr(0, 7) == "Caf???x");
    site.restart();
    CHECK(site.core().sessions().all().size() == 1);
}

// ---- connectors

TEST_CASE("a start on a connector that is not configured opens no session") {
    Site site;
    for (const std::uint16_t connector : {std::uint16_t{0}, std::uint16_t{3}}) {
        const auto started = site.start(connector, "BBB-1", 100);
        REQUIRE(started);
        CHECK(started->status == TagStatus::invalid);
        CHECK(started->transaction > 0);
    }
    CHECK(orphan_kinds(site) == std::vector<std::string>{"unknown_connector", "unknown_connector"});
    CHECK(site.core().sessions().all().empty());
    CHECK(site.got<node::AuthorizeRequest>().empty());
    site.restart();
    CHECK(site.start(1, "BBB-1", 100)->transaction == 3);
}

TEST_CASE("limit: refused transactions of a station, the oldest goes") {
    Site site;
    const std::size_t most = refused_per_connector_max * 2;
    // One that is refused leaves when the next begins on its connector; these are refused when all
    // of them are open.
    site.node_answers = false;
    for (std::size_t i = 0; i < most + 3; ++i) {
        CHECK_FALSE(site.start(1, "BBB-" + std::to_string(i), 100));
    }
    site.pass(60s);
    CHECK(site.core().sessions().open_count() == most);
    CHECK(site.core().sessions().all().size() == most);
    site.restart();
    CHECK(site.core().sessions().open_count() == most);
    CHECK(site.stop(1, 500));  // Forgotten: an orphan, and still answered.
    CHECK(orphan_kinds(site) == std::vector<std::string>{"unknown_stop"});
}

TEST_CASE("everything on disk is read at the start, in however many steps") {
    MemoryStore store;
    WriteBatch batch;
    constexpr std::uint64_t count{2'500};
    Orphanage orphanage;
    for (std::uint64_t i = 0; i < count; ++i) {
        Orphan orphan;
        orphan.facts.data[0] = static_cast<std::uint8_t>(i);
        orphan.facts.data[1] = static_cast<std::uint8_t>(i >> 8U);
        REQUIRE(orphanage.add(std::move(orphan), batch));
    }
    REQUIRE(store.write(batch, true));
    CountingRandom random;
    Site site;
    SessionCore core{CoreConfig{}, site.key, random};
    REQUIRE(core.load(store));
    CHECK(core.orphans().all().size() == count);
}

// ---- chargers without a clock

TEST_CASE("no clock: a charge with the same facts after a stop by its id is a new one") {
    Site site;
    REQUIRE(site.swipe() == TagStatus::accepted);
    const auto first = site.start(1, "BBB-1", 0, no_clock);
    REQUIRE(first->status == TagStatus::accepted);
    CHECK(site.start(1, "BBB-1", 0, no_clock)->transaction == first->transaction);
    site.pass(60s);
    CHECK(site.stop(first->transaction, 500, no_clock));
    site.pass(60s);
    site.restart();
    REQUIRE(site.swipe() == TagStatus::accepted);
    const auto second = site.start(1, "BBB-1", 0, no_clock);
    CHECK(second->transaction != first->transaction);
    CHECK(second->status == TagStatus::accepted);
    site.restart();
    CHECK(site.start(1, "BBB-1", 0, no_clock)->transaction == second->transaction);
    site.pass(60s);
    CHECK(site.stop(second->transaction, 700, no_clock));
    // Both have ended; the register that began anew is below the first one's end, and for review.
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().in_review().size() == 1);
}

TEST_CASE("no clock: a charger that never got its transaction id repeats the same charge") {
    Site site;
    REQUIRE(site.swipe() == TagStatus::accepted);
    const auto first = site.start(1, "BBB-1", 0, no_clock);
    site.pass(60s);
    CHECK(site.stop(-1, 500, no_clock));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.start(1, "BBB-1", 0, no_clock)->transaction == first->transaction);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
}

TEST_CASE("a clock set back between two charges: the second begins where the first ended") {
    Site site;
    REQUIRE(site.swipe() == TagStatus::accepted);
    const auto first = site.start(1, "BBB-1", 1'000, site.text_now(180s));
    site.pass(60s);
    CHECK(site.stop(first->transaction, 1'900, site.text_now(180s)));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    const UnixMillis end = ended[0].metered.readings.back().time;
    CHECK(end == site.now.wall + 180'000);
    site.restart();
    site.pass(30s);
    REQUIRE(site.swipe() == TagStatus::accepted);
    const auto second = site.start(1, "BBB-1", 1'900);
    REQUIRE(second->status == TagStatus::accepted);
    CHECK(site.durable_of<node::ChargeStarted>().at(1).begin.time == end);
    REQUIRE(site.swipe("BBB-2") == TagStatus::accepted);
    REQUIRE(site.start(2, "BBB-2", 0)->status == TagStatus::accepted);
    CHECK(site.durable_of<node::ChargeStarted>().at(2).begin.time == site.now.wall);
}

// ---- lost answers

TEST_CASE("stop with transaction -1 said twice ends no other charge") {
    Site site;
    begin_charge(site);
    REQUIRE(site.start(2, "BBB-2", 1'000)->status == TagStatus::accepted);
    site.pass(60s);
    const std::string time = site.text_now();
    CHECK(site.stop(-1, 1'900, time, "BBB-1"));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.stop(-1, 1'900, time, "BBB-1"));
    site.restart();
    // By now it would fit the other charge, the only one that is left.
    CHECK(site.stop(-1, 1'900, time));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().sessions().open_count() == 1);
    CHECK(site.core().orphans().all().empty());
    CHECK(site.count_notes("duplicate_stop") == 2);
}

TEST_CASE("a start while its swipe is still asked about waits for that approval") {
    Site site;
    site.link_down();
    CHECK_FALSE(site.swipe("BBB-1", "swipe"));
    CHECK_FALSE(site.start(2, "BBB-1", 100));
    site.pass(1s);
    site.link_up();
    CHECK(site.got<node::AuthorizeRequest>().size() == 1);
    const auto started = site.durable_of<node::ChargeStarted>();
    REQUIRE(started.size() == 1);
    CHECK(started[0].connector == 2);
    CHECK(started[0].session == site.got<node::AuthorizeRequest>()[0].session);
    CHECK(site.core().sessions().open_count() == 1);
    CHECK(site.stop(1, 150));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("a start while its swipe is asked about is refused with it") {
    Site site;
    site.policy.accepts = false;
    site.link_down();
    CHECK_FALSE(site.swipe("BBB-1", "swipe"));
    CHECK_FALSE(site.start(1, "BBB-1", 100));
    site.link_up();
    CHECK(site.core().refusals().size() == 1);
    CHECK(site.stop(1, 150));
    CHECK(orphan_kinds(site) == std::vector<std::string>{"not_authorized"});
    CHECK(site.durable().empty());
}

// ---- what cannot be billed

TEST_CASE("a charge with more price changes than a record can hold is stopped before") {
    Site site;
    std::vector<DayBand> bands;
    for (std::uint16_t minute = 0; minute < 1'440;
         minute = static_cast<std::uint16_t>(minute + 60)) {
        bands.push_back({minute, minute % 120 == 0 ? 10'000 : 20'000, 0});
    }
    site.policy.tariff = day_tariff(site.policy.tariff.currency, bands);
    site.policy.prepaid = 0;
    const std::int32_t transaction = begin_charge(site);
    std::int64_t meter = 1'000;
    for (int hour = 0; hour < 210 && site.remote_stops.empty(); ++hour) {
        site.pass(1h);
        meter += 10;
        CHECK(site.values(1, transaction, meter));
    }
    REQUIRE_FALSE(site.remote_stops.empty());
    CHECK(site.count_notes("stop_requested") == 1);
    site.pass(60s);
    CHECK(site.stop(transaction, meter + 5));
    // Of hourly prices that is after more days than the ledger waits for a record.
    REQUIRE(site.core().in_review().size() == 1);
    const std::uint64_t number = site.core().in_review().begin()->first;
    CHECK(site.core().find_review(number)->record.review.reasons ==
          std::vector<std::string>{"too_long"});
}

}  // namespace tally::bridge::test
