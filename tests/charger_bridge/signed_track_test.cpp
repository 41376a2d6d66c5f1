// Signed meter records of one charge: which of them count, and what they prove.

#include "charger_bridge/metering/signed_track.h"

#include "charger_bridge/ocmf/billed.h"
#include "tests/charger_bridge/ocmf/meter_signer.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::bridge {

namespace {

const MeterSigner& meter() {
    static const MeterSigner signer{MeterCurve::secp256r1};
    return signer;
}

MeterTrust trusted() { return trust_of(nullptr, "M1", meter().key_info()); }

std::string whole() { return meter().record(PayloadParts{}.text()); }

std::string begin_only() {
    PayloadParts parts;
    parts.end.clear();
    return meter().record(parts.text());
}

std::string end_only(std::string_view page = "T8") {
    PayloadParts parts;
    parts.begin.clear();
    return meter().record(with(parts.text(), "T7", page));
}

SignedResult judged(const std::vector<std::string>& texts, const MeterTrust& trust,
                    std::int64_t charger_begin_wh = 0) {
    SignedTrack track;
    for (const std::string& text : texts) {
        static_cast<void>(add_signed(track, text, &trust));
    }
    return judge_signed(track, trust, charger_begin_wh);
}

using Reasons = std::vector<std::string>;

}  // namespace

TEST_CASE("a signed record with begin and end is what is billed, in whole Wh") {
    const SignedResult result = judged({whole()}, trusted(), 77);
    CHECK(result.verdict == SignedVerdict::billable);
    CHECK(result.begin_wh == 1'000'500);
    CHECK(result.end_wh == 1'011'250);
    CHECK(result.begin_time == UnixMillis{1'772'352'000'000});
    CHECK(result.end_time == UnixMillis{1'772'355'600'000});
    CHECK(result.payloads == std::vector{parsed(whole()).payload_hash()});
}

TEST_CASE("fractions of a Wh are cut from both registers") {
    PayloadParts parts;
    parts.begin = with(parts.begin, "1000.5", "1000.5009");
    parts.end = with(parts.end, "1011.25", "1011.2509");
    const SignedResult result = judged({meter().record(parts.text())}, trusted());
    CHECK(result.begin_wh == 1'000'500);
    CHECK(result.end_wh == 1'011'250);
}

TEST_CASE("a register that begins anew with each charge is counted on from the charger's") {
    PayloadParts parts;
    parts.begin = with(with(parts.begin, "1000.5", "0.0"), "1-b:1.8.0", "1-b:98.8.0");
    parts.end = with(with(parts.end, "1011.25", "10.7509"), "1-b:1.8.0", "1-b:98.8.0");
    const SignedResult result = judged({meter().record(parts.text())}, trusted(), 5'000);
    CHECK(result.verdict == SignedVerdict::billable);
    CHECK(result.begin_wh == 5'000);
    CHECK(result.end_wh == 15'750);
}

TEST_CASE("begin and end records pair in whatever order and number they come") {
    PayloadParts between;
    between.begin = with(between.begin, R"("TX":"B")", R"("TX":"C")");
    between.end.clear();
    std::vector<std::string> texts{begin_only(), meter().record(between.text()), end_only(),
                                   end_only(), begin_only()};
    std::sort(texts.begin(), texts.end());
    int orders = 0;
    do {
        const SignedResult result = judged(texts, trusted());
        REQUIRE(result.verdict == SignedVerdict::billable);
        REQUIRE(result.begin_wh == 1'000'500);
        REQUIRE(result.end_wh == 1'011'250);
        REQUIRE(result.payloads.size() == 2);
        ++orders;
    } while (std::next_permutation(texts.begin(), texts.end()));
    CHECK(orders == 120);
}

TEST_CASE("the choice among the records that are kept is the choice among all") {
    PayloadParts later;
    later.general = with(later.general, "T7", "T9");
    later.end = with(with(later.end, "09:00:00", "09:30:00"), "1011.25", "1012.5");
    std::vector<OcmfRecord> records{parsed(begin_only()), parsed(whole()), parsed(end_only()),
                                    parsed(meter().record(later.text()))};
    const BilledRecords all = choose_billed(records);
    CHECK(all.billing.end->value == "1012.5");
    std::vector<OcmfRecord> kept;
    for (const std::size_t index : needed_for_choice(records)) {
        kept.push_back(records[index]);
    }
    CHECK(kept.size() == 3);
    CHECK(choose_billed(kept).first->payload == all.first->payload);
}

TEST_CASE("the text may be base64, and the times of a clock that is not set do not count") {
    PayloadParts parts;
    parts.begin = with(parts.begin, "+0000 S", "+0000 U");
    const std::string text = meter().record(parts.text());
    const SignedResult result = judged({base64_of(as_bytes(text))}, trusted());
    CHECK(result.verdict == SignedVerdict::billable);
    CHECK_FALSE(result.begin_time);
    CHECK(result.end_time);
}

TEST_CASE(
    "a valid record that its meter marks as not to be billed is for review with the reasons") {
    PayloadParts parts;
    parts.end = with(with(parts.end, R"("ST":"G")", R"("ST":"E")"), R"("EF":"")", R"("EF":"Et")");
    const SignedResult result = judged({meter().record(parts.text())}, trusted());
    CHECK(result.verdict == SignedVerdict::not_billable);
    CHECK(result.reasons == Reasons{"signature_not_billable", "meter_not_good", "energy_error"});
    MeterTrust other = trusted();
    other.serial = "M2";
    CHECK(judged({whole()}, other).reasons == Reasons{"signature_not_billable", "other_meter"});
}

TEST_CASE("one record that the registered meter did not sign spoils all of them") {
    const MeterSigner stranger{MeterCurve::secp256r1};
    const std::string foreign = stranger.record(PayloadParts{}.text());
    const SignedResult result = judged({whole(), foreign}, trusted());
    CHECK(result.verdict == SignedVerdict::invalid);
    CHECK(result.reasons == Reasons{"signature_invalid", "signature_wrong"});
    const std::string altered = with(whole(), "1011.25", "1019.25");
    CHECK(judged({altered}, trusted()).verdict == SignedVerdict::invalid);
    CHECK(judged({"OCMF|{}|{}"}, trusted()).reasons == Reasons{"signature_invalid", "unreadable"});
}

TEST_CASE("a record that came before its meter was known is verified when the charge ends") {
    const MeterSigner stranger{MeterCurve::secp256r1};
    SignedTrack track;
    CHECK(add_signed(track, stranger.record(PayloadParts{}.text()), nullptr));
    CHECK(judge_signed(track, trusted(), 0).verdict == SignedVerdict::invalid);
}

TEST_CASE("without signed begin and end only a meter that need not sign is billed") {
    CHECK(judged({}, trusted()).reasons == Reasons{"signature_missing"});
    CHECK(judged({begin_only()}, trusted()).verdict == SignedVerdict::missing);
    CHECK(judged({}, trust_of(nullptr, "M1", {})).verdict == SignedVerdict::not_signed);
    // Nobody's key is registered: what is signed proves nothing, and does no harm.
    CHECK(judged({whole()}, trust_of(nullptr, "M1", {})).verdict == SignedVerdict::not_signed);
    MeterConfig site;
    site.serial = "M1";
    site.key = meter().key();
    CHECK(judged({}, trust_of(&site, "M1", {})).verdict == SignedVerdict::missing);
    site.allows_unsigned = true;
    CHECK(judged({}, trust_of(&site, "M1", {})).verdict == SignedVerdict::not_signed);
    CHECK(judged({whole()}, trust_of(&site, "M1", {})).verdict == SignedVerdict::billable);
    // The ledger says that this meter signs: the site cannot allow otherwise.
    CHECK(judged({}, trust_of(&site, "M1", meter().key_info())).verdict == SignedVerdict::missing);
}

TEST_CASE("site and ledger must name the same meter and key") {
    const MeterSigner other{MeterCurve::secp256r1};
    MeterConfig site;
    site.serial = "M1";
    site.key = meter().key();
    CHECK(trust_of(&site, "M1", meter().key_info()).problem.empty());
    CHECK(trust_of(&site, "M1", meter().point()).problem.empty());
    CHECK(judged({whole()}, trust_of(&site, "M9", meter().key_info())).reasons ==
          Reasons{"meter_serial_differs"});
    CHECK(judged({whole()}, trust_of(&site, "M1", other.key_info())).reasons ==
          Reasons{"meter_key_differs"});
    CHECK(judged({whole()}, trust_of(&site, "M1", Bytes{1, 2, 3})).reasons ==
          Reasons{"meter_key_unreadable"});
}

TEST_CASE("a lenient meter's raw signature counts, a strict one's does not") {
    const std::string payload = PayloadParts{}.text();
    const Bytes der = meter().sign(payload);
    const auto integer = [&](std::size_t at) {  // of 32 bytes, whatever DER made of them
        const std::size_t size = der[at + 1];
        Bytes bytes{der.begin() + static_cast<std::ptrdiff_t>(at + 2),
                    der.begin() + static_cast<std::ptrdiff_t>(at + 2 + size)};
        while (bytes.size() > 32) {
            bytes.erase(bytes.begin());
        }
        while (bytes.size() < 32) {
            bytes.insert(bytes.begin(), 0);
        }
        return bytes;
    };
    Bytes raw = integer(2);
    const Bytes s = integer(4 + der[3]);
    raw.insert(raw.end(), s.begin(), s.end());
    const std::string text = record_text(
        payload, R"("SA":")" + meter().algorithm() + R"(","SD":")" + to_hex(raw) + "\"");
    CHECK(judged({text}, trusted()).reasons == Reasons{"signature_invalid", "signature_form"});
    MeterConfig site;
    site.serial = "M1";
    site.lenient = true;
    CHECK(judged({text}, trust_of(&site, "M1", meter().key_info())).verdict ==
          SignedVerdict::billable);
}

TEST_CASE("too long and too many records are bounded, counted and for review") {
    SignedTrack track;
    const MeterTrust trust = trusted();
    const std::string padding(signed_text_bytes_max, ' ');
    CHECK_FALSE(add_signed(track, whole() + padding, &trust));
    CHECK(track.problem == "too_large");
    CHECK(track.texts.empty());
    SignedTrack many;
    many.count = signed_records_of_charge_max;
    CHECK_FALSE(add_signed(many, whole(), &trust));
    CHECK(judge_signed(many, trust, 0).reasons == Reasons{"signature_invalid", "too_many"});
}

TEST_CASE("the track of a charge survives encoding and refuses what is no track") {
    SignedTrack track;
    const MeterTrust trust = trusted();
    CHECK(add_signed(track, begin_only(), &trust));
    CHECK(add_signed(track, end_only(), &trust));
    CHECK_FALSE(add_signed(track, "OCMF|", &trust));
    Encoder encoder;
    track.encode(encoder);
    Decoder decoder{encoder.bytes()};
    CHECK(SignedTrack::decode(decoder) == track);
    CHECK(decoder.finished());
    for (std::size_t size = 0; size < encoder.bytes().size(); ++size) {
        Decoder cut{ByteView{encoder.bytes()}.first(size)};
        static_cast<void>(SignedTrack::decode(cut));
        REQUIRE_FALSE(cut.finished());
    }
}

}  // namespace tally::bridge
