// Charges held for review: what they wait for, what an operator decides, and what follows.

#include "tests/charger_bridge/signing_site.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;
using Reasons = std::vector<std::string>;

namespace {

/// A charge whose signatures are missing; gives its number in the review.
std::uint64_t held_charge(SigningSite& site, std::int64_t from = 1'000) {
    static_cast<void>(site.charge(Carried::never, from, from + 700));
    REQUIRE(site.core().in_review().size() == 1);
    return site.core().in_review().begin()->first;
}

/// A charge that ends below its begin; no record can be made of it.
std::uint64_t hopeless_charge(SigningSite& site) {
    const std::int32_t transaction = site.begin(1'000);
    site.pass(60s);
    site.send_stop(transaction, 10, {});
    REQUIRE(site.core().in_review().size() == 1);
    return site.core().in_review().begin()->first;
}

/// Held charges of CP2 as an earlier process left them; they look like the one that runs.
void put_held(SigningSite& site, std::int32_t running, std::size_t count) {
    const LiveSession* const live = site.core().find_transaction("CP1", running);
    REQUIRE(live != nullptr);
    for (std::uint64_t i = 1; i <= count; ++i) {
        Session held = live->record;
        held.id = SessionId{};
        held.id.data[0] = 0xee;
        held.id.data[1] = static_cast<std::uint8_t>(i);
        held.id.data[2] = static_cast<std::uint8_t>(i >> 8U);
        held.station = "CP2";
        held.transaction = 0;
        held.start_facts = Hash{};
        held.state = SessionState::in_review;
        held.review = Review{100'000 + i, {"signature_missing"}, true, site.now.wall};
        WriteBatch batch;
        Bytes key{SessionTable::key_prefix};
        key.insert(key.end(), held.id.data.begin(), held.id.data.end());
        batch.put(key, encode_session(held));
        REQUIRE(site.store().write(batch, true));
    }
}

}  // namespace

TEST_CASE("a released charge is signed and queued, and its evidence says who decided and why") {
    SigningSite site;
    const std::uint64_t number = held_charge(site);
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    site.restart();
    site.decide(number, true, "the meter was read on site");
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 1'700);
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    const auto texts = site.evidence_of(ended[0]);
    REQUIRE(texts.size() >= 2);
    const std::string& decision = texts[texts.size() - 2];
    CHECK(decision.find(R"("outcome":"released","by":"eve")") != std::string::npos);
    CHECK(decision.find("the meter was read on site") != std::string::npos);
    CHECK(decision.find("signature_missing") != std::string::npos);
    CHECK(texts.back().find(R"("source":"unsigned")") != std::string::npos);
    CHECK(site.core().in_review().empty());
    site.decide(number, true);
    site.decide(number, false);
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
}

TEST_CASE("a rejected charge gives its approval back and is never billed") {
    SigningSite site;
    const std::uint64_t number = held_charge(site);
    site.decide(number, false, "test of the installer");
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    site.restart();
    REQUIRE(site.core().decisions().all().size() == 1);
    CHECK(site.core().decisions().all()[0].outcome == ReviewOutcome::rejected);
    CHECK(site.core().decisions().all()[0].why == "test of the installer");
    site.decide(number, true);
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
}

TEST_CASE("a decision and what follows from it survive a kill together or not at all") {
    for (const bool after_write : {false, true}) {
        for (const bool release : {false, true}) {
            SigningSite site;
            const std::uint64_t number = held_charge(site);
            site.crash_at(1, after_write);
            site.decide(number, release);
            REQUIRE(site.crashed());
            site.restart();
            CHECK(site.core().in_review().empty() == after_write);
            CHECK(site.core().decisions().all().size() == (after_write ? 1 : 0));
            site.decide(number, release);
            CHECK(site.durable_of<node::ChargeEnded>().size() == (release ? 1 : 0));
            CHECK(site.durable_of<node::ApprovalUnused>().size() == (release ? 0 : 1));
        }
    }
}

TEST_CASE("a held charge gives its approval back when its connector is needed, and is then late") {
    SigningSite site;
    const std::uint64_t number = held_charge(site);
    REQUIRE(site.swipe("BBB-2") == TagStatus::accepted);
    REQUIRE(site.start(1, "BBB-2", 1'700)->status == TagStatus::accepted);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    const auto durable = site.durable();
    CHECK(std::holds_alternative<node::ApprovalUnused>(durable[durable.size() - 2]));
    CHECK(std::holds_alternative<node::ChargeStarted>(durable.back()));
    site.restart();
    CHECK(site.core().find_review(number)->record.review.is_late);
    CHECK_FALSE(site.core().late_charge(number));
    site.decide(number, true);
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    site.restart();
    const auto late = site.core().late_charge(number);
    REQUIRE(late);
    CHECK(late->readings.back().register_wh == 1'700);
    Hash chain_id;
    chain_id.data.fill(9);
    CHECK(verify_signature(site.key.public_key(), metered_signing_digest(chain_id, *late),
                           late->bridge_signature));
    CHECK(site.core().decisions().all().back().outcome == ReviewOutcome::released_late);
}

TEST_CASE("a held charge gives its approval back when its driver returns, and after an hour") {
    SigningSite site;
    held_charge(site);
    REQUIRE(site.swipe() == TagStatus::accepted);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    SigningSite other;
    held_charge(other);
    other.pass(59min);
    CHECK(other.durable_of<node::ApprovalUnused>().empty());
    other.pass(1min);
    other.pass(1min);
    CHECK(other.durable_of<node::ApprovalUnused>().size() == 1);
    CHECK(other.core().in_review().size() == 1);
}

TEST_CASE("what no record can be made of cannot be released, only rejected") {
    SigningSite site;
    site.policy.meter_public_key.clear();
    const std::uint64_t number = hopeless_charge(site);
    CHECK(site.reasons_in_review() == Reasons{"register_went_back"});
    CHECK(site.core().why_not_releasable(site.core().find_review(number)->record) ==
          "no record can be made: register_went_back");
    site.decide(number, true);
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.core().in_review().size() == 1);
    site.decide(number, false);
    CHECK(site.core().in_review().empty());
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
}

TEST_CASE("register reset: a begin below the connector's last end is held, not sent") {
    SigningSite site;
    site.policy.meter_public_key.clear();
    REQUIRE(site.charge(Carried::never, 5'000, 5'700).size() == 1);
    site.restart();
    const std::int32_t second = site.begin(0);
    site.pass(60s);
    site.send_stop(second, 600, {});
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.reasons_in_review() == Reasons{"register_below_previous"});
    const std::uint64_t number = site.core().in_review().begin()->first;
    CHECK_FALSE(site.core().why_not_releasable(site.core().find_review(number)->record).empty());
}

TEST_CASE("a Stop that comes after all takes the place of the guess of its end") {
    SigningSite site;
    site.policy.meter_public_key.clear();
    const std::int32_t first = site.begin(1'000);
    site.pass(60s);
    REQUIRE(site.swipe("BBB-2") == TagStatus::accepted);
    REQUIRE(site.start(1, "BBB-2", 1'700)->status == TagStatus::accepted);
    // No sample said anything of its end: nothing is billed, and the connector is given back.
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.reasons_in_review() == Reasons{"stop_missing"});
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    site.restart();
    site.send_stop(first, 1'700, {});
    const std::uint64_t number = site.core().in_review().begin()->first;
    site.decide(number, true);
    const auto late = site.core().late_charge(number);
    REQUIRE(late);
    CHECK(late->readings.back().register_wh == 1'700);
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.core().orphans().all().empty());
}

TEST_CASE("an end that the meter signed takes the place of the one that the charger did not say") {
    SigningSite site;
    const UnixMillis begun = site.now.wall;
    const std::int32_t transaction = site.begin(1'000);
    site.pass(60s);
    StopFacts stop;
    stop.transaction = TransactionName{std::int64_t{transaction}};
    stop.time = site.now.wall;
    MeterSample sample;
    sample.time = site.now.wall;
    const std::string both =
        site.record({.begin_wh = 1'000, .end_wh = 1'700, .begin = begun, .end = site.now.wall});
    sample.signed_readings = {{both, "OCMF", "", ReadingContext::other}};
    stop.samples = {sample};
    site.feed(StopCalled{{"CP1", "stop"}, stop, "stop"});
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].metered.readings.back().register_wh == 1'700);
}

TEST_CASE("with a full review new charges are refused until some are decided, running ones end") {
    SigningSite site;
    site.policy.meter_public_key.clear();
    const std::int32_t running = site.begin(1'000);
    put_held(site, running, review_waiting_max);
    site.restart();
    REQUIRE(site.core().in_review().size() == review_waiting_max);
    CHECK(site.swipe("BBB-7") == TagStatus::invalid);
    CHECK(site.core().refusals().front().reason == "review_full");
    CHECK(site.start(2, "BBB-8", 5)->status == TagStatus::invalid);
    site.pass(60s);
    site.send_stop(running, 10, {});
    CHECK(site.core().in_review().size() == review_waiting_max + 1);
    site.decide(site.core().in_review().begin()->first, false);
    site.decide(site.core().in_review().begin()->first, false);
    CHECK(site.swipe("BBB-7") == TagStatus::accepted);
}

TEST_CASE("limit: a station whose share of the review is full begins no charges, others do") {
    SigningSite site;
    put_held(site, site.begin(1'000), review_of_station_max);
    site.restart();
    CHECK(site.swipe("BBB-7") == TagStatus::accepted);
    site.station = "CP2";
    site.connect();
    CHECK(site.swipe("BBB-8") == TagStatus::invalid);
    CHECK(site.core().refusals().front().reason == "review_full");
    CHECK(site.start(2, "BBB-8", 5)->status == TagStatus::invalid);
    site.decide(100'001, false);
    CHECK(site.swipe("BBB-8") == TagStatus::accepted);
}

TEST_CASE("a late charge can still be billed after its station ended as many as are remembered") {
    SigningSite site;
    const std::uint64_t number = held_charge(site);
    site.pass(std::chrono::hours{2});
    REQUIRE(site.core().find_review(number)->record.review.is_late);
    site.decide(number, true);
    const auto late = site.core().late_charge(number);
    REQUIRE(late);
    const auto finish_more = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
            const auto refused = site.start(2, "", static_cast<std::int64_t>(i));
            site.stop(refused->transaction, static_cast<std::int64_t>(i));
        }
    };
    finish_more(0, finished_sessions_max + 5);
    CHECK(site.core().sessions().all().size() == finished_sessions_max + 1);
    CHECK(site.core().sessions().open_count() == 0);
    site.restart();
    finish_more(finished_sessions_max + 5, finished_sessions_max + 10);
    CHECK(site.core().sessions().all().size() == finished_sessions_max + 1);
    REQUIRE(site.core().late_charge(number));
    CHECK(site.core().late_charge(number)->bridge_signature == late->bridge_signature);
}

}  // namespace tally::bridge::test
