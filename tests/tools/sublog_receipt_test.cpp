// A proof of a member's sub-log, as it is given to an audit.

#include "tools/audit/sublog_receipt.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/chain/state_receipt.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"
#include "tools/audit/report_member.h"

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;
using namespace tally::tools;

namespace {

struct Filled : FilledLedger {
    Filled() : FilledLedger{make_epochs_history()} {}

    TemporaryFolder folder;
    PosixFileSystem disk;

    [[nodiscard]] std::string write(const Bytes& bytes) {
        const std::string file = folder.file("a.proof");
        REQUIRE(disk.write_whole(file, bytes));
        return file;
    }
    [[nodiscard]] Bytes proof_of(const Bytes& key) {
        return ledger.get().state_receipt(key)->encode();
    }
    [[nodiscard]] std::string problem_of(const Bytes& bytes) {
        const auto read = read_sublog_receipt(write(bytes), ledger.genesis());
        return read ? "" : read.error();
    }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a proof of a sub-log says count, root, and the state root it is proven under") {
    Filled filled;
    const PartyId aaa = party("AAA");
    const std::string file = filled.write(filled.proof_of(keys::sublog(aaa)));
    const auto receipt = read_sublog_receipt(file, filled.ledger.genesis());
    REQUIRE(receipt);
    const BlockHeader& header = filled.ledger.get().final_header();
    CHECK(receipt->file == file);
    CHECK(receipt->member == aaa);
    CHECK(receipt->proven.height == header.height);
    CHECK(receipt->proven.record.log == find_sublog(filled.ledger.get().final_state(), aaa).log);
    CHECK(receipt->state.state_root == header.state_root);
    CHECK(receipt->state.digest == header.digest());
    SECTION("of a member that nothing has touched, it is empty") {
        const auto nobody = read_sublog_receipt(
            filled.write(filled.proof_of(keys::sublog(party("ZZZ")))), filled.ledger.genesis());
        REQUIRE(nobody);
        CHECK(nobody->proven.record.log.size() == 0);
    }
}

TEST_CASE("what is no proof of a sub-log is refused with its reason") {
    Filled filled;
    const Bytes right = filled.proof_of(keys::sublog(party("AAA")));
    REQUIRE(filled.problem_of(right).empty());
    CHECK(
        contains(filled.problem_of({right.begin(), right.end() - 1}), "not a whole state receipt"));
    CHECK(contains(filled.problem_of(filled.proof_of(keys::account(party("AAA"), currency("CNY")))),
                   "something else"));
    CHECK(contains(filled.problem_of(filled.ledger.get().state_receipt(ChunkName{})->encode()),
                   "something else"));
    for (std::size_t at = 20; at < right.size(); at += 97) {
        Bytes changed = right;
        changed[at] ^= 1;
        INFO("byte " << at);
        CHECK_FALSE(filled.problem_of(changed).empty());
    }
    Genesis other = filled.ledger.genesis();
    ++other.time;
    CHECK(contains(read_sublog_receipt(filled.write(right), other).error(), "does not hold"));
    CHECK_FALSE(read_sublog_receipt(filled.folder.file("none"), other));
}

TEST_CASE("reports of a member say which state roots have its sub-log") {
    Filled filled;
    AuditOutcome outcome;
    outcome.member = party("AAA");
    outcome.receipt =
        std::move(read_sublog_receipt(filled.write(filled.proof_of(keys::sublog(party("AAA")))),
                                      filled.ledger.genesis()))
            .value();
    outcome.report.sublog = outcome.receipt->proven.record;
    outcome.report.sublog_state = SublogState{4711, {}, outcome.receipt->state.digest};
    const std::string root = to_hex(outcome.receipt->state.state_root);
    const std::string last = to_hex(outcome.receipt->state.digest);
    const auto all = [&] {
        return std::vector<std::string>{member_text(outcome), member_html(outcome),
                                        boost::json::serialize(member_json(outcome))};
    };
    SECTION("of the last block, and of a receipt that was compared") {
        outcome.report.proven_sublog_compared = true;
        for (const std::string& report : all()) {
            CHECK(contains(report, "4711"));
            CHECK(contains(report, root));
            CHECK(contains(report, last));
            CHECK_FALSE(contains(report, "NOT compared"));
        }
        CHECK(contains(boost::json::serialize(member_json(outcome)), "\"compared\":true"));
        CHECK(outcome.verdict() == Verdict::verified);
    }
    SECTION("a receipt whose block did not come is a gap") {
        outcome.report.interrupted = true;
        CHECK(contains(member_text(outcome), "NOT compared"));
        CHECK(contains(boost::json::serialize(member_json(outcome)), "\"compared\":false"));
        CHECK(outcome.gaps().size() == 2);
        CHECK(outcome.verdict() == Verdict::incomplete);
    }
    SECTION("of no state") {
        outcome.report.sublog_state.reset();
        CHECK(contains(member_text(outcome), "not found in the state of the last block"));
        CHECK_FALSE(contains(boost::json::serialize(member_json(outcome)), "4711"));
    }
    SECTION("without a member nothing is said") {
        outcome.member.reset();
        CHECK(member_text(outcome).empty());
        CHECK(member_html(outcome).empty());
        CHECK(member_json(outcome).empty());
    }
}
