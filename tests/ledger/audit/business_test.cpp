// The level named business: what it adds up, what it tells, and what it finds by itself.

#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/audit/audited.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

std::uint64_t notes(const AuditReport& report, NoteKind kind) {
    return report.business.notes_count[static_cast<std::size_t>(kind)];
}

bool has(const AuditReport& report, FindingKind kind) {
    return ForgedLedger::has(report, kind, {});
}

/// At BBB's, by CCC's drivers: a charge that came late, was given back and billed again, disputes
/// that end in every way, a limit, and a late charge that is not countersigned.
void add_corrections(Forger& forger) {
    forger.set_up_site(bbb);
    const Parameters& parameters = forger.chain().genesis().parameters;
    const AuthorizationRef unrecorded = forger.start(ccc, bbb, units(10));
    forger.pass(parameters.record_window + hour_ms);
    const TransactionRef late =
        forger.both(bbb, LateCharge{forger.rated(unrecorded, bbb, 2'000)}, ccc);
    const TransactionRef credit =
        forger.both(bbb, CreditCharge{unrecorded, late, cny, units(3), units(3), {}}, ccc);
    RatedCharge again = forger.rated(unrecorded, bbb, 2'000);
    again.amount = units(1);
    forger.both(bbb, RebillCharge{credit, again}, ccc);
    forger.both(hub, SetLimit{ccc, cny, units(9'000)}, ccc);
    for (const bool accepted : {true, false}) {
        const AuthorizationRef ref = forger.start(ccc, bbb, units(100));
        forger.record(ref, bbb, 2'000);
        REQUIRE(forger.apply(ccc, OpenDispute{ref, units(1), DisputeReason::time, {}}) ==
                ResultCode::ok);
        if (accepted) {
            REQUIRE(forger.apply(bbb, AcceptDispute{ref}) == ResultCode::ok);
        }
    }
    LateCharge planted{forger.rated(unrecorded, bbb, 2'000)};
    planted.charge.metered.bridge_id = "nobody's";
    REQUIRE(forger.apply(bbb, planted) == ResultCode::ok);
    forger.pass(parameters.arbitrate_window + hour_ms);
}

/// A settled charge, a denial, a release, one never started, one never recorded, one never claimed,
/// one in dispute, corrections and one still open.
Forger make_month() {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef settled = forger.start(bbb, aaa, units(100));
    const RecordCharge record = forger.record(settled, aaa, 12'000);
    REQUIRE(forger.apply(bbb, SettleCharge{settled, record.amount}) == ResultCode::ok);
    DecideAuthorization denial;
    denial.visited = aaa;
    denial.station = "ST1";
    denial.currency = cny;
    denial.reason = DenyReason::insufficient_balance;
    REQUIRE(forger.apply(ccc, denial) == ResultCode::ok);
    REQUIRE(forger.apply(ccc, forger.chain().approval(aaa, units(20))) == ResultCode::ok);
    REQUIRE(forger.apply(aaa, ReleaseAuthorization{forger.chain().last_ref()}) == ResultCode::ok);
    REQUIRE(forger.apply(ccc, forger.chain().approval(aaa, units(30))) == ResultCode::ok);
    const AuthorizationRef disputed = forger.start(ccc, aaa, units(100));
    forger.record(disputed, aaa, 8'000);  // 12 units
    REQUIRE(forger.apply(ccc, OpenDispute{disputed, units(5), DisputeReason::energy, {}}) ==
            ResultCode::ok);
    REQUIRE(forger.apply(hub, Arbitrate{disputed, units(2), {}}) == ResultCode::ok);
    const AuthorizationRef unpaid = forger.start(bbb, aaa, units(3));
    forger.record(unpaid, aaa, 4'000);  // 6 units rated, 3 approved
    const Parameters& parameters = forger.chain().genesis().parameters;
    forger.pass(parameters.settle_window + parameters.claim_window + hour_ms);
    static_cast<void>(forger.start(bbb, aaa, units(10)));
    forger.pass(parameters.record_window + hour_ms);
    REQUIRE(forger.apply(bbb, SettleCharge{unpaid, units(3)}) == ResultCode::unknown_authorization);
    add_corrections(forger);
    REQUIRE(forger.apply(bbb, forger.chain().approval(aaa, units(40))) == ResultCode::ok);
    return forger;
}

}  // namespace

TEST_CASE("books: nobody is accused of what a block that cannot be read may explain") {
    ForgedLedger ledger{1UL << 26, 1'000};
    const std::string path = ledger.paths().front();
    const AuditReport whole = ledger.audit_as_is({AuditLevel::business});
    REQUIRE(whole.findings.empty());
    REQUIRE_FALSE(whole.books_end);
    Bytes& file = ledger.file(path);
    file[file.size() / 4] ^= 1;
    const AuditReport report = ledger.audit_as_is({AuditLevel::business});
    REQUIRE_FALSE(report.findings.empty());
    for (const Finding& finding : report.findings) {
        INFO(to_text(finding.kind) << ": " << finding.message);
        CHECK(finding.kind != FindingKind::unmatched);
        CHECK(finding.kind != FindingKind::reconciliation);
    }
    REQUIRE(report.books_end);
    CHECK(*report.books_end < whole.last_height);
}

TEST_CASE("the level named business adds up every pair, day, denial and member") {
    const Forger forger = make_month();
    const AuditReport report = audit(forger);
    REQUIRE(report.findings.empty());
    const BusinessReport& business = report.business;
    const ChargeFigures& of_bbb = business.pairs.at({bbb, aaa, cny});
    CHECK(of_bbb.of(ChargeStep::approved) == StepFigures{4, units(153)});
    CHECK(of_bbb.of(ChargeStep::recorded) == StepFigures{2, units(21)});
    CHECK(of_bbb.of(ChargeStep::settled) == StepFigures{1, units(18)});
    CHECK(of_bbb.of(ChargeStep::expired_unclaimed) == StepFigures{1, units(3)});
    CHECK(of_bbb.of(ChargeStep::expired_unrecorded) == StepFigures{1, units(10)});
    CHECK(of_bbb.posted == units(18));
    CHECK(of_bbb.energy_wh == 16'000);
    CHECK(of_bbb.beyond_approval == units(3));
    const ChargeFigures& of_ccc = business.pairs.at({ccc, aaa, cny});
    CHECK(of_ccc.of(ChargeStep::denied).count == 1);
    CHECK(of_ccc.of(ChargeStep::released) == StepFigures{1, units(20)});
    CHECK(of_ccc.of(ChargeStep::expired_unstarted) == StepFigures{1, units(30)});
    CHECK(of_ccc.of(ChargeStep::disputed) == StepFigures{1, units(5)});
    CHECK(of_ccc.of(ChargeStep::dispute_ended) == StepFigures{1, units(2)});
    CHECK(of_ccc.posted == units(9));
    CHECK(business.denials.at({ccc, aaa, DenyReason::insufficient_balance}) == 1);
    CHECK(business.refusals.at(ResultCode::unknown_authorization) == 1);
    CHECK(business.positions.at({aaa, cny}).credits == units(27));
    CHECK(business.positions.at({bbb, cny}).debits == units(18 + 3));
    CHECK(business.positions.at({bbb, cny}).debits_pending == units(40));
    CHECK(business.open[0].at(cny) == StepFigures{1, units(40)});
    const ChargeFigures& corrected = business.pairs.at({ccc, bbb, cny});
    CHECK(corrected.of(ChargeStep::late) == StepFigures{1, units(3)});
    CHECK(corrected.of(ChargeStep::credited) == StepFigures{1, units(3)});
    CHECK(corrected.of(ChargeStep::rebilled) == StepFigures{1, units(1)});
    CHECK(corrected.of(ChargeStep::disputed) == StepFigures{2, units(2)});
    CHECK(corrected.of(ChargeStep::dispute_ended) == StepFigures{1, 0});
    CHECK(corrected.of(ChargeStep::expired_unarbitrated) == StepFigures{1, units(1)});
    CHECK(corrected.posted == units(1 + 2 + 3));
    CHECK(business.records_rated == 7);
    CHECK(business.bridge_signatures == 7);
    CHECK(business.days.size() > 2);
    CHECK(notes(report, NoteKind::delivered_unpaid) == 1);
    CHECK(notes(report, NoteKind::not_recorded) == 2);
    CHECK(notes(report, NoteKind::beyond_approval) == 1);
    CHECK(notes(report, NoteKind::disputed) == 3);
}

TEST_CASE("an audit goes on from any block and reports as if it had never stopped") {
    const Forger forger = make_month();
    const AuditReport whole = audit(forger);
    for (std::size_t cut = 1; cut < forger.blocks().size(); cut += 3) {
        std::vector<FinalizedBlock> first = forger.blocks();
        first.resize(cut);
        std::shared_ptr<const AuditCheckpoint> kept;
        AuditOptions options{AuditLevel::business};
        options.wants_checkpoint = [](bool at_end) { return at_end; };
        options.on_checkpoint = [&kept](const AuditCheckpoint& checkpoint) {
            const Bytes bytes = encode(checkpoint);
            CHECK_FALSE(decode_audit_checkpoint(ByteView{bytes}.first(bytes.size() - 1)));
            kept = std::make_shared<const AuditCheckpoint>(*decode_audit_checkpoint(bytes));
        };
        REQUIRE(audit(first, options).findings.empty());
        REQUIRE(kept);
        AuditOptions next{AuditLevel::business};
        next.from = kept;
        const AuditReport rest = audit(forger.blocks(), next);
        CHECK(rest.findings.empty());
        CHECK(rest.from_height == cut);
        CHECK(rest.blocks == forger.blocks().size() - cut);
        CHECK(rest.transactions_in_all == whole.transactions_in_all);
        CHECK(rest.last_digest == whole.last_digest);
        CHECK(rest.business.pairs == whole.business.pairs);
        CHECK(rest.business.days == whole.business.days);
        CHECK(rest.business.positions == whole.business.positions);
        CHECK(rest.business.notes == whole.business.notes);
        CHECK(rest.business.open == whole.business.open);
        CHECK(rest.business.meters == whole.business.meters);
    }
}

TEST_CASE("a checkpoint whose state is not that of its block is refused") {
    const Forger forger = make_month();
    AuditCheckpoint kept;
    AuditOptions options{AuditLevel::business};
    options.wants_checkpoint = [](bool at_end) { return at_end; };
    options.on_checkpoint = [&kept](const AuditCheckpoint& checkpoint) { kept = checkpoint; };
    REQUIRE(audit(forger.blocks(), options).findings.empty());
    SECTION("another value") { kept.state.front().value.back() ^= 1U; }
    SECTION("another log") { kept.log_subtrees.front().data[0] ^= 1U; }
    SECTION("another chain") { kept.header.chain_id.data[0] ^= 1U; }
    ForgedLedger ledger{forger.blocks()};
    ledger.write();
    AuditOptions next{AuditLevel::business};
    next.from = std::make_shared<const AuditCheckpoint>(kept);
    InlineJobRunner runner;
    FolderSegmentSource source{ledger.files(), "segments"};
    CHECK_FALSE(audit_ledger(source, ledger.genesis(), next, runner, nullptr));
}

TEST_CASE("an audit that is ended keeps what it has and says so") {
    const Forger forger = make_month();
    AuditOptions options{AuditLevel::business};
    options.should_stop = [] { return true; };
    bool kept{false};
    options.wants_checkpoint = [](bool at_end) { return at_end; };
    options.on_checkpoint = [&kept](const AuditCheckpoint&) { kept = true; };
    const AuditReport report = audit(forger.blocks(), options);
    CHECK(report.interrupted);
    CHECK(report.findings.empty());
    CHECK(kept);
}

TEST_CASE("registers of a meter: gaps and other meters are information") {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef first = forger.start(bbb, aaa, units(100));
    forger.record(first, aaa, 2'000);
    RegisterCharger charger;
    charger.evse_id = TestChain::evse(aaa, 1);
    charger.station = "ST1";
    charger.bridge_id = "bridge-1";
    charger.rated_power_w = 60'000;
    charger.meter_serial = "M9";
    SECTION("a gap") {
        const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
        RecordCharge record = forger.chain().record(ref, 1'000);
        for (MeterReading& reading : record.metered.readings) {
            reading.register_wh += 500;
        }
        sign_metered(forger.chain().chain_id(), aaa, record.metered);
        REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        CHECK(report.business.meter_gaps == 1);
        CHECK(report.business.meter_gap_wh == 500);
    }
    SECTION("another meter") {
        REQUIRE(forger.apply(aaa, charger) == ResultCode::ok);
        const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
        RecordCharge record = forger.chain().record(ref, 1'000);
        for (MeterReading& reading : record.metered.readings) {
            reading.register_wh -= record.metered.readings.front().register_wh;
        }
        record.metered.readings.back().register_wh = 1'000;
        record.metered.readings.front().register_wh = 0;
        sign_metered(forger.chain().chain_id(), aaa, record.metered);
        REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        CHECK(notes(report, NoteKind::meter_changed) == 1);
        CHECK(report.business.meter_gaps == 0);
    }
}

TEST_CASE("one meter recorded at two operators at the same time is found") {
    Forger forger;
    const Bytes meter_key(64, 7);
    forger.set_up_site(aaa, meter_key);
    forger.set_up_site(bbb, meter_key);
    const AuthorizationRef first = forger.start(ccc, aaa, units(100));
    const AuthorizationRef second = forger.start(ccc, bbb, units(100));
    forger.record(first, aaa, 6'000);
    forger.record(second, bbb, 6'000);
    const AuditReport report = audit(forger);
    CHECK(has(report, FindingKind::duplicate));
    CHECK(report.replayed_to == report.last_height);  // no rule of the ledger is broken
}

TEST_CASE("the same signed meter data recorded twice are found") {
    Forger forger;
    forger.set_up_site(aaa);
    for (int i = 0; i < 2; ++i) {
        const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
        RecordCharge record = forger.chain().record(ref, 1'000);
        record.metered.evidence.data[0] = 9;
        sign_metered(forger.chain().chain_id(), aaa, record.metered);
        REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
    }
    CHECK(has(audit(forger), FindingKind::duplicate));
}

TEST_CASE("meter data that are supplied must be those that the record names") {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    RecordCharge record = forger.chain().record(ref, 1'000);
    record.metered.evidence.data[0] = 9;
    sign_metered(forger.chain().chain_id(), aaa, record.metered);
    REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
    AuditOptions options{AuditLevel::business};
    SECTION("they are") {
        options.evidence[to_text(ref)] = record.metered.evidence;
        const AuditReport report = audit(forger.blocks(), options);
        CHECK(report.findings.empty());
        CHECK(report.business.evidence_matched == 1);
    }
    SECTION("they are not") {
        options.evidence[to_text(ref)] = Hash{};
        CHECK(has(audit(forger.blocks(), options), FindingKind::evidence));
    }
    SECTION("only others were supplied") {
        options.evidence["BBB-0"] = Hash{};
        const AuditReport report = audit(forger.blocks(), options);
        CHECK(report.findings.empty());
        CHECK(notes(report, NoteKind::evidence) == 1);
    }
}

TEST_CASE("a step after its deadline that a colluding quorum let pass is found") {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    forger.record(ref, aaa, 12'000);
    forger.pass(second_ms);
    Authorization found = *find_live_authorization(forger.chain().state(), ref);
    // The planted rule: a settlement may come a year later.
    const UnixMillis deadline = found.deadline();
    found.record->settle_by += 365 * 24 * hour_ms;
    found.record->claim_until += 365 * 24 * hour_ms;
    forger.plant(keys::authorization(ref), encode(found));
    forger.plant(keys::deadline({deadline, ref, DeadlineKind::authorization}), {});
    forger.plant(keys::deadline({found.deadline(), ref, DeadlineKind::authorization}), Bytes{});
    REQUIRE(forger.apply(bbb, SettleCharge{ref, found.record->amount}, 30 * 24 * hour_ms) ==
            ResultCode::ok);
    CHECK(has(audit(forger), FindingKind::late));
}

TEST_CASE("a rule that a colluding quorum changed without votes is found") {
    Forger forger;
    forger.pass(second_ms);
    // The planted rule: two validators and the hub are enough.
    ProposeChange change;
    change.kind = ChangeKind::suspend;
    change.member = ccc;
    REQUIRE(forger.apply(aaa, change) == ResultCode::ok);
    const VoteOnChange vote{forger.chain().last_ref(), true};
    REQUIRE(forger.apply(hub, vote) == ResultCode::ok);
    SECTION("with the votes it needs it is history") {
        REQUIRE(forger.apply(bbb, vote) == ResultCode::ok);
        REQUIRE(find_member(forger.chain().state(), ccc)->suspended);
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        REQUIRE(report.business.governance_count >= 4);
        CHECK(report.business.governance.back().what.find("passed: suspend CCC") == 0);
    }
    SECTION("a vote that is counted twice is no vote") {
        forger.pass(second_ms);
        ProposalRecord planted = *find_proposal(forger.chain().state(), vote.proposal);
        planted.approvals.erase(planted.approvals.begin());  // that of AAA, so that it votes again
        planted.approvals.push_back(bbb);
        forger.plant(keys::proposal(vote.proposal), encode(planted));
        REQUIRE(forger.apply(aaa, vote) == ResultCode::ok);
        CHECK(has(audit(forger), FindingKind::vote));
    }
}
