// What one broken or hostile charger can take of a site: its memory, its disk, the others' records.

#include "charger_bridge/session/core.h"
#include "tests/charger_bridge/begin_charge.h"
#include "tests/charger_bridge/site.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <string>

namespace tally::bridge::test {
namespace {

using namespace std::chrono_literals;

/// Bytes in the store, of keys that begin with `prefix` (all, when there is none).
std::size_t stored_bytes(Site& site, const Bytes& prefix = {}) {
    const auto entries = site.store().scan(prefix, prefix, 1'000'000);
    REQUIRE(entries);
    std::size_t bytes = 0;
    for (const KeyValueStore::Entry& entry : *entries) {
        bytes += entry.key.size() + entry.value.size();
    }
    return bytes;
}

std::size_t evidence_bytes(Site& site) { return stored_bytes(site, Bytes{'e'}); }

/// A Start with so long a text.
void start_at_length(Site& site, int number, const std::string& token) {
    StartFacts facts;
    facts.connector = 1;
    facts.token = token;
    facts.meter_start_wh = number;
    facts.timestamp = site.text_now();
    facts.time = site.now.wall;
    site.feed(
        StartCalled{{site.station, "s" + std::to_string(number)}, facts, std::string(60'000, 'x')});
}

/// So many refused transactions that were stopped.
void finish_refused(Site& site, const std::string& station, std::size_t count) {
    site.station = station;
    site.connect();
    for (std::size_t i = 0; i < count; ++i) {
        const auto refused = site.start(1, "", static_cast<std::int64_t>(i));
        site.stop(refused->transaction, static_cast<std::int64_t>(i));
    }
}

}  // namespace

TEST_CASE("refused starts leave nothing of their texts on disk") {
    Site site;
    SECTION("refused at once") {
        for (int i = 0; i < 200; ++i) {
            start_at_length(site, i, "");
        }
    }
    SECTION("refused by the home operator") {
        site.policy.accepts = false;
        for (int i = 0; i < 200; ++i) {
            start_at_length(site, i, "BBB-1");
            site.settle();
        }
    }
    SECTION("refused, and stopped") {
        for (int i = 0; i < 200; ++i) {
            start_at_length(site, i, "");
            site.stop(site.core().sessions().all().back()->record.transaction, i);
        }
    }
    CHECK(evidence_bytes(site) == 0);
}

TEST_CASE("limit: starts that wait for the node, and their texts, are bounded for each station") {
    Site site;
    site.node_answers = false;
    const std::size_t most = 2 * asks_per_connector_max;  // The station has two connectors.
    for (int i = 0; i < 100; ++i) {
        start_at_length(site, i, "BBB-" + std::to_string(i));
    }
    CHECK(evidence_bytes(site) > (most - 1) * 60'000);
    CHECK(evidence_bytes(site) < (most + 1) * 60'000);
    CHECK(site.core().refusals().front().reason == "station_backlog");
    CHECK(site.swipe("BBB-200") == TagStatus::invalid);
    site.station = "CP2";
    site.connect();
    CHECK_FALSE(site.swipe("BBB-200"));  // It waits for the node, as it should.
    site.pass(20s);
    CHECK(evidence_bytes(site) == 0);
}

TEST_CASE("limit: after the greatest transaction number come those that nobody has") {
    constexpr std::int32_t greatest{std::numeric_limits<std::int32_t>::max()};
    const auto give_next = [](Site& site, std::int32_t next) {
        WriteBatch batch;
        batch.put(SessionTable::counter_key(), std::move(Encoder{}.i32(next)).take());
        REQUIRE(site.store().write(batch, true));
        site.restart();
    };
    Site site;
    const std::int32_t running = begin_charge(site);
    REQUIRE(running == 1);
    give_next(site, greatest);
    CHECK(site.start(2, "", 5)->transaction == greatest);
    SECTION("in the same process") {}
    SECTION("after a restart") { site.restart(); }
    CHECK(site.start(2, "", 6)->transaction == 2);  // 1 is charging.
    CHECK(site.start(2, "", 7)->transaction == 3);
    site.pass(60s);
    CHECK(site.stop(running, 1'500));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("a number of a decision is not given again while the decision is listed") {
    ReviewLog log;
    WriteBatch batch;
    ReviewDecision decision;
    for (std::size_t i = 0; i <= review_decided_max; ++i) {
        decision.number = i + 1;
        log.add(decision, batch);
    }
    CHECK_FALSE(log.has(1));
    CHECK(log.has(2));
    CHECK(log.has(review_decided_max + 1));
    ReviewLog loaded;
    REQUIRE(loaded.load(encode_decision(decision)));
    CHECK(loaded.has(decision.number));
}

TEST_CASE("the texts of a charge that is billed stay when its session is forgotten") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(60s);
    REQUIRE(site.stop(transaction, 1'500));
    const std::size_t kept = evidence_bytes(site);
    CHECK(kept > 0);
    SECTION("another station ends as many as all can have: it forgets its own") {
        finish_refused(site, "CP2", finished_sessions_max + 10);
        CHECK(site.core().find_transaction("CP1", transaction) != nullptr);
    }
    SECTION("its station does") {
        finish_refused(site, "CP1", finished_sessions_max + 10);
        CHECK(site.core().find_transaction("CP1", transaction) == nullptr);
    }
    CHECK(site.core().sessions().all().size() == finished_sessions_max);
    site.restart();
    CHECK(site.core().sessions().all().size() == finished_sessions_max);
    CHECK(evidence_bytes(site) == kept);
}

TEST_CASE("limit: orphans of one station push out its own, not those of others") {
    Site site;
    site.feed(Quarantined{"CP1", "refused_message", "", "the first"});
    for (std::size_t i = 0; i < orphans_max + 5; ++i) {
        site.feed(Quarantined{"CP2", "refused_message", "", std::to_string(i)});
    }
    CHECK(site.core().orphans().all().size() == orphans_max);
    CHECK(site.core().orphans().all()[0].text == "the first");
    CHECK(site.core().orphans().all()[1].text == "6");
    CHECK(site.count_notes("orphan_forgotten") == 6);
    CHECK(site.details_of("orphan_forgotten").back() == "refused_message 7");
    site.restart();
    CHECK(site.core().orphans().all().size() == orphans_max);
    site.feed(Quarantined{"CP1", "refused_message", "", "the second"});
    CHECK(site.core().orphans().all()[0].text == "the first");
    CHECK(site.core().orphans().all()[1].text == "7");
    site.feed(Quarantined{"CP2", "refused_message", "", "6"});  // Forgotten: a new one.
    CHECK(site.core().orphans().all().back().text == "6");
}

namespace {

/// A report that is `bytes` long; one of which the start was not seen waits for it.
TransactionReported long_report(const Site& site, const std::string& name, std::int64_t sequence,
                                std::size_t bytes) {
    ReportFacts facts;
    facts.transaction = name;
    facts.sequence = sequence;
    facts.time = site.now.wall;
    facts.timestamp = site.text_now();
    return {{site.station, name + std::to_string(sequence)}, facts, std::string(bytes, 'x')};
}

}  // namespace

TEST_CASE("limit: bytes of a station's reports that wait for one before them") {
    Site site;
    std::size_t most = 0;
    for (int name = 0; name < 20; ++name) {
        for (int i = 0; i < 30; ++i) {
            site.feed(long_report(site, "T" + std::to_string(name), 5 + i, 60'000));
            most = std::max(most, site.core().reports().held_bytes("CP1"));
        }
    }
    CHECK(most <= held_of_station_bytes_max);
    CHECK(most > held_of_station_bytes_max - 70'000);
    CHECK(stored_bytes(site, Bytes{ReportBook::held_prefix}) <= held_of_station_bytes_max);
    CHECK(site.count_notes("report_gap") == 20);  // Behind the gap all could be taken.
    for (int i = 0; i < 5; ++i) {
        site.feed(long_report(site, "last", 5 + i, 60'000));
    }
    const std::size_t held = site.core().reports().held_bytes("CP1");
    CHECK(held > 5UL * 60'000);
    site.restart();
    CHECK(site.core().reports().held_bytes("CP1") == held);
    for (int i = 0; i < 50; ++i) {
        site.pass(60s);
    }
    CHECK(site.core().reports().held_bytes("CP1") == 0);
}

TEST_CASE("limit: reports that wait for a decision give the charge up before they take too much") {
    Site site;
    site.node_answers = false;
    CHECK_FALSE(site.report(ReportKind::started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    std::size_t most = 0;
    for (int i = 1; i < 40; ++i) {
        site.feed(long_report(site, "T1", i, 60'000));
        most = std::max(most, site.core().reports().held_bytes("CP1"));
    }
    CHECK(most <= held_of_station_bytes_max);
    CHECK(most > held_of_station_bytes_max - 70'000);
    CHECK(site.core().refusals().front().reason == "station_backlog");
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);  // It may be approved yet.
    CHECK(site.core().reports().held_bytes("CP1") == 0);
}

TEST_CASE("limit: bytes of all reports that wait, the station that has the most gives way") {
    ReportBook book;
    const std::size_t stations = held_bytes_max / held_of_station_bytes_max + 1;
    for (std::size_t i = 0; i < stations; ++i) {
        const std::string station = "S" + std::to_string(100 + i);
        WriteBatch batch;
        std::vector<Reported> forgotten;
        Reported& reported = book.add(station, "T", batch, forgotten);
        for (std::int64_t sequence = 1; sequence <= 16; ++sequence) {
            HeldReport report;
            report.facts.sequence = sequence;
            report.text.assign(station == "S107" ? 65'100 : 65'000, 'x');
            book.hold(reported, std::move(report), batch);
        }
    }
    const std::string last = "S" + std::to_string(100 + stations - 1);
    Reported* const full = book.beyond_bounds(last);
    REQUIRE(full != nullptr);
    CHECK(full->station == "S107");
    WriteBatch batch;
    for (int i = 0; i < 16 && book.beyond_bounds(last) != nullptr; ++i) {
        static_cast<void>(book.unhold(*book.beyond_bounds(last), batch));
    }
    CHECK(book.beyond_bounds(last) == nullptr);
}

TEST_CASE("limit: texts of a station from before a card, and none after the end") {
    Site site;
    const auto stored_before = [&] { return stored_bytes(site, Bytes{ReportBook::key_prefix}); };
    const auto name = [](int number) { return "T" + std::to_string(number); };
    for (int i = 0; i < 30; ++i) {
        CHECK(site.report(ReportKind::started, {name(i), 0, 1, {}, {}, {}}));
        site.feed(long_report(site, name(i), 1, 60'000));
    }
    CHECK(stored_before() > before_token_of_station_bytes_max - 60'000);
    CHECK(stored_before() < before_token_of_station_bytes_max + 30'000);
    for (int i = 0; i < 30; ++i) {
        CHECK(site.report(ReportKind::ended, {name(i), 2, 0, {}, {}, {}}));
    }
    CHECK(stored_before() < 30'000);
}

TEST_CASE("limit: what is kept of a token that is none") {
    Site site;
    const std::string endless(60'000, 'a');
    CHECK(site.report(ReportKind::started, {"T1", 1, 0, endless, {}, {}}));  // No EVSE yet.
    CHECK(site.core().refusals().front().reason == "unknown_token");
    CHECK(site.core().refusals().front().token == std::string(token_kept_bytes_max, 'A'));
    CHECK(stored_bytes(site, Bytes{ReportBook::key_prefix}) < 1'000);
    CHECK(site.report(ReportKind::updated, {"T1", 2, 1, {}, {}, {}}));
    CHECK(site.core().refusals().size() == 2);  // Cut, it is no token either.
    CHECK(site.got<node::AuthorizeRequest>().empty());
}

}  // namespace tally::bridge::test
