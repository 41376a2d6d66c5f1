// A charger that gives the name of an ended transaction to another one, as one does that counts
// from 1 after every boot: both are charges. What is repeated of the first stays a repeat.

#include "tests/charger_bridge/site.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

using Report = Site::Report;
constexpr ReportKind started = ReportKind::started;
constexpr ReportKind updated = ReportKind::updated;
constexpr ReportKind ended = ReportKind::ended;

/// T1 of BBB-1 at connector 1, from 1000 to 2000 Wh in ten minutes; its reports are 0 to 2.
std::vector<Report> first_charge(Site& site) {
    std::vector<Report> said{{"T1", 0, 1, "BBB-1", 1'000, site.now.wall}};
    CHECK(site.report(started, said[0])->status == TagStatus::accepted);
    site.pass(5min);
    said.push_back({"T1", 1, 0, {}, 1'500, site.now.wall});
    CHECK(site.report(updated, said[1]));
    site.pass(5min);
    said.push_back({"T1", 2, 0, {}, 2'000, site.now.wall});
    CHECK(site.report(ended, said[2]));
    REQUIRE(site.durable_of<node::ChargeEnded>().size() == 1);
    site.pass(5min);
    return said;
}

std::vector<std::string> orphan_kinds(Site& site) {
    std::vector<std::string> kinds;
    for (const Orphan& orphan : site.core().orphans().all()) {
        kinds.push_back(orphan.kind);
    }
    return kinds;
}

}  // namespace

TEST_CASE("a start under the name of an ended transaction begins another charge") {
    Site site;
    const std::vector<Report> old = first_charge(site);
    const std::int64_t number = GENERATE(as<std::int64_t>{}, 0, 3);  // Begins again, or goes on.
    SECTION("at once") {}
    SECTION("after a restart") { site.restart(); }
    const auto second = site.report(started, {"T1", number, 1, "BBB-2", 2'000, {}});
    REQUIRE(second);
    CHECK(second->status == TagStatus::accepted);
    site.restart();
    site.pass(5min);
    // What the first said comes again, under new message ids.
    CHECK(site.report(started, old[0]));
    CHECK(site.report(updated, old[1]));
    CHECK(site.report(ended, old[2]));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.report(updated, {"T1", number + 1, 0, {}, 2'600, {}}));
    site.pass(5min);
    CHECK(site.report(ended, {"T1", number + 2, 0, {}, 3'000, {}}));
    const auto charges = site.durable_of<node::ChargeEnded>();
    REQUIRE(charges.size() == 2);
    CHECK(charges[1].metered.readings.front().register_wh == 2'000);
    CHECK(charges[1].metered.readings.back().register_wh == 3'000);
    CHECK_FALSE(charges[1].metered.authorization == charges[0].metered.authorization);
    CHECK(site.got<node::AuthorizeRequest>().back().token == "BBB-2");
    CHECK(orphan_kinds(site).empty());
}

TEST_CASE("everything that an ended transaction said, said again, is no other charge") {
    Site site;
    const Report start{"T1", 0, 1, "BBB-1", 1'000, site.now.wall};
    CHECK(site.report(started, start));
    const auto count = static_cast<std::int64_t>(reports_seen_max) + 4;
    for (std::int64_t i = 1; i < count; ++i) {
        site.pass(1min);
        CHECK(site.report(updated, {"T1", i, 0, {}, 1'000 + i, {}}));
    }
    const Report end{"T1", count, 0, {}, 2'000, site.now.wall};
    CHECK(site.report(ended, end));
    site.restart();
    site.pass(1min);
    CHECK(site.report(started, start)->status == TagStatus::accepted);
    CHECK(site.report(ended, end));
    site.pass(61s);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.got<node::AuthorizeRequest>().size() == 1);
    CHECK(site.count_notes("name_given_again") == 0);
    CHECK(orphan_kinds(site).empty());
}

TEST_CASE("a report that was given up and comes behind the end is no other charge") {
    Site site;
    const UnixMillis begun = site.now.wall;
    SECTION("one in the middle") {
        CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
        site.pass(5min);
        CHECK(site.report(ended, {"T1", 2, 0, {}, 2'000, {}}));
        site.pass(61s);
        CHECK(site.report(updated, {"T1", 1, 0, "BBB-1", 1'100, begun + 60'000}));
    }
    SECTION("the start") {
        site.pass(1min);
        CHECK_FALSE(site.report(updated, {"T1", 1, 1, "BBB-1", 1'000, {}}));
        site.pass(11s);
        site.settle();
        site.pass(5min);
        CHECK(site.report(ended, {"T1", 2, 0, {}, 2'000, {}}));
        CHECK(site.report(started, {"T1", 0, 1, {}, 1'000, begun}));
    }
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().sessions().open_count() == 0);
    CHECK(site.count_notes("name_given_again") == 0);
}

TEST_CASE("another transaction of a name whose start is lost is kept, not dropped") {
    Site site;
    first_charge(site);
    SECTION("its sample and its end") {
        CHECK(site.report(updated, {"T1", 1, 0, {}, 2'500, {}}));
        site.pass(11s);
        CHECK(site.report(ended, {"T1", 2, 0, {}, 3'000, {}}));
        CHECK(orphan_kinds(site) == std::vector<std::string>{"not_authorized"});
    }
    SECTION("its end alone, and that of a third") {
        CHECK(site.report(ended, {"T1", 7, 0, {}, 3'000, {}}));
        site.feed(ReportsPending{"CP1", "T1", false});
        CHECK(orphan_kinds(site) == std::vector<std::string>{"unknown_stop"});
    }
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("what waits for a report before it when its name is given again is kept") {
    Site site;
    first_charge(site);
    CHECK(site.report(updated, {"T1", 9, 0, {}, 2'000, {}}));
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 2'000, {}})->status == TagStatus::accepted);
    CHECK(orphan_kinds(site) == std::vector<std::string>{"forgotten_report"});
    site.pass(5min);
    CHECK(site.report(ended, {"T1", 1, 0, {}, 2'500, {}}));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 2);
}

TEST_CASE("the name of a transaction that was refused may be that of a charge") {
    Site site;
    site.policy.accepts = false;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}})->status == TagStatus::blocked);
    site.pass(1min);
    CHECK(site.report(ended, {"T1", 1, 0, {}, 1'000, {}}));
    site.pass(1min);
    site.policy.accepts = true;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}})->status == TagStatus::accepted);
    site.pass(5min);
    CHECK(site.report(ended, {"T1", 1, 0, {}, 1'500, {}}));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("a stop that comes after the guess of an end is that charge's, by its name too") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    site.pass(5min);
    CHECK(site.report(started, {"T2", 0, 1, "BBB-2", 1'600, {}}));
    site.pass(1min);
    CHECK(site.report(ended, {"T1", 1, 0, {}, 1'600, {}}));
    REQUIRE(site.core().in_review().size() == 1);
    const LiveSession* const held = site.core().find_review(site.core().in_review().begin()->first);
    CHECK(held->record.end.register_wh == 1'600);
    CHECK_FALSE(held->record.stop_missing);
    CHECK(site.core().sessions().open_count() == 2);
}

}  // namespace tally::bridge::test
