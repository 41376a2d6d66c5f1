#include "ledger/base/posix_file_system.h"
#include "ledger/crypto/sha256.h"
#include "ledger/store/segment_reader.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/ledger_fixture.h"
#include "tools/audit/checkpoint_file.h"
#include "tools/audit/evidence_folder.h"
#include "tools/audit/finding_help.h"
#include "tools/audit/report_business.h"
#include "tools/audit/report_html.h"
#include "tools/audit/report_text.h"
#include "tools/audit/signed_report.h"
#include "tools/audit/svg_chart.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

using namespace tally;
using namespace tally::test;
using namespace tally::tools;

namespace {

AuditReport make_report() {
    AuditReport report;
    report.level = AuditLevel::business;
    BusinessReport& business = report.business;
    const AuditPair pair{party("BBB"), party("AAA"), currency("CNY")};
    business.pairs[pair].add(ChargeStep::recorded, units(18));
    business.pairs[pair].posted = units(18);
    business.days[{20'000, currency("CNY")}].add(ChargeStep::recorded, units(18));
    business.denials[{party("BBB"), party("AAA"), DenyReason::unknown_token}] = 3;
    business.positions[{party("BBB"), currency("CNY")}].debits = units(18);
    business.note(NoteKind::meter_gap, 7, "meter <M&1>: 500 Wh");
    business.govern(3, 0, "DDD is admitted by HUB");
    return report;
}

AuditOutcome make_outcome() {
    AuditOutcome outcome;
    outcome.report = make_report();
    outcome.report.last_height = 4711;
    outcome.report.last_time = genesis_time;
    outcome.run = {"/data", false, 1, 1'795'388'925'000};
    return outcome;
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

SCENARIO("a finance person reads sums, denials and what to do about a finding") {
    AuditOutcome outcome = make_outcome();
    AuditReport& report = outcome.report;
    const std::string good = audit_report_html(outcome);
    CHECK(contains(good, "<b>Verified.</b>"));
    CHECK(contains(good, "18.0000 posted"));
    CHECK(contains(good, "2024-10-04"));
    CHECK(contains(good, "unknown token"));
    CHECK_FALSE(contains(good, "unknown_token"));
    CHECK(contains(good, "Worth knowing"));
    CHECK(contains(good, "meter &lt;M&amp;1&gt;: 500 Wh"));
    CHECK(contains(good, "DDD is admitted by HUB"));
    CHECK(contains(good, "<svg"));
    CHECK_FALSE(contains(good, "<script"));
    report.findings.push_back(
        {FindingKind::rating, 9, 0, "segment", 5, "states <b>30.0000</b> CNY"});
    report.findings_count = 2;
    const std::string bad = audit_report_html(outcome);
    CHECK(contains(bad, "NOT verified"));
    CHECK(contains(bad, "states &lt;b&gt;30.0000&lt;/b&gt; CNY"));
    CHECK(contains(bad, help_of(FindingKind::rating).action));
    CHECK(contains(bad, "and 1 more"));
    report.findings.clear();
    report.findings_count = 0;
    report.interrupted = true;
    CHECK(contains(audit_report_html(outcome), "Not finished"));
}

SCENARIO("reports for people have words and kWh, and say up to where they are") {
    AuditOutcome outcome = make_outcome();
    AuditReport& report = outcome.report;
    BusinessReport& business = report.business;
    const AuditPair pair{party("BBB"), party("AAA"), currency("CNY")};
    business.pairs[pair].add(ChargeStep::expired_unrecorded, units(1));
    business.pairs[pair].energy_wh = 12'345;
    business.meter_gaps = 1;
    business.meter_gap_wh = 500;
    report.log_checked_to = 4'242;
    const std::vector<std::string> both{audit_report_text(outcome), audit_report_html(outcome)};
    for (const std::string& shown : both) {
        CHECK(contains(shown, "expired, started and never recorded"));
        CHECK_FALSE(contains(shown, "expired_unrecorded"));
        CHECK(contains(shown, "12.345 kWh"));
        CHECK(contains(shown, "0.500 kWh"));
        CHECK(contains(shown, "meter gap: 1"));
        CHECK(contains(shown, "4242"));
        CHECK(contains(shown, "up to block 4711 of 2025-06-01T00:00:00Z, the last one of this"));
    }
    CHECK(contains(both[1], "Log of entries checked up to"));
    CHECK(contains(audit_report_json(outcome), "expired_unrecorded"));
    SECTION("books that end at damage") {
        report.books_end = 17;
        report.findings.push_back({FindingKind::record_checksum, 18, {}, {}, 0, "damaged"});
        report.findings_count = 1;
        CHECK(contains(audit_report_text(outcome), "up to block 17 only"));
        CHECK(contains(audit_report_html(outcome), "up to block 17 only"));
        CHECK(contains(audit_report_html(outcome), "the books end at block 17"));
        CHECK(contains(audit_report_html(outcome), "<b>NOT verified.</b> 1 finding, explained"));
        CHECK(contains(audit_report_html(outcome), "<h3>record checksum</h3>"));
    }
    SECTION("an audit that was ended") {
        report.interrupted = true;
        CHECK(contains(audit_report_text(outcome), "where the audit was ended"));
    }
}

SCENARIO("headings without anything below them are left out") {
    AuditOutcome outcome;
    outcome.report.level = AuditLevel::business;
    const std::string page = audit_report_html(outcome);
    for (const char* heading :
         {"Worth knowing", "Denials and refusals", "Open at the end", "Charges per day"}) {
        INFO(heading);
        CHECK_FALSE(contains(page, heading));
    }
    outcome.report.business.meter_gaps = 1;
    CHECK(contains(audit_report_html(outcome), "Worth knowing"));
}

SCENARIO("a file of another network is told apart from a damaged one") {
    Finding finding{FindingKind::file_header, 1, {}, {}, 0, "the file's header is damaged"};
    CHECK_FALSE(contains(help_of(finding).meaning, "another network"));
    finding.message = std::string{other_network} + ": its chain is 1, that of the genesis 2";
    CHECK(contains(help_of(finding).meaning, "belongs to another network"));
    CHECK(contains(help_of(finding).action, "genesis"));
    AuditOutcome outcome = make_outcome();
    outcome.report.findings.push_back(finding);
    outcome.report.findings_count = 1;
    CHECK(contains(audit_report_html(outcome), help_of(finding).meaning));
}

SCENARIO("every report says when the audit was made and up to which block") {
    const AuditOutcome outcome = make_outcome();
    for (const std::string& report :
         {audit_report_html(outcome), audit_report_text(outcome), audit_report_json(outcome)}) {
        CHECK(contains(report, "2026-11-22T23:08:45Z"));
        CHECK(contains(report, "4711"));
    }
    CHECK(contains(audit_report_html(outcome), "up to block 4711 of 2025-06-01T00:00:00Z"));
}

SCENARIO("a comparison is in every report before it is signed, and its fork is a finding") {
    AuditOutcome outcome = make_outcome();
    Comparison comparison;
    comparison.compared = {"a and b have one ledger up to block 7"};
    comparison.not_compared = {"<c> does not answer"};
    SECTION("what was not compared keeps it from being verified") {
        outcome.take(comparison);
        CHECK(exit_code_of(outcome.verdict()) == 2);
        for (const std::string& report :
             {audit_report_text(outcome), audit_report_html(outcome), audit_report_json(outcome)}) {
            CHECK(contains(report, "up to block 7"));
            CHECK(contains(report, "does not answer"));
        }
        CHECK_FALSE(contains(audit_report_html(outcome), "<c>"));
        CHECK(contains(audit_report_text(outcome), "NOT verified as a whole"));
        CHECK(contains(audit_report_json(outcome), "\"verified\":false"));
    }
    SECTION("a fork is a finding, whatever else could not be done") {
        comparison.findings.push_back({FindingKind::fork, 7, std::nullopt, {}, 0, "a has block 1"});
        outcome.problems = {"cannot write fork.evidence"};
        outcome.report.interrupted = true;
        outcome.report.unreadable = "the disk fails";
        outcome.take(comparison);
        CHECK(contains(audit_report_text(outcome), "incomplete: the disk fails"));
        CHECK(exit_code_of(outcome.verdict()) == 1);
        for (const std::string& report :
             {audit_report_text(outcome), audit_report_html(outcome), audit_report_json(outcome)}) {
            CHECK(contains(report, "a has block 1"));
        }
        CHECK(contains(audit_report_text(outcome), "NOT verified: 1 finding\n"));
    }
    SECTION("a complete one leaves it verified") {
        comparison.not_compared.clear();
        outcome.take(comparison);
        CHECK(exit_code_of(outcome.verdict()) == 0);
    }
}

SCENARIO("the same figures are in the JSON report") {
    const boost::json::object json = business_json(make_report().business);
    const boost::json::object& pair = json.at("pairs").as_array().at(0).as_object();
    CHECK(pair.at("home").as_string() == "BBB");
    CHECK(pair.at("recorded").at("amount").as_string() == "18.0000");
    CHECK(json.at("denials").as_array().at(0).at("count").to_number<int>() == 3);
    CHECK(json.at("notes_count").at("meter_gap").to_number<int>() == 1);
    CHECK(json.at("members").as_array().at(0).at("debits").as_string() == "18.0000");
}

SCENARIO("every kind of finding and note is explained") {
    for (int kind = 0; kind <= static_cast<int>(FindingKind::fork); ++kind) {
        const FindingHelp help = help_of(static_cast<FindingKind>(kind));
        CHECK(std::string{help.meaning}.size() > 20);
        CHECK(std::string{help.action}.size() > 20);
        CHECK(std::string{to_text(static_cast<FindingKind>(kind))} != "unknown");
    }
    for (std::size_t kind = 0; kind < note_kinds; ++kind) {
        CHECK_FALSE(std::string{help_of(static_cast<NoteKind>(kind))}.empty());
    }
}

SCENARIO("a signed report names its signer, and no byte of it can be changed") {
    const SecretKey key = secret_of("auditor");
    const std::string report = sign_report("<html>all is well</html>\n", key);
    const auto signer = verify_report(report);
    REQUIRE(signer);
    CHECK(*signer == public_key_of(key));
    for (std::size_t at = 0; at < report.size(); ++at) {
        std::string changed = report;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        const auto verified = verify_report(changed);
        if (verified && *verified == public_key_of(key)) {
            FAIL("byte " << at);
        }
    }
    CHECK_FALSE(verify_report(report.substr(0, report.size() - 1)));
    CHECK_FALSE(verify_report(report + " "));
    CHECK_FALSE(verify_report("<html>unsigned</html>\n"));
    CHECK_FALSE(verify_report(""));
}

SCENARIO("a checkpoint is one file, bound to its state by hash") {
    TemporaryFolder folder;
    const std::string file = folder.path() + "/audit.json";
    AuditCheckpoint checkpoint;
    checkpoint.header.height = 12;
    checkpoint.transactions = 34;
    checkpoint.has_business = true;
    checkpoint.business = make_report().business;
    REQUIRE(write_checkpoint(file, checkpoint));
    PosixFileSystem files;
    CHECK(files.list(folder.path())->size() == 1);
    const auto read = read_checkpoint(file);
    REQUIRE(read);
    CHECK((*read)->header == checkpoint.header);
    CHECK((*read)->transactions == 34);
    CHECK((*read)->business == checkpoint.business);
    const Bytes whole = *files.read(file, 0, 1'000'000);
    const auto line_end = std::find(whole.begin(), whole.end(), std::uint8_t{'\n'});
    const boost::json::value first = boost::json::parse(
        as_text(ByteView{whole}.first(static_cast<std::size_t>(line_end - whole.begin()))));
    CHECK(first.at("height").to_number<int>() == 12);
    const auto is_refused = [&](const Bytes& bytes) {
        REQUIRE(files.write_whole(file, bytes));
        return !read_checkpoint(file).has_value();
    };
    SECTION("every byte behind the first line counts") {
        for (std::size_t at = static_cast<std::size_t>(line_end - whole.begin()) + 1;
             at < whole.size(); at += 37) {
            Bytes changed = whole;
            changed[at] ^= 1U;
            CHECK(is_refused(changed));
        }
    }
    SECTION("so does its end") {
        CHECK(is_refused({whole.begin(), whole.end() - 1}));
        CHECK(is_refused({whole.begin(), line_end}));
        CHECK(is_refused({}));
        Bytes longer = whole;
        longer.push_back(0);
        CHECK(is_refused(longer));
    }
    SECTION("and anything else is none") {
        CHECK_FALSE(read_checkpoint(folder.path() + "/none.json"));
        CHECK(is_refused({'[', ']', '\n'}));
        CHECK(is_refused(Bytes(100'000, 'x')));
    }
    SECTION("one that cannot be written leaves the one before") {
        REQUIRE(files.create_directories(file + ".tmp"));  // where the new one is prepared
        checkpoint.transactions = 35;
        CHECK_FALSE(write_checkpoint(file, checkpoint));
        CHECK((*read_checkpoint(file))->transactions == 34);
    }
}

SCENARIO("meter data in a folder get the hash that the bridge makes of them") {
    TemporaryFolder folder;
    PosixFileSystem files;
    const std::string name = "BBB-00000000000000000000000000000001";
    const auto put = [&](const std::string& file, const std::string& text) {
        REQUIRE(files.write_whole(folder.path() + "/" + file, as_bytes(text)));
    };
    put(name + ".jsonl", "0102\n\"[2,\\\"x\\\"]\"\n");
    put("README", "not meter data");
    const auto evidence = read_evidence(folder.path());
    REQUIRE(evidence);
    REQUIRE(evidence->hashes.size() == 1);
    const Bytes session{1, 2};
    const std::string text{"[2,\"x\"]"};
    CHECK(evidence->paths.at(name) == folder.path() + "/" + name + ".jsonl");
    CHECK(evidence->hashes.at(name) ==
          sha256(tagged_hash("tally/evidence/v1", session).view(), sha256(as_bytes(text)).view()));
    SECTION("a file of another form is named") {
        put("CCC-00000000000000000000000000000001", "0102\nno JSON\n");
        CHECK_FALSE(read_evidence(folder.path()));
    }
    SECTION("so is a second one for the same charge") {
        put(name + ".other", "0102\n");
        CHECK_FALSE(read_evidence(folder.path()));
    }
    SECTION("a folder without any is an error that says what was looked for") {
        REQUIRE(files.remove(folder.path() + "/" + name + ".jsonl"));
        const auto none = read_evidence(folder.path());
        REQUIRE_FALSE(none);
        CHECK(contains(none.error(), "named after a charge"));
    }
    SECTION("and a folder that is not there") {
        CHECK_FALSE(read_evidence(folder.path() + "/none"));
    }
}

SCENARIO("a chart of many days has few bars and loses nothing") {
    std::vector<std::pair<std::string, double>> days(1'000, {"day", 1.0});
    const std::string chart = vertical_bars("days", days);
    std::size_t bars{0};
    for (std::size_t at = chart.find("<rect"); at != std::string::npos;
         at = chart.find("<rect", at + 1)) {
        ++bars;
    }
    CHECK(bars > 0);
    CHECK(bars <= chart_bars_max);
    CHECK(contains(chart, "most: 16"));
    CHECK(vertical_bars("none", {}).empty());
    CHECK(contains(horizontal_bars("one", {{"a<b", 2}}), "a&lt;b"));
}
