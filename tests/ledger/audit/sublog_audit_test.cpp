// Completeness for one member: its sub-log, made again from the leaves.

#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/audit/audited.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

AuditOptions options_for(const PartyId& member) {
    AuditOptions options{AuditLevel::business};
    options.member = member;
    return options;
}

/// Every action that looks up whom it touches, succeeded and refused, and every expiry.
Forger make_everything() {
    Forger forger;
    const Parameters& parameters = forger.chain().genesis().parameters;
    forger.set_up_site(aaa);
    const AuthorizationRef settled = forger.start(bbb, aaa, units(100));
    forger.record(settled, aaa, 12'000);
    const TransactionRef record = forger.chain().last_ref();
    REQUIRE(forger.apply(ccc, SettleCharge{settled, units(18)}) == ResultCode::not_home);
    REQUIRE(forger.apply(bbb, SettleCharge{settled, units(18)}) == ResultCode::ok);
    REQUIRE(forger.apply(ccc, SettleCharge{settled, units(18)}) ==
            ResultCode::unknown_authorization);
    forger.both(aaa, CreditCharge{settled, record, cny, units(18), units(2), {}}, bbb);
    REQUIRE(forger.apply(aaa, LateCharge{forger.rated(settled, aaa, 1'000)}) == ResultCode::ok);
    const TransactionRef waiting = forger.chain().last_ref();
    REQUIRE(forger.apply(ccc, Countersign{waiting, {}}) == ResultCode::not_permitted);
    REQUIRE(forger.apply(hub, SetLimit{ccc, cny, units(500)}) == ResultCode::ok);
    ProposeChange change;
    change.kind = ChangeKind::suspend;
    change.member = ccc;
    REQUIRE(forger.apply(aaa, change) == ResultCode::ok);
    const TransactionRef proposal = forger.chain().last_ref();
    REQUIRE(forger.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
    REQUIRE(forger.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::already_voted);
    ProposeChange payment;
    payment.kind = ChangeKind::confirm_leg;
    payment.leg = LegKey{7, currency("CNY"), bbb, ccc};
    REQUIRE(forger.apply(aaa, payment) == ResultCode::unknown_leg);
    const AuthorizationRef disputed = forger.start(ccc, aaa, units(100));
    forger.record(disputed, aaa, 2'000);
    REQUIRE(forger.apply(ccc, OpenDispute{disputed, units(1), DisputeReason::time, {}}) ==
            ResultCode::ok);
    static_cast<void>(forger.start(bbb, aaa, units(10)));
    forger.pass(parameters.record_window + parameters.arbitrate_window + hour_ms);
    forger.pass(parameters.cycle_length);
    forger.pass(parameters.payment_window + hour_ms);
    forger.pass(parameters.correction_window);
    return forger;
}

}  // namespace

TEST_CASE("the sub-log of every member is that of the leaves that touch it") {
    const Forger forger = make_everything();
    const PartyId member = GENERATE(party("AAA"), party("BBB"), party("CCC"), party("HUB"));
    const AuditReport report = audit(forger.blocks(), options_for(member));
    CHECK(report.findings.empty());
    REQUIRE(report.sublog);
    CHECK(report.sublog->log.size() >= 2);
    CHECK(report.business.notes_count[static_cast<std::size_t>(NoteKind::sublog)] == 1);
}

TEST_CASE("the sub-log of a member that came later, and of one that never came") {
    ForgedLedger ledger{make_epochs_history()};
    ledger.write();
    for (const char* const name : {"DDD", "AAA", "HUB"}) {
        const AuditReport report = ledger.audit_as_is(options_for(party(name)));
        CHECK(report.findings.empty());
        CHECK(report.sublog->log.size() > 0);
    }
    const AuditReport nobody = ledger.audit_as_is(options_for(party("ZZZ")));
    CHECK(nobody.findings.empty());
    CHECK(nobody.sublog->log.size() == 0);
}

TEST_CASE("forgery: one operator is told of fewer leaves than there are") {
    Forger forger = make_everything();
    AuditOptions options = options_for(bbb);
    const SublogRecord right = find_sublog(forger.chain().state(), bbb);
    SECTION("as it should be") {
        options.proven_sublog = ProvenSublog{forger.height(), right};
        const AuditReport report = audit(forger.blocks(), options);
        CHECK(report.findings.empty());
        CHECK(report.proven_sublog_compared);
        const BlockHeader& last = forger.blocks().back().block.header;
        REQUIRE(report.sublog_state);
        CHECK(report.sublog_state->height == last.height);
        CHECK(report.sublog_state->digest == last.digest());
        CHECK(report.sublog_state->state_root == last.state_root);
    }
    SECTION("one leaf less") {
        SublogRecord less;
        for (std::uint64_t i = 0; i + 1 < right.log.size(); ++i) {
            less.log.append(Hash{});
        }
        options.proven_sublog = ProvenSublog{forger.height(), less};
        CHECK(ForgedLedger::has(audit(forger.blocks(), options), FindingKind::withheld, {}));
    }
    SECTION("by a colluding quorum, in the state") {
        forger.plant(keys::sublog(bbb), {});
        forger.pass(second_ms);
        REQUIRE(forger.apply(bbb, forger.chain().approval(aaa, units(10))) != ResultCode::exists);
        // What the quorum's certificate proves to BBB.
        options.proven_sublog =
            ProvenSublog{forger.height(), find_sublog(forger.chain().state(), bbb)};
        const AuditReport report = audit(forger.blocks(), options);
        CHECK(ForgedLedger::has(report, FindingKind::withheld, forger.height()));
        CHECK_FALSE(report.sublog_state);
    }
    SECTION("a proof of a block that was not audited") {
        options.proven_sublog = ProvenSublog{forger.height() + 1, right};
        const AuditReport report = audit(forger.blocks(), options);
        REQUIRE(report.findings.size() == 1);
        CHECK(report.findings.front().kind == FindingKind::withheld);
        CHECK_FALSE(report.proven_sublog_compared);
    }
    SECTION("a proof of a block that the audit did not come to, because it was ended") {
        options.proven_sublog = ProvenSublog{forger.height() + 1, right};
        options.should_stop = [] { return true; };
        const AuditReport report = audit(forger.blocks(), options);
        CHECK(report.findings.empty());
        CHECK_FALSE(report.proven_sublog_compared);
    }
}

TEST_CASE("a sub-log is followed at level business only, and on from a checkpoint") {
    const Forger forger = make_everything();
    AuditOptions options = options_for(bbb);
    const AuditReport whole = audit(forger.blocks(), options);
    std::vector<FinalizedBlock> first = forger.blocks();
    first.resize(first.size() / 2);
    options.wants_checkpoint = [](bool at_end) { return at_end; };
    std::shared_ptr<const AuditCheckpoint> kept;
    options.on_checkpoint = [&kept](const AuditCheckpoint& checkpoint) {
        kept = std::make_shared<const AuditCheckpoint>(checkpoint);
    };
    REQUIRE(audit(first, options).findings.empty());
    AuditOptions next = options_for(bbb);
    next.from = kept;
    const AuditReport rest = audit(forger.blocks(), next);
    CHECK(rest.findings.empty());
    CHECK(rest.sublog == whole.sublog);
    ForgedLedger ledger{forger.blocks()};
    ledger.write();
    InlineJobRunner runner;
    FolderSegmentSource source{ledger.files(), "segments"};
    next = options_for(bbb);
    next.level = AuditLevel::replay;
    CHECK_FALSE(audit_ledger(source, ledger.genesis(), next, runner, nullptr));
}
