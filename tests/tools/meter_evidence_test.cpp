// Meter data beside an audit: what the registered meter signed, held against the record.

#include "tools/audit/meter_evidence.h"

#include "charger_bridge/ocmf/der.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/crypto/sha256.h"
#include "tests/charger_bridge/ocmf/meter_signer.h"
#include "tests/ledger/audit/forged_ledger.h"
#include "tests/ledger/audit/forger.h"
#include "tools/audit/evidence_folder.h"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <catch2/catch.hpp>

#include <filesystem>

namespace tally::tools {
namespace {

using bridge::MeterCurve;
using bridge::MeterSigner;
using bridge::PayloadParts;
using bridge::with;

const PartyId aaa{test::party("AAA")};
const PartyId bbb{test::party("BBB")};
constexpr std::int64_t begin_wh{1'000'500};
constexpr std::int64_t end_wh{1'011'250};

std::string json_text(const std::string& text) {
    return boost::json::serialize(boost::json::string{text});
}

/// A StopTransaction that carries the record.
std::string message_with(const std::string& record) {
    return R"([2,"1","StopTransaction",{"transactionData":[{"sampledValue":[{"value":)" +
           json_text(record) + R"(,"format":"SignedData"}]}]}])";
}

/// A record with the readings of `PayloadParts`, of a charger with that meter's key.
struct Charge {
    MeterSigner meter{MeterCurve::secp256r1};
    Bytes key{meter.key_info()};
    MeteredCharge metered{};
    std::string name{"BBB-1"};
    std::set<std::string> lenient{};

    Charge() {
        metered.evse_id = "AA*AAA*E1";
        metered.meter_serial = "M1";
        metered.readings.resize(2);
        metered.readings.front().register_wh = begin_wh;
        metered.readings.back().register_wh = end_wh;
    }
    [[nodiscard]] MeterAnswer ask(const std::vector<std::string>& texts) const {
        MeterAnswer answer = verify_meter_texts({name, metered, key}, texts, lenient);
        UNSCOPED_INFO(answer.message);
        CHECK_FALSE(answer.message.empty());
        return answer;
    }
    [[nodiscard]] MeterVerdict verdict(const std::vector<std::string>& texts) const {
        return ask(texts).verdict;
    }
    [[nodiscard]] MeterVerdict verdict_of(const PayloadParts& parts) const {
        return verdict({message_with(meter.record(parts.text()))});
    }
};

PayloadParts begin_alone() {
    PayloadParts parts;
    parts.end.clear();
    return parts;
}
PayloadParts end_alone() {
    PayloadParts parts;
    parts.general = with(parts.general, "T7", "T8");
    parts.begin.clear();
    return parts;
}

}  // namespace

SCENARIO("readings that the registered meter signed agree with the record") {
    Charge charge;
    const std::string whole = charge.meter.record(PayloadParts{}.text());
    const std::string begin = charge.meter.record(begin_alone().text());
    const std::string end = charge.meter.record(end_alone().text());
    SECTION("in one record, sent again or not") {
        const MeterAnswer answer =
            charge.ask({message_with(whole), "[3,\"1\",{}]", "no JSON", message_with(whole)});
        CHECK(answer.verdict == MeterVerdict::agrees);
        CHECK(answer.records == std::vector{sha256(as_bytes(PayloadParts{}.text()))});
    }
    SECTION("in two records") {
        const MeterAnswer answer = charge.ask({message_with(begin), message_with(end)});
        CHECK(answer.verdict == MeterVerdict::agrees);
        CHECK(answer.records.size() == 2);
    }
    SECTION("to the Wh, rounded either way") {
        charge.metered.readings.back().register_wh = end_wh;
        PayloadParts parts;
        parts.end = with(parts.end, "1011.25", "1011.250999");
        CHECK(charge.verdict_of(parts) == MeterVerdict::agrees);
        parts.end = with(parts.end, "1011.250999", "1011.249001");
        CHECK(charge.verdict_of(parts) == MeterVerdict::agrees);
        parts.end = with(parts.end, "1011.249001", "1011.249");
        CHECK(charge.verdict_of(parts) == MeterVerdict::readings_differ);
        parts.end = with(parts.end, "1011.249", "1011.251");
        CHECK(charge.verdict_of(parts) == MeterVerdict::readings_differ);
    }
    SECTION("on a register that begins anew with each charge") {
        PayloadParts parts;
        parts.begin = with(with(parts.begin, "1-b:1.8.0", "01-00:98.08.00.FF"), "1000.5", "0");
        parts.end = with(with(parts.end, "1-b:1.8.0", "01-00:98.08.00.FF"), "1011.25", "10.75");
        CHECK(charge.verdict_of(parts) == MeterVerdict::agrees);
        parts.end = with(parts.end, "10.75", "10.76");
        CHECK(charge.verdict_of(parts) == MeterVerdict::readings_differ);
    }
}

SCENARIO("what the meter did not sign is found") {
    Charge charge;
    const std::string whole = charge.meter.record(PayloadParts{}.text());
    SECTION("readings that were changed behind it") {
        CHECK(charge.verdict({message_with(with(whole, "1000.5", "1000.4"))}) ==
              MeterVerdict::signature_wrong);
    }
    SECTION("a second record that is not its own, beside a right one") {
        const MeterSigner other{MeterCurve::secp256r1};
        CHECK(
            charge.verdict({message_with(whole), message_with(other.record(end_alone().text()))}) ==
            MeterVerdict::signature_wrong);
    }
    SECTION("a copy with another signature") {
        CHECK(charge.verdict({message_with(whole), message_with(bridge::record_text(
                                                       PayloadParts{}.text(), R"("SD":"00")"))}) ==
              MeterVerdict::signature_wrong);
    }
    SECTION("a record that cannot be read") {
        CHECK(charge.verdict({message_with("OCMF|{}")}) == MeterVerdict::signature_wrong);
    }
    SECTION("a signature that is not DER, unless the meter is known for it") {
        const auto pair = bridge::ecdsa_from_der(charge.meter.sign(PayloadParts{}.text()),
                                                 bridge::DerRule::strict);
        REQUIRE(pair);
        Bytes raw(32 - pair->r.size());
        append(raw, pair->r);
        raw.resize(64 - pair->s.size());
        append(raw, pair->s);
        const std::string record = bridge::record_text(
            PayloadParts{}.text(), R"("SA":"ECDSA-secp256r1-SHA256","SD":")" + to_hex(raw) + "\"");
        CHECK(charge.verdict({message_with(record)}) == MeterVerdict::signature_wrong);
        charge.lenient = {"M2"};
        CHECK(charge.verdict({message_with(record)}) == MeterVerdict::signature_wrong);
        charge.lenient = {"M1"};
        CHECK(charge.verdict({message_with(record)}) == MeterVerdict::agrees);
    }
}

SCENARIO("a record that states other readings than the meter signed is found") {
    Charge charge;
    SECTION("another begin") { charge.metered.readings.front().register_wh -= 1; }
    SECTION("another end") { charge.metered.readings.back().register_wh += 1; }
    SECTION("both moved alike") {
        for (MeterReading& reading : charge.metered.readings) {
            reading.register_wh += 100;
        }
    }
    SECTION("another meter") { charge.metered.meter_serial = "M2"; }
    CHECK(charge.verdict_of(PayloadParts{}) == MeterVerdict::readings_differ);
}

SCENARIO("meter data that prove nothing are told apart from those that are wrong") {
    Charge charge;
    CHECK(charge.verdict({message_with("7"), "[]"}) == MeterVerdict::not_signed);
    CHECK(charge.verdict(std::vector<std::string>{}) == MeterVerdict::not_signed);
    CHECK(charge.verdict_of(begin_alone()) == MeterVerdict::not_signed);
    CHECK(charge.verdict_of(end_alone()) == MeterVerdict::not_signed);
    PayloadParts broken;
    broken.end = with(broken.end, R"("ST":"G")", R"("ST":"E")");
    CHECK(charge.verdict_of(broken) == MeterVerdict::not_billable);
    charge.key.clear();
    CHECK(charge.verdict_of(PayloadParts{}) == MeterVerdict::no_key);
    charge.key = Bytes(64, 7);
    CHECK(charge.verdict_of(PayloadParts{}) ==
          MeterVerdict::signature_wrong);  // a point of no curve
    charge.key = Bytes(5, 7);
    CHECK(charge.verdict_of(PayloadParts{}) == MeterVerdict::no_key);
}

SCENARIO("the number of signed records of a charge is bounded") {
    Charge charge;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i <= signed_records_max; ++i) {
        texts.push_back(
            message_with(R"(OCMF|{"PG":"T)" + std::to_string(i) + R"(","RD":[]}|{"SD":"00"})"));
    }
    CHECK(charge.ask(texts).message.find("more than 10000 signed records") == 0);
}

namespace {

/// A ledger with charges whose chargers have a meter that signs, and a folder with its data.
struct Audited {
    MeterSigner meter{MeterCurve::secp384r1};
    test::Forger forger;
    std::string folder{(std::filesystem::temp_directory_path() /
                        ("tally-meters-" + to_hex(sha256(meter.point())).substr(0, 16)))
                           .string()};
    int charges{0};
    std::set<std::string> paths{};

    explicit Audited(bool with_key) {
        forger.set_up_site(aaa, with_key ? meter.key_info() : Bytes{});
        std::filesystem::create_directories(folder);
    }
    ~Audited() { std::filesystem::remove_all(folder); }
    Audited(const Audited&) = delete;
    Audited& operator=(const Audited&) = delete;

    /// What the meter signs of a charge of 1000 Wh that begins at its register.
    [[nodiscard]] std::string signed_for(const MeteredCharge& metered, std::int64_t excess) const {
        PayloadParts parts;
        parts.begin =
            with(with(parts.begin, "1000.5", std::to_string(metered.readings.front().register_wh)),
                 "kWh", "Wh");
        parts.end = with(with(parts.end, "1011.25",
                              std::to_string(metered.readings.back().register_wh + excess)),
                         "kWh", "Wh");
        return message_with(meter.record(parts.text()));
    }
    /// Records a charge; the meter signed `excess` Wh more than it states. Without a text, the
    /// meter signed what it is asked for.
    void charge(std::int64_t excess, std::string text = {}) {
        const AuthorizationRef ref = forger.start(bbb, aaa, test::units(100));
        RecordCharge record = forger.chain().record(ref, 1'000);
        if (text.empty()) {
            text = signed_for(record.metered, excess);
        }
        const Bytes session(8, static_cast<std::uint8_t>(++charges));
        record.metered.evidence =
            sha256(tagged_hash("tally/evidence/v1", session).view(), sha256(as_bytes(text)).view());
        test::sign_metered(forger.chain().chain_id(), aaa, record.metered);
        REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
        PosixFileSystem files;
        const std::string path = folder + "/" + to_text(ref) + ".jsonl";
        REQUIRE(files.write_whole(path, as_bytes(to_hex(session) + "\n" + json_text(text) + "\n")));
        paths.insert(path);
    }
    [[nodiscard]] AuditReport audit(bool change_files = false) {
        auto evidence = read_evidence(folder);
        REQUIRE(evidence);
        AuditOptions options{AuditLevel::business};
        options.evidence = evidence->hashes;
        options.verify_meter = MeterEvidence{evidence->paths, {}};
        if (change_files) {
            PosixFileSystem files;
            for (const std::string& path : paths) {
                REQUIRE(files.write_whole(path, as_bytes("01\n")));
            }
        }
        test::ForgedLedger ledger{forger.blocks()};
        ledger.write();
        AuditReport report = ledger.audit_as_is(options);
        for (const Finding& finding : report.findings) {
            UNSCOPED_INFO(to_text(finding.kind) << ": " << finding.message);
        }
        return report;
    }
};

bool has(const AuditReport& report, FindingKind kind) {
    return test::ForgedLedger::has(report, kind, {});
}
std::uint64_t notes(const AuditReport& report, NoteKind kind) {
    return report.business.notes_count.at(static_cast<std::size_t>(kind));
}

}  // namespace

SCENARIO("an audit holds records against what meters signed") {
    Audited site{true};
    SECTION("and finds nothing where they agree") {
        site.charge(0);
        site.charge(0);
        const AuditReport report = site.audit();
        CHECK(report.findings.empty());
        CHECK(report.business.evidence_matched == 2);
        CHECK(report.business.meter_signatures == 2);
    }
    SECTION("and finds a record above what the meter signed") {
        site.charge(-5);
        const AuditReport report = site.audit();
        CHECK(has(report, FindingKind::meter_reading));
        CHECK(report.findings.size() == 1);
        CHECK(report.business.meter_signatures == 0);
    }
    SECTION("and finds meter data that another meter signed") {
        site.charge(0,
                    message_with(MeterSigner{MeterCurve::secp384r1}.record(PayloadParts{}.text())));
        const AuditReport report = site.audit();
        CHECK(has(report, FindingKind::meter_signature));
        CHECK(report.findings.size() == 1);
    }
    SECTION("and tells samples that nobody signed as information") {
        site.charge(0, R"([2,"1","StopTransaction",{"meterStop":7}])");
        const AuditReport report = site.audit();
        CHECK(report.findings.empty());
        CHECK(report.business.evidence_matched == 1);
        CHECK(notes(report, NoteKind::meter_unsigned) == 1);
    }
    SECTION("and finds files that change while it looks") {
        site.charge(0);
        CHECK(has(site.audit(true), FindingKind::evidence));
    }
}

SCENARIO("what a meter signed cannot be recorded for two charges") {
    Audited site{true};
    site.charge(0);
    // The same signed payload within other texts: the hashes of the texts differ. Its registers are
    // those of the first charge, so that the ledger must state them once more, on a new epoch.
    RegisterCharger charger;
    charger.evse_id = test::TestChain::evse(aaa, 1);
    charger.station = "ST1";
    charger.bridge_id = "bridge-1";
    charger.rated_power_w = 60'000;
    charger.meter_serial = "M1";
    charger.meter_epoch = 1;
    charger.meter_public_key = site.meter.key_info();
    REQUIRE(site.forger.apply(aaa, charger) == ResultCode::ok);
    const AuthorizationRef ref = site.forger.start(bbb, aaa, test::units(100));
    RecordCharge record = site.forger.chain().record(ref, 1'000);
    const std::int64_t before = record.metered.readings.front().register_wh - 1'000;
    record.metered.meter_epoch = 1;
    record.metered.readings.front().register_wh = before;
    record.metered.readings.back().register_wh = before + 1'000;
    const std::string text = site.signed_for(record.metered, 0);
    const Bytes session(8, 9);
    record.metered.evidence =
        sha256(tagged_hash("tally/evidence/v1", session).view(), sha256(as_bytes(text)).view());
    test::sign_metered(site.forger.chain().chain_id(), aaa, record.metered);
    REQUIRE(site.forger.apply(aaa, record) == ResultCode::ok);
    PosixFileSystem files;
    REQUIRE(files.write_whole(site.folder + "/" + to_text(ref),
                              as_bytes(to_hex(session) + "\n" + json_text(text) + "\n")));
    const AuditReport report = site.audit();
    CHECK(has(report, FindingKind::duplicate));
    CHECK(report.findings.size() == 1);
}

SCENARIO("without a registered key the meter's signatures are information") {
    Audited site{false};
    site.charge(-5);
    const AuditReport report = site.audit();
    CHECK(report.findings.empty());
    CHECK(notes(report, NoteKind::meter_unsigned) == 1);
    CHECK(report.business.meter_signatures == 0);
}

}  // namespace tally::tools
