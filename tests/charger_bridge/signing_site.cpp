#include "tests/charger_bridge/signing_site.h"

#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/session/evidence.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

namespace {

std::string reading_text(const char* reason, UnixMillis time, std::int64_t register_wh,
                         const std::string& status) {
    std::string when = time_to_text(time);  // 2026-03-01T08:00:00.000Z
    when.replace(19, 1, ",");
    when.replace(when.size() - 1, 1, "+0000 S");
    const std::string thousandths = std::to_string(register_wh % 1'000 + 1'000).substr(1);
    return R"({"TM":")" + when + R"(","TX":")" + reason + R"(","RV":)" +
           std::to_string(register_wh / 1'000) + "." + thousandths +
           R"(,"RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":")" + status + "\"}";
}

}  // namespace

const MeterSigner& SigningSite::meter() {
    static const MeterSigner signer{MeterCurve::secp256r1};
    return signer;
}

SigningSite::SigningSite() { policy.meter_public_key = meter().key_info(); }

std::string SigningSite::record(const Span& span) const {
    std::string readings;
    if (span.begin_wh) {
        readings += reading_text("B", span.begin, *span.begin_wh, span.status);
    }
    if (span.end_wh) {
        readings +=
            (readings.empty() ? "" : ",") + reading_text("E", span.end, *span.end_wh, span.status);
    }
    return meter().record(R"({"FV":"1.0","PG":"T)" + std::to_string(span.page) +
                          R"(","MS":"M1","IL":"TRUSTED","RD":[)" + readings + "]}");
}

std::int32_t SigningSite::begin(std::int64_t register_wh) {
    REQUIRE(swipe() == TagStatus::accepted);
    const auto started = start(1, "BBB-1", register_wh);
    REQUIRE(started);
    REQUIRE(started->status == TagStatus::accepted);
    return started->transaction;
}

bool SigningSite::send_values(std::int32_t transaction, std::int64_t register_wh,
                              const std::vector<std::string>& signed_texts) {
    MeterSample sample;
    sample.time = now.wall;
    sample.register_wh = register_wh;
    for (const std::string& text : signed_texts) {
        sample.signed_readings.push_back({text, "OCMF", "", ReadingContext::other});
    }
    ValuesFacts facts;
    facts.connector = 1;
    facts.transaction = TransactionName{std::int64_t{transaction}};
    facts.samples = {sample};
    std::string said{"values"};
    for (const std::string& text : signed_texts) {
        said += " " + text;
    }
    feed(MeterValuesCalled{{station, "v" + std::to_string(++m_messages)}, facts, said});
    settle();
    return !crashed();
}

bool SigningSite::send_stop(std::int32_t transaction, std::int64_t register_wh,
                            const std::vector<std::string>& signed_texts) {
    StopFacts facts;
    facts.transaction = TransactionName{std::int64_t{transaction}};
    facts.meter_stop_wh = register_wh;
    facts.timestamp = text_now();
    facts.time = now.wall;
    facts.reason = "Local";
    for (const std::string& text : signed_texts) {
        MeterSample sample;
        sample.time = now.wall;
        sample.signed_readings = {{text, "OCMF", "", ReadingContext::other}};
        facts.samples.push_back(sample);
    }
    feed(StopCalled{{station, "s" + std::to_string(++m_messages)}, facts, "stop"});
    settle();
    return !crashed();
}

std::vector<node::ChargeEnded> SigningSite::charge(Carried carried, std::int64_t from,
                                                   std::int64_t to) {
    const UnixMillis begin_time = now.wall;
    const std::int32_t transaction = begin(from);
    const std::string begin_record = record({.begin_wh = from, .begin = begin_time});
    if (carried == Carried::values_then_stop) {
        send_values(transaction, from, {begin_record});
    }
    pass(std::chrono::seconds{60});
    const UnixMillis end_time = now.wall;
    const std::string end_record = record({.end_wh = to, .end = end_time, .page = 2});
    const std::string both =
        record({.begin_wh = from, .end_wh = to, .begin = begin_time, .end = end_time});
    std::vector<std::string> texts;
    switch (carried) {
        case Carried::stop_with_both:
            texts = {both};
            break;
        case Carried::stop_in_two:
            texts = {begin_record, end_record};
            break;
        case Carried::values_then_stop:
            texts = {end_record};
            break;
        case Carried::never:
            break;
    }
    send_stop(transaction, to, texts);
    return durable_of<node::ChargeEnded>();
}

std::vector<std::string> SigningSite::reasons_in_review() {
    std::vector<std::string> reasons;
    for (const auto& [number, id] : core().in_review()) {
        const LiveSession* const session = core().find_review(number);
        REQUIRE(session != nullptr);
        reasons.insert(reasons.end(), session->record.review.reasons.begin(),
                       session->record.review.reasons.end());
    }
    return reasons;
}

std::vector<std::string> SigningSite::evidence_of(const node::ChargeEnded& ended) {
    const auto kept = find_evidence(store(), ended.metered.evidence);
    REQUIRE(kept);
    REQUIRE(*kept);
    REQUIRE((*kept)->is_whole);
    return (*kept)->texts;
}

void SigningSite::decide(std::uint64_t number, bool release, const std::string& why) {
    feed(ReviewDecided{number, release, "eve", why});
    settle();
}

}  // namespace tally::bridge::test
