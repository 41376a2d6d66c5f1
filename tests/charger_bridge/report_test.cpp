// Transactions that chargers name and number themselves (OCPP 2.0.1): in any order, repeated, with
// gaps and crashes between, they become the same charge that numbered transactions become.

#include "tests/charger_bridge/begin_charge.h"
#include "tests/charger_bridge/site.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

using Report = Site::Report;
constexpr ReportKind started = ReportKind::started;
constexpr ReportKind updated = ReportKind::updated;
constexpr ReportKind ended = ReportKind::ended;

struct Said {
    ReportKind kind;
    Report report;
};

/// Cable first: start, card, two samples, end; 2 kWh in the 200 s before a site is `late`.
std::vector<Said> whole_charge(const std::string& name = "T1") {
    std::vector<Said> said;
    const auto at = [](std::chrono::milliseconds time) { return start_time + time.count(); };
    said.push_back({started, {name, 0, 1, std::nullopt, 1'000, at(0ms)}});
    said.push_back({updated, {name, 1, 0, "BBB-1", std::nullopt, at(10s)}});
    said.push_back({updated, {name, 2, 0, std::nullopt, 1'500, at(60s)}});
    said.push_back({updated, {name, 3, 0, std::nullopt, 2'000, at(120s)}});
    said.push_back({ended, {name, 4, 0, "BBB-1", 3'000, at(200s)}});
    return said;
}

/// All of `whole_charge` has happened already.
void be_late(Site& site) { site.now.wall += 200'000; }

void say(Site& site, const Said& said) { static_cast<void>(site.report(said.kind, said.report)); }

std::vector<std::string> orphan_kinds(Site& site) {
    std::vector<std::string> kinds;
    for (const Orphan& orphan : site.core().orphans().all()) {
        kinds.push_back(orphan.kind);
    }
    return kinds;
}

/// What the ledger would see of the only charge.
node::ChargeEnded only_charge(const Site& site) {
    const auto ended_charges = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended_charges.size() == 1);
    REQUIRE(site.durable_of<node::ChargeStarted>().size() == 1);
    return ended_charges[0];
}

}  // namespace

TEST_CASE("a charge by number and a charge by name make the same record") {
    Site numbered;
    const std::int32_t transaction = begin_charge(numbered);
    numbered.pass(200s);
    CHECK(numbered.values(1, transaction, 1'500));
    numbered.pass(400s);
    CHECK(numbered.stop(transaction, 3'000));

    Site named;
    CHECK(named.swipe() == TagStatus::accepted);
    CHECK(named.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}})->status == TagStatus::accepted);
    named.pass(200s);
    const auto running = named.report(updated, {"T1", 1, 0, {}, 1'500, {}});
    REQUIRE(running);
    CHECK_FALSE(running->status);
    CHECK(running->amount == 6'000);  // 0.5 kWh at 1.2
    named.pass(400s);
    const auto last = named.report(ended, {"T1", 2, 0, {}, 3'000, {}});
    REQUIRE(last);
    CHECK(last->amount == 24'000);

    CHECK(only_charge(named).metered.readings == only_charge(numbered).metered.readings);
    CHECK(only_charge(named).stop_reason == "Local");
    CHECK(named.durable_of<node::ChargeStarted>()[0].begin ==
          numbered.durable_of<node::ChargeStarted>()[0].begin);
}

TEST_CASE("cable first: what was charged is counted from the card on, and all texts are evidence") {
    Site site;
    be_late(site);
    const std::vector<Said> said = whole_charge();
    say(site, said[0]);
    CHECK(site.durable().empty());
    const auto card = site.report(updated, said[1].report);
    REQUIRE(card);
    CHECK(card->status == TagStatus::accepted);
    for (std::size_t i = 2; i < said.size(); ++i) {
        say(site, said[i]);
    }
    const node::ChargeEnded charge = only_charge(site);
    CHECK(charge.metered.readings.front().register_wh == 1'000);
    CHECK(charge.metered.readings.front().time == start_time + 10'000);
    CHECK(charge.metered.readings.back().register_wh == 3'000);
    CHECK(site.core().sessions().all()[0]->record.evidence_count == 6);
}

TEST_CASE("card first: the connector comes with a later report") {
    Site site;
    const auto card = site.report(started, {"T1", 0, 0, "bbb-1", {}, {}});
    REQUIRE(card);
    CHECK(card->status == TagStatus::accepted);
    CHECK(site.durable().empty());
    CHECK(site.report(updated, {"T1", 1, 2, {}, 700, {}}));
    REQUIRE(site.durable_of<node::ChargeStarted>().size() == 1);
    CHECK(site.durable_of<node::ChargeStarted>()[0].connector == 2);
    CHECK(site.got<node::AuthorizeRequest>().size() == 1);
    site.pass(10min);
    CHECK(site.report(ended, {"T1", 2, 0, {}, 900, {}}));
    CHECK(only_charge(site).metered.readings.front().register_wh == 700);
}

TEST_CASE("any order of a charge's reports, with repeats and restarts, gives the same ledger") {
    Site straight;
    be_late(straight);
    for (const Said& said : whole_charge()) {
        say(straight, said);
    }
    const node::ChargeEnded expected = only_charge(straight);
    std::vector<std::size_t> order(whole_charge().size());
    std::iota(order.begin(), order.end(), 0);
    std::size_t number = 0;
    do {
        Site site;
        be_late(site);
        const std::vector<Said> all = whole_charge();
        for (const std::size_t i : order) {
            say(site, all[i]);
            if (number % 3 == 0) {
                site.restart();
                site.settle();
            }
            if (number % 2 == 0) {
                say(site, all[order[0]]);
            }
        }
        say(site, all[number % all.size()]);
        site.pass(1s);
        CAPTURE(order);
        const node::ChargeEnded charge = only_charge(site);
        CHECK(charge.metered.readings == expected.metered.readings);
        // The chain begins with the session's own id; its length says that nothing is missing: the
        // reports and the statement.
        CHECK(site.core().sessions().all()[0]->record.evidence_count == all.size() + 1);
        CHECK(site.core().orphans().all().empty());
        ++number;
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(number == 120);
}

TEST_CASE("a process that dies at any write makes the same record of a named transaction") {
    int write = 1;
    for (bool crashed = true; crashed; ++write) {
        for (const bool after : {false, true}) {
            Site site;
            be_late(site);
            site.crash_at(write, after);
            for (const Said& said : whole_charge()) {
                // A charger repeats what was not answered.
                for (int attempt = 0; attempt < 4 && !site.report(said.kind, said.report);
                     ++attempt) {
                    if (site.crashed()) {
                        site.restart();
                        site.settle();
                    }
                }
            }
            crashed = site.crashed();
            if (crashed) {  // At an acknowledgement behind the last answer.
                site.restart();
            }
            CAPTURE(write, after);
            const node::ChargeEnded charge = only_charge(site);
            CHECK(charge.metered.readings.front().register_wh == 1'000);
            CHECK(charge.metered.readings.back().register_wh == 3'000);
        }
        crashed = write < 40;
    }
}

TEST_CASE("numbers may begin anywhere, and again from 0 with the next transaction") {
    Site site;
    CHECK(site.report(started, {"T1", 41, 1, "BBB-1", 1'000, {}}));
    site.pass(10min);
    CHECK(site.report(ended, {"T1", 42, 0, {}, 2'000, {}}));
    CHECK(site.report(started, {"T2", 0, 1, "BBB-1", 2'000, {}}));
    site.pass(10min);
    CHECK(site.report(ended, {"T2", 1, 0, {}, 2'500, {}}));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 2);
}

TEST_CASE("a charger whose number never moves loses nothing") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    site.pass(1min);
    CHECK(site.report(updated, {"T1", 0, 0, {}, 1'100, {}}));
    site.pass(1min);
    CHECK(site.report(ended, {"T1", 0, 0, {}, 1'200, {}}));
    CHECK(only_charge(site).metered.readings.back().register_wh == 1'200);
}

TEST_CASE("a report that never comes is waited for, then the charge goes on") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    site.pass(1min);
    CHECK(site.report(updated, {"T1", 2, 0, {}, 1'200, {}}));
    const auto last_register = [&] {
        return site.core().sessions().all()[0]->record.meter.last.register_wh;
    };
    site.pass(5s);
    CHECK(last_register() == 1'000);
    site.pass(6s);
    CHECK(last_register() == 1'200);
    CHECK(site.report(updated, {"T1", 3, 0, {}, 1'300, {}}));
    CHECK(last_register() == 1'300);
    // It comes after all: kept, and the charge is not disturbed.
    CHECK(site.report(updated, {"T1", 1, 0, {}, 1'100, start_time + 1'000}));
    CHECK(last_register() == 1'300);
    CHECK(site.core().sessions().all()[0]->record.evidence_count == 4);
}

TEST_CASE("before an end behind a gap is taken, the charger is asked whether more comes") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    site.pass(10min);
    CHECK(site.report(ended, {"T1", 5, 0, {}, 2'000, {}}));
    REQUIRE(site.asked_pending.size() == 1);
    CHECK(site.asked_pending[0].name == "T1");
    site.feed(ReportsPending{"CP1", "T1", true});
    site.pass(30s);
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    SECTION("it says no") { site.feed(ReportsPending{"CP1", "T1", false}); }
    SECTION("it says nothing") { site.pass(31s); }
    CHECK(only_charge(site).metered.readings.back().register_wh == 2'000);
}

TEST_CASE("what is said while the home operator is asked waits for the answer") {
    Site site;
    site.node_answers = false;
    CHECK_FALSE(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    site.pass(1s);
    CHECK(site.report(updated, {"T1", 1, 0, {}, 1'010, {}}));
    CHECK(site.report(ended, {"T1", 2, 0, {}, 1'020, {}}));
    CHECK(site.durable().empty());
    site.node_answers = true;
    site.link_down();
    site.link_up();
    CHECK(only_charge(site).metered.readings.back().register_wh == 1'020);
}

TEST_CASE(
    "card first: the report with the connector is answered while the home operator is asked") {
    Site site;
    site.node_answers = false;
    const auto is_answered = [](const std::optional<Site::ReportAnswer>& answer) {
        return answer && !answer->status;  // It has no card that could be judged.
    };
    const Report card{"T1", 0, 0, "BBB-1", {}, {}};
    const auto decide = [&site] {
        site.node_answers = true;
        site.link_down();
        site.link_up();
    };
    SECTION("accepted: the charge begins where the connector was said") {
        CHECK_FALSE(site.report(started, card));
        CHECK(is_answered(site.report(updated, {"T1", 1, 2, {}, 700, {}})));
        SECTION("at once") {}
        SECTION("after a restart: what was answered is on disk") { site.restart(); }
        CHECK(site.durable().empty());
        decide();
        CHECK(site.report(ended, {"T1", 2, 0, {}, 700, {}}));
        CHECK(only_charge(site).metered.readings.front().register_wh == 700);
        CHECK(site.durable_of<node::ChargeStarted>()[0].connector == 2);
        CHECK(site.remote_stops.empty());
    }
    SECTION("refused: the charger is asked to stop until it has") {
        site.policy.accepts = false;
        CHECK_FALSE(site.report(started, card));
        CHECK(is_answered(site.report(updated, {"T1", 1, 2, {}, 700, {}})));
        SECTION("at once") {}
        SECTION("after a restart") { site.restart(); }
        decide();
        REQUIRE(site.remote_stops.size() == 1);
        CHECK(site.remote_stops[0].name == "T1");
        CHECK(site.report(started, card)->reason == "insufficient_balance");
        site.restart();
        site.pass(10s);
        CHECK(site.remote_stops.size() == 2);
        CHECK(site.report(ended, {"T1", 2, 0, {}, 900, {}}));
        site.pass(10s);
        CHECK(site.remote_stops.size() == 2);
        CHECK(site.durable_of<node::ChargeStarted>().empty());
        CHECK(orphan_kinds(site) == std::vector<std::string>{"not_authorized"});
    }
    SECTION("refused when it had ended: there is nothing to stop") {
        site.policy.accepts = false;
        CHECK_FALSE(site.report(started, card));
        CHECK(is_answered(site.report(updated, {"T1", 1, 2, {}, 700, {}})));
        CHECK(is_answered(site.report(ended, {"T1", 2, 0, {}, 700, {}})));
        decide();
        CHECK(site.remote_stops.empty());
        CHECK(site.core().sessions().all()[0]->record.state == SessionState::held);
    }
}

TEST_CASE("a report without a card begins what is refused at once: the charger is asked to stop") {
    Site site;
    REQUIRE(site.report(started, {"T1", 0, 0, "BBB-1", {}, {}})->status == TagStatus::accepted);
    site.pass(6min);  // Nobody plugged in, and the approval was given back.
    site.policy.accepts = false;
    const auto plugged = site.report(updated, {"T1", 1, 1, {}, 700, {}});
    REQUIRE(plugged);
    CHECK_FALSE(plugged->status);
    CHECK(site.remote_stops.size() == 1);
    SECTION("another card may charge in the same transaction, and is not stopped") {
        site.policy.accepts = true;
        const std::uint16_t connector =
            GENERATE(as<std::uint16_t>{}, 0, 2);  // The cable's, and another.
        const auto card = site.report(updated, {"T1", 2, connector, "BBB-2", 700, {}});
        CHECK(card->status == TagStatus::accepted);
        site.pass(1min);
        CHECK(site.remote_stops.size() == 1);
        CHECK(site.report(ended, {"T1", 3, 0, "BBB-2", 800, {}}));
        CHECK(only_charge(site).metered.readings.back().register_wh == 800);
    }
    SECTION("a connector that there is not") {
        CHECK(site.report(started, {"T2", 0, 0, "BBB-1", {}, {}}));
        CHECK_FALSE(site.report(updated, {"T2", 1, 9, {}, 700, {}})->status);
        REQUIRE(site.remote_stops.size() == 2);
        CHECK(site.remote_stops[1].name == "T2");
        CHECK(orphan_kinds(site) == std::vector<std::string>{"unknown_connector"});
    }
}

TEST_CASE("a refused token: told why, and what was charged all the same is an orphan") {
    Site site;
    site.policy.accepts = false;
    const auto refused = site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}});
    REQUIRE(refused);
    CHECK(refused->status == TagStatus::blocked);
    CHECK(refused->reason == "insufficient_balance");
    SECTION("it charges") {
        CHECK(site.report(ended, {"T1", 1, 0, {}, 1'200, {}}));
        CHECK(orphan_kinds(site) == std::vector<std::string>{"not_authorized"});
    }
    SECTION("another card in the same transaction may charge") {
        site.policy.accepts = true;
        const auto other = site.report(updated, {"T1", 1, 0, "BBB-2", 1'000, {}});
        REQUIRE(other);
        CHECK(other->status == TagStatus::accepted);
        site.pass(1min);
        CHECK(site.report(ended, {"T1", 2, 0, "BBB-2", 1'100, {}})->status == TagStatus::accepted);
        CHECK(only_charge(site).metered.readings.back().register_wh == 1'100);
    }
}

TEST_CASE("two cards on one charge: the second neither ends nor pays it") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    const auto other = site.report(updated, {"T1", 1, 0, "BBB-2", 1'100, {}});
    REQUIRE(other);
    CHECK(other->status == TagStatus::invalid);
    CHECK(other->reason == "other_token");
    CHECK(site.report(updated, {"T1", 2, 0, "bbb-1", {}, {}})->status == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>().size() == 1);
}

TEST_CASE("an end without its start is an orphan, and a cable without a card is nothing") {
    Site site;
    CHECK(site.report(ended, {"T9", 7, 0, {}, 5'000, {}}));
    site.pass(61s);
    CHECK(orphan_kinds(site) == std::vector<std::string>{"unknown_stop"});
    CHECK(site.report(started, {"T10", 0, 1, {}, 5'000, {}}));
    CHECK(site.report(ended, {"T10", 1, 0, {}, 5'000, {}}));
    CHECK(site.core().orphans().all().size() == 1);
    CHECK(site.report(started, {"T11", 0, 1, {}, 5'000, {}}));
    CHECK(site.report(ended, {"T11", 1, 0, {}, 5'500, {}}));
    CHECK(orphan_kinds(site) == std::vector<std::string>{"unknown_stop", "not_authorized"});
    CHECK(site.durable().empty());
}

TEST_CASE("without a register at the start the first sample is the begin; without any it is held") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", {}, {}}));
    site.pass(1min);
    SECTION("a sample comes") {
        CHECK(site.report(updated, {"T1", 1, 0, {}, 8'000'000, {}}));
        site.restart();
        site.pass(1min);
        CHECK(site.report(ended, {"T1", 2, 0, {}, 8'000'500, {}}));
        const node::ChargeEnded charge = only_charge(site);
        CHECK(charge.metered.readings.front().register_wh == 8'000'000);
        CHECK(charge.metered.readings.back().register_wh == 8'000'500);
        CHECK(site.core().sessions().all()[0]->record.meter.baseline_adopted);
    }
    SECTION("only the end has one") {
        CHECK(site.report(ended, {"T1", 1, 0, {}, 8'000'500, {}}));
        const Session& record = site.core().sessions().all()[0]->record;
        CHECK(record.state == SessionState::in_review);
        CHECK(record.review.reasons == std::vector<std::string>{"meter_begin_missing"});
    }
}

TEST_CASE("an end without a register is held, and billed by nobody's guess") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    site.pass(1min);
    Report last{"T1", 2, 0, {}, {}, {}};
    std::int64_t guess{1'000};
    SECTION("after a sample") {
        CHECK(site.report(updated, {"T1", 1, 0, {}, 1'300, {}}));
        guess = 1'300;
    }
    SECTION("without any sample") {
        last.sequence = 1;
        SECTION("nothing said") {}
        SECTION("only how it began") {
            last.meter = 1'000;
            last.context = ReadingContext::begin;
        }
    }
    CHECK(site.report(ended, last));
    site.restart();
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    const Session& record = site.core().sessions().all()[0]->record;
    CHECK(record.review.reasons == std::vector<std::string>{"meter_end_missing"});
    site.feed(ReviewDecided{record.review.number, true, "eve", "as the display said"});
    CHECK(only_charge(site).metered.readings.back().register_wh == guess);
}

TEST_CASE("a stored session of before the end's register could be missing is read") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    Session record = site.core().sessions().all()[0]->record;
    record.end_missing = true;
    record.free_since = 5;
    Bytes bytes = encode_session(record);
    REQUIRE(decode_session(bytes));
    CHECK(decode_session(bytes)->heard_at == site.now.wall);
    CHECK(decode_session(bytes)->free_since == 5);
    --bytes.front();
    CHECK_FALSE(decode_session(bytes));
    bytes.resize(bytes.size() - 16);  // Without when the charger was heard last.
    REQUIRE(decode_session(bytes));
    CHECK(decode_session(bytes)->end_missing);
    --bytes.front();
    CHECK_FALSE(decode_session(bytes));
    bytes.pop_back();
    REQUIRE(decode_session(bytes));
    CHECK_FALSE(decode_session(bytes)->end_missing);
    CHECK(decode_session(bytes)->meter == record.meter);
}

TEST_CASE(
    "the prepaid amount stops a named transaction by its name, and the cost is told at times") {
    Site site;
    site.policy.prepaid = 2 * money_scale;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    for (int i = 1; i <= 20; ++i) {
        site.pass(1s);
        CHECK(site.report(updated, {"T1", i, 0, {}, 1'000 + i, {}}));
    }
    REQUIRE(site.costs.size() == 2);  // At once, and after 10 s.
    CHECK(site.costs[0].name == "T1");
    CHECK(site.costs[0].amount == 12);
    CHECK(site.costs[1].amount == 132);
    CHECK(site.remote_stops.empty());
    site.pass(10min);
    CHECK(site.report(updated, {"T1", 21, 0, {}, 2'600, {}}));
    REQUIRE(site.remote_stops.size() == 1);
    CHECK(site.remote_stops[0].name == "T1");
}

TEST_CASE("stored transactions of earlier versions are read; another value is none") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 0, "BBB-1", 700, {}}));
    const Bytes prefix{ReportBook::key_prefix};
    const auto entries = site.store().scan(prefix, prefix, 10);
    REQUIRE(entries);
    REQUIRE(entries->size() == 1);
    const Bytes now = entries->front().value;
    const auto is_read = [](const Bytes& value) { return ReportBook{}.load(value); };
    CHECK(is_read(now));
    Bytes before{now.begin(), now.end() - 1};  // Without whether its start was seen.
    CHECK_FALSE(is_read(before));
    before[0] = 3;
    CHECK(is_read(before));
    before.pop_back();  // And how the charge began.
    CHECK_FALSE(is_read(before));
    before[0] = 2;
    CHECK(is_read(before));
    Encoder nothing_signed;
    SignedTrack{}.encode(nothing_signed);
    Bytes first = before;
    first.resize(before.size() - nothing_signed.bytes().size());
    first[0] = 1;
    CHECK(is_read(first));
    first[0] = 0;
    CHECK_FALSE(is_read(first));
    Bytes later = now;
    later[0] = static_cast<std::uint8_t>(now[0] + 1);
    CHECK_FALSE(is_read(later));
}

TEST_CASE("limit: reports that wait for one before them; then the gap is given up") {
    Site site;
    CHECK(site.report(started, {"T1", 0, 1, "BBB-1", 1'000, {}}));
    site.pass(10min);
    const auto count = static_cast<std::int64_t>(reports_held_max);
    for (std::int64_t i = 0; i < count - 1; ++i) {
        CHECK(site.report(updated, {"T1", 10 + i, 0, {}, 1'000 + i, {}}));
    }
    CHECK(site.core().sessions().all()[0]->record.meter.samples == 0);
    CHECK(site.report(updated, {"T1", 10 + count, 0, {}, 1'100, {}}));
    CHECK(site.core().sessions().all()[0]->record.meter.samples == count - 1);
}

TEST_CASE("limit: transactions of a station without an end, and reports before a card") {
    Site site;
    for (std::size_t i = 0; i <= open_transactions_max; ++i) {
        CHECK(site.report(updated, {"T" + std::to_string(i), 5, 1, {}, 1'000, {}}));
    }
    CHECK(site.core().reports().size() == open_transactions_max);
    CHECK(orphan_kinds(site) == std::vector<std::string>{"forgotten_report"});
    site.restart();
    CHECK(site.core().reports().size() == open_transactions_max);

    Site other;
    CHECK(other.report(started, {"T1", 0, 1, {}, 1'000, {}}));
    const auto count = static_cast<std::int64_t>(reports_before_token_max);
    for (std::int64_t i = 1; i < count + 5; ++i) {
        CHECK(other.report(updated, {"T1", i, 0, {}, 1'000, {}}));
    }
    CHECK(other.report(updated, {"T1", count + 5, 0, "BBB-1", 1'000, {}}));
    CHECK(other.core().sessions().all()[0]->record.evidence_count == count + 1);
}

TEST_CASE("limit: ended transactions remembered; a repeat behind it is known by its session") {
    Site site;
    CHECK(site.report(started, {"first", 0, 1, "BBB-1", 1'000, {}}));
    CHECK(site.report(ended, {"first", 1, 0, {}, 1'000, {}}));
    for (std::size_t i = 0; i < ended_transactions_max + 1; ++i) {
        const std::string name = "n" + std::to_string(i);
        CHECK(site.report(started, {name, 0, 1, {}, {}, {}}));
        CHECK(site.report(ended, {name, 1, 0, {}, {}, {}}));
    }
    CHECK(site.core().reports().size() <= ended_transactions_max + 1);
    CHECK(site.report(ended, {"first", 1, 0, {}, 1'000, {}}));
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().orphans().all().empty());
    CHECK(site.report(started, {"first", 0, 1, "BBB-1", 1'000, {}})->status == TagStatus::accepted);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
    site.pass(1min);  // What is said of a later time is another charge.
    CHECK(site.report(started, {"first", 0, 1, "BBB-1", 1'000, {}})->status == TagStatus::accepted);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 2);
}

}  // namespace tally::bridge::test
