// What is kept about charges that were reviewed and readings that were billed, and its bounds.

#include "charger_bridge/session/review_log.h"

#include "charger_bridge/metering/plausibility.h"
#include "charger_bridge/session/billed_readings.h"
#include "charger_bridge/session/statement.h"
#include "ledger/base/memory_store.h"

#include <catch2/catch.hpp>

namespace tally::bridge {

namespace {

Hash numbered(std::uint64_t number) {
    Hash hash;
    for (std::size_t i = 0; i < 8; ++i) {
        hash.data[i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return hash;
}

ReviewDecision decided(std::uint64_t number) {
    ReviewDecision decision;
    decision.number = number;
    decision.station = "CP1";
    decision.connector = 1;
    decision.transaction = 7;
    decision.reasons = {"signature_missing", "register_went_back"};
    decision.outcome = ReviewOutcome::rejected;
    decision.by = "operator \"1\"";
    decision.why = "the meter was exchanged";
    decision.held_at = 1'772'352'000'000;
    decision.decided_at = 1'772'352'060'000 + static_cast<UnixMillis>(number);
    return decision;
}

std::vector<KeyValueStore::Entry> stored(const MemoryStore& store, std::uint8_t prefix) {
    const Bytes key{prefix};
    auto entries = store.scan(key, key, 1'000'000);
    REQUIRE(entries);
    return std::move(entries).value();
}

}  // namespace

TEST_CASE("a decision survives its encoding, and what is cut short is none") {
    const Bytes bytes = encode_decision(decided(3));
    const auto decision = decode_decision(bytes);
    REQUIRE(decision);
    CHECK(decision->reasons == decided(3).reasons);
    CHECK(decision->by == decided(3).by);
    CHECK(decision->why == decided(3).why);
    CHECK(encode_decision(*decision) == bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        REQUIRE_FALSE(decode_decision(ByteView{bytes}.first(size)));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode_decision(longer));
}

TEST_CASE("limit: a station that has the most decisions forgets its own, late charges go last") {
    ReviewLog log;
    WriteBatch batch;
    const auto add = [&](std::uint64_t number, const char* station, ReviewOutcome outcome) {
        ReviewDecision decision = decided(number);
        decision.station = station;
        decision.outcome = outcome;
        return log.add(decision, batch);
    };
    CHECK_FALSE(add(1, "CP1", ReviewOutcome::rejected));
    CHECK_FALSE(add(2, "CP2", ReviewOutcome::released_late));
    for (std::uint64_t i = 3; i <= review_decided_max; ++i) {
        CHECK_FALSE(add(i, "CP2", ReviewOutcome::completed));
    }
    auto gone = add(2'001, "CP2", ReviewOutcome::completed);
    REQUIRE(gone);
    CHECK(gone->number == 3);  // Of CP2, and its late charge stays.
    for (std::uint64_t i = 1; i < review_decided_max; ++i) {
        gone = add(3'000 + i, "CP2", ReviewOutcome::released_late);
        REQUIRE(gone);
        CHECK(gone->outcome != ReviewOutcome::released_late);
    }
    CHECK(gone->number == 2'001);  // The last that was not late.
    gone = add(5'000, "CP1", ReviewOutcome::released_late);
    REQUIRE(gone);
    CHECK(gone->number == 2);
    CHECK(log.all().size() == review_decided_max);
}

TEST_CASE("decisions are kept in order and the oldest goes at the bound") {
    MemoryStore store;
    ReviewLog log;
    for (std::uint64_t i = 1; i <= review_decided_max + 2; ++i) {
        WriteBatch batch;
        log.add(decided(i), batch);
        REQUIRE(store.write(batch, true));
    }
    CHECK(log.all().size() == review_decided_max);
    CHECK(log.all().front().number == 3);
    ReviewLog again;
    for (const auto& entry : stored(store, ReviewLog::key_prefix)) {
        REQUIRE(again.load(entry.value));
    }
    CHECK(again.all().size() == review_decided_max);
    CHECK(again.all().front().number == 3);
    CHECK(again.all().back().number == review_decided_max + 2);
}

TEST_CASE("signed readings that were billed are known after a restart, the newest of them") {
    MemoryStore store;
    BilledReadings billed;
    CHECK_FALSE(billed.has_any({numbered(1)}));
    for (std::uint64_t i = 0; i <= billed_readings_max; ++i) {
        WriteBatch batch;
        billed.add({numbered(i), numbered(i)}, batch);
        REQUIRE(store.write(batch, true));
    }
    CHECK(billed.size() == billed_readings_max);
    CHECK_FALSE(billed.has_any({numbered(0)}));
    CHECK(billed.has_any({numbered(0), numbered(1)}));
    BilledReadings again;
    for (const auto& entry : stored(store, BilledReadings::key_prefix)) {
        REQUIRE(again.load(entry.key, entry.value));
    }
    CHECK(again.size() == billed_readings_max);
    CHECK(again.has_any({numbered(1)}));
    CHECK_FALSE(again.has_any({numbered(0)}));
    WriteBatch batch;
    again.add({numbered(billed_readings_max + 1)}, batch);
    CHECK_FALSE(again.has_any({numbered(1)}));
    CHECK_FALSE(again.load(Bytes{BilledReadings::key_prefix}, numbered(5).view()));
    CHECK_FALSE(again.load(stored(store, BilledReadings::key_prefix).front().key, Bytes(31)));
}

TEST_CASE("a charge is held against the one before it on its connector") {
    const auto reading = [](UnixMillis time, std::int64_t wh) {
        return MeterReading{time, 0, wh, false};
    };
    const PreviousEnd previous{100'000, 5'000, "M1", 1};
    const auto reasons = [&](const PreviousEnd* before, std::int64_t begin_wh, UnixMillis begin) {
        return implausible_after(before, "M1", 1,
                                 {reading(begin, begin_wh), reading(begin + 1, begin_wh)});
    };
    using Reasons = std::vector<std::string>;
    CHECK(reasons(nullptr, 0, 0).empty());
    CHECK(reasons(&previous, 5'000, 100'000).empty());
    CHECK(reasons(&previous, 4'999, 100'000) == Reasons{"register_below_previous"});
    CHECK(reasons(&previous, 5'000, 99'999) == Reasons{"overlaps_previous"});
    const PreviousEnd other_meter{100'000, 5'000, "M2", 1};
    CHECK(reasons(&other_meter, 0, 100'000).empty());
    const PreviousEnd other_epoch{100'000, 5'000, "M1", 0};
    CHECK(reasons(&other_epoch, 0, 100'000).empty());
    const UnixMillis longest = std::chrono::milliseconds{charge_duration_max}.count();
    CHECK(implausible_after(nullptr, "M1", 1, {reading(0, 0), reading(longest, 1)}).empty());
    CHECK(implausible_after(nullptr, "M1", 1, {reading(0, 0), reading(longest + 1, 1)}) ==
          Reasons{"too_long"});
}

TEST_CASE("the bridge's own lines of evidence say by what was billed and who decided") {
    SignedResult result;
    Session session;
    session.evses.resize(1);
    session.evses.front().meter_serial = "M1";
    CHECK(metering_statement(result, session) ==
          R"({"tally":"metering","source":"unsigned","meter":"M1"})");
    session.cut_off = true;
    CHECK(metering_statement(result, session).find(R"("cut_off":true)") != std::string::npos);
    session.signed_track.texts = {"OCMF|{}|{}"};
    CHECK(metering_statement(result, session).find("OCMF") == std::string::npos);
    session.evidence_left_out = 7;
    CHECK(metering_statement(result, session).find(R"("left_out":7,"records":["OCMF|{}|{}"])") !=
          std::string::npos);
    result.verdict = SignedVerdict::billable;
    result.end_time = 5;
    result.payloads = {numbered(1)};
    const std::string text = metering_statement(result, session);
    CHECK(text.find(R"("source":"signed")") != std::string::npos);
    CHECK(text.find(R"("begin_time":"charger","end_time":"meter")") != std::string::npos);
    CHECK(text.find(to_hex(numbered(1))) != std::string::npos);
    CHECK(review_statement(decided(3)) ==
          R"({"tally":"review","number":3,"outcome":"rejected","by":"operator \"1\"",)"
          R"("at":"2026-03-01T08:01:00.003Z","why":"the meter was exchanged",)"
          R"("held_for":["signature_missing","register_went_back"]})");
}

}  // namespace tally::bridge
