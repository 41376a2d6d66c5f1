// Charges of a meter that signs: billed by what it signed, or held for review, never twice.

#include "charger_bridge/ocmf/find_records.h"
#include "tests/charger_bridge/signing_site.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

namespace tally::bridge::test {

using namespace std::chrono_literals;
using Reasons = std::vector<std::string>;

TEST_CASE("what the meter signed is the record's begin and end, however the charger carries it") {
    for (const Carried carried :
         {Carried::stop_with_both, Carried::stop_in_two, Carried::values_then_stop}) {
        SigningSite site;
        const UnixMillis begun = site.now.wall;
        const auto ended = site.charge(carried, 1'000'500, 1'001'250);
        REQUIRE(ended.size() == 1);
        const MeteredCharge& metered = ended[0].metered;
        CHECK(metered.readings.front().register_wh == 1'000'500);
        CHECK(metered.readings.front().time == begun);
        CHECK(metered.readings.back().register_wh == 1'001'250);
        CHECK(metered.readings.back().time == begun + 60'000);
        const auto texts = site.evidence_of(ended[0]);
        CHECK(texts.back().find(R"("source":"signed")") != std::string::npos);
        CHECK(site.core().in_review().empty());
    }
}

namespace {

/// A charge of 60 s by name: the begin that the meter signed comes with the start, where the cable
/// is put in; the card 10 s later, unless it comes with the start too.
std::vector<node::ChargeEnded> named_charge(SigningSite& site, bool card_first,
                                            std::int64_t at_card, bool restarts = false) {
    const std::string begin = site.record({.begin_wh = 1'000'000, .begin = site.now.wall});
    const auto token = card_first ? std::optional<std::string>{"BBB-1"} : std::nullopt;
    site.report(ReportKind::started, {"T1", 0, 1, token, 1'000'000, {}, {begin}});
    site.pass(10s);
    if (restarts) {
        site.restart();
        site.connect();
        site.link_up();
    }
    if (!card_first) {
        site.report(ReportKind::updated, {"T1", 1, 1, "BBB-1", at_card, {}, {}});
    }
    site.pass(50s);
    const std::string end = site.record({.end_wh = 1'000'750, .end = site.now.wall, .page = 2});
    site.report(ReportKind::ended, {"T1", card_first ? 1 : 2, 1, {}, 1'000'750, {}, {end}});
    return site.durable_of<node::ChargeEnded>();
}

}  // namespace

TEST_CASE("2.0.1: the begin that the meter signed at the start counts, before the card too") {
    for (const bool card_first : {true, false}) {
        for (const bool restarts : {false, true}) {
            SigningSite site;
            const auto ended = named_charge(site, card_first, 1'000'000, restarts);
            REQUIRE(ended.size() == 1);
            CHECK(ended[0].metered.readings.front().register_wh == 1'000'000);
            CHECK(ended[0].metered.readings.back().register_wh == 1'000'750);
            const auto texts = site.evidence_of(ended[0]);
            CHECK(texts.back().find(R"("source":"signed")") != std::string::npos);
        }
    }
}

TEST_CASE("2.0.1: the signed begin waits for the home operator's answer as the charge does") {
    SigningSite site;
    site.node_answers = false;
    const std::string begin = site.record({.begin_wh = 1'000'000, .begin = site.now.wall});
    site.report(ReportKind::started, {"T1", 0, 1, "BBB-1", 1'000'000, {}, {begin}});
    site.restart();
    site.connect();
    site.node_answers = true;
    site.link_up();
    site.settle();
    site.pass(60s);
    const std::string end = site.record({.end_wh = 1'000'750, .end = site.now.wall, .page = 2});
    site.report(ReportKind::ended, {"T1", 1, 1, {}, 1'000'750, {}, {end}});
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(site.evidence_of(ended[0]).back().find(R"("source":"signed")") != std::string::npos);
}

TEST_CASE("2.0.1: a begin signed before energy was drawn without a card is not the charge's") {
    SigningSite site;
    CHECK(named_charge(site, false, 1'000'200).empty());
    CHECK(site.reasons_in_review() == Reasons{"signature_missing"});
}

TEST_CASE("the meter's registers count where the charger says others") {
    SigningSite site;
    const UnixMillis begun = site.now.wall;
    const std::int32_t transaction = site.begin(0);  // of its own counter
    site.pass(60s);
    site.send_stop(transaction, 700,
                   {site.record({.begin_wh = 1'000'500,
                                 .end_wh = 1'001'250,
                                 .begin = begun + 2'000,
                                 .end = site.now.wall - 1'000})});
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.front().register_wh == 1'000'500);
    CHECK(ended[0].metered.readings.front().time == begun + 2'000);
    CHECK(ended[0].metered.readings.back().register_wh == 1'001'250);
    CHECK(ended[0].metered.readings.back().time == begun + 59'000);
}

TEST_CASE("a meter's clock that is far from the charger's is not believed, its registers are") {
    SigningSite site;
    const UnixMillis begun = site.now.wall;
    const std::int32_t transaction = site.begin(1'000);
    site.pass(60s);
    site.send_stop(
        transaction, 1'700,
        {site.record({.begin_wh = 1'000, .end_wh = 1'700, .begin = 12'000, .end = 72'000})});
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.front().time == begun);
    CHECK(ended[0].metered.readings.back().time == begun + 60'000);
    CHECK(site.evidence_of(ended[0]).back().find(R"("begin_time":"charger")") != std::string::npos);
}

TEST_CASE("valid but not billable: held for review with the reasons, not billed") {
    SigningSite site;
    const std::int32_t transaction = site.begin(1'000);
    site.pass(60s);
    site.send_stop(transaction, 1'700,
                   {site.record({.begin_wh = 1'000,
                                 .end_wh = 1'700,
                                 .begin = site.now.wall - 60'000,
                                 .end = site.now.wall,
                                 .status = "E"})});
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.reasons_in_review() == Reasons{"signature_not_billable", "meter_not_good"});
    site.restart();
    CHECK(site.reasons_in_review() == Reasons{"signature_not_billable", "meter_not_good"});
}

TEST_CASE("invalid: another key than the registered one holds the charge, and is counted") {
    SigningSite site;
    const MeterSigner stranger{MeterCurve::secp256r1};
    site.policy.meter_public_key = stranger.key_info();
    CHECK(site.charge(Carried::stop_with_both, 1'000, 1'700).empty());
    CHECK(site.reasons_in_review() == Reasons{"signature_invalid", "signature_wrong"});
    CHECK(site.count_notes("signed_reading_invalid") == 1);
}

TEST_CASE("missing where signatures are required: held; where the meter does not sign: billed") {
    SigningSite site;
    CHECK(site.charge(Carried::never, 1'000, 1'700).empty());
    CHECK(site.reasons_in_review() == Reasons{"signature_missing"});

    SigningSite plain;
    plain.policy.meter_public_key.clear();
    const auto ended = plain.charge(Carried::never, 1'000, 1'700);
    REQUIRE(ended.size() == 1);
    CHECK(plain.evidence_of(ended[0]).back() ==
          R"({"tally":"metering","source":"unsigned","meter":"M1"})");
}

TEST_CASE("the same signed record is not billed twice, also after a restart") {
    SigningSite site;
    const UnixMillis begun = site.now.wall;
    const std::string record =
        site.record({.begin_wh = 1'000, .end_wh = 1'700, .begin = begun, .end = begun + 60'000});
    const std::int32_t first = site.begin(1'000);
    site.pass(60s);
    site.send_stop(first, 1'700, {record});
    REQUIRE(site.durable_of<node::ChargeEnded>().size() == 1);
    site.restart();
    const std::int32_t second = site.begin(1'700);
    site.pass(60s);
    site.send_stop(second, 2'000, {record});
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    const Reasons reasons = site.reasons_in_review();
    CHECK(std::count(reasons.begin(), reasons.end(), "signed_record_repeated") == 1);
    const std::uint64_t number = site.core().in_review().begin()->first;
    const LiveSession* const held = site.core().find_review(number);
    CHECK_FALSE(site.core().why_not_releasable(held->record).empty());
    site.decide(number, true);
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().in_review().size() == 1);
}

TEST_CASE("the signed records that are billed are in the evidence when it is full") {
    SigningSite site;
    const UnixMillis begun = site.now.wall;
    const std::int32_t transaction = site.begin(1'000'000);
    const std::string begin = site.record({.begin_wh = 1'000'000, .begin = begun});
    // What the meter signs on the way comes again and again.
    for (int i = 0; i < 2'500; ++i) {
        site.pass(1s);
        REQUIRE(site.send_values(transaction, 1'000'000, {begin}));
    }
    const std::string end = site.record({.end_wh = 1'000'750, .end = site.now.wall, .page = 2});
    site.send_stop(transaction, 1'000'750, {end});
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 1'000'750);
    const auto texts = site.evidence_of(ended[0]);
    CHECK(texts.back().find("left_out") != std::string::npos);
    auto records = find_ocmf(texts.back());
    std::sort(records.begin(), records.end());
    std::vector<std::string> billed{begin, end};
    std::sort(billed.begin(), billed.end());
    CHECK(records == billed);
}

TEST_CASE("a signed end that comes after the Stop completes the charge that waited for it") {
    SigningSite site;
    const UnixMillis begun = site.now.wall;
    const std::int32_t transaction = site.begin(1'000);
    site.send_values(transaction, 1'000, {site.record({.begin_wh = 1'000, .begin = begun})});
    site.pass(60s);
    const std::string end = site.record({.end_wh = 1'700, .end = site.now.wall, .page = 2});
    site.send_stop(transaction, 1'700, {});
    CHECK(site.reasons_in_review() == Reasons{"signature_missing"});
    site.send_values(transaction, 1'700, {end});
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.core().in_review().empty());
    REQUIRE(site.core().decisions().all().size() == 1);
    CHECK(site.core().decisions().all()[0].outcome == ReviewOutcome::completed);
    site.send_values(transaction, 1'700, {end});
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE(
    "property: any order and multiset of a signed charge's messages, with kills between any "
    "two, gives the same record") {
    const UnixMillis begun = start_time;
    const std::string begin_record = SigningSite{}.record({.begin_wh = 1'000, .begin = begun});
    const std::string end_record =
        SigningSite{}.record({.end_wh = 1'900, .end = begun + 120'000, .page = 2});
    std::mt19937 random{4711};
    for (int round = 0; round < 200; ++round) {
        SigningSite site;
        const std::int32_t transaction = site.begin(1'000);
        site.now.wall = begun + 120'000;  // Everything below was queued in the charger.
        site.now.mono += 120s;
        using Send = std::function<void()>;
        const std::vector<Send> messages{
            [&] { site.send_values(transaction, 1'000, {begin_record}); },
            [&] { site.send_values(transaction, 1'400, {}); },
            [&] { site.send_values(transaction, 1'900, {end_record}); },
            [&] { site.send_stop(transaction, 1'900, {}); },
        };
        std::vector<std::size_t> order{0, 1, 2, 3};
        for (int extra = 0; extra < round % 5; ++extra) {
            order.push_back(random() % messages.size());
        }
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t index : order) {
            if (random() % 2 == 0) {
                site.crash_at(1, random() % 2 == 0);
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
        REQUIRE(readings[1] == MeterReading{begun + 120'000, 0, 1'900, false});
        REQUIRE(site.core().in_review().empty());
    }
}

}  // namespace tally::bridge::test
