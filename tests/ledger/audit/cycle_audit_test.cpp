// Netting, kept a second time: cycles, payments between banks and defaults.

#include "ledger/state/accounts.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/queries.h"
#include "tests/ledger/audit/forged_ledger.h"
#include "tests/ledger/audit/forger.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

const PartyId aaa{party("AAA")};
const PartyId bbb{party("BBB")};
const PartyId ccc{party("CCC")};
const Currency cny{currency("CNY")};

AuditReport audit(Forger& forger) {
    ForgedLedger ledger{forger.blocks(), forger.chain().genesis()};
    ledger.write();
    AuditReport report = ledger.audit_as_is({AuditLevel::business});
    for (const Finding& finding : report.findings) {
        UNSCOPED_INFO(to_text(finding.kind) << " at " << finding.height << ": " << finding.message);
    }
    return report;
}

std::uint64_t unpaid(const AuditReport& report) {
    return report.business.notes_count[static_cast<std::size_t>(NoteKind::unpaid)];
}

void charge(Forger& forger, const PartyId& home, const PartyId& visited, std::int64_t wh) {
    const AuthorizationRef ref = forger.start(home, visited, units(100));
    const RecordCharge record = forger.record(ref, visited, wh);
    REQUIRE(forger.apply(home, SettleCharge{ref, record.amount}) == ResultCode::ok);
}

/// BBB owes AAA and CCC owes BBB: CCC is to pay AAA a part of it.
Forger make_cycle(DefaultBearer bearer) {
    Genesis genesis = make_genesis();
    genesis.parameters.default_bearer = bearer;
    Forger forger{std::move(genesis)};
    forger.set_up_site(aaa);
    forger.set_up_site(bbb);
    charge(forger, bbb, aaa, 12'000);
    charge(forger, ccc, bbb, 4'000);
    charge(forger, ccc, aaa, 2'000);
    return forger;
}

/// The next block is in the next cycle.
void end_cycle(Forger& forger) {
    const Parameters& parameters = forger.chain().genesis().parameters;
    forger.pass(parameters.cycle_length);
}

}  // namespace

TEST_CASE("cycles, payments and defaults of an honest ledger leave no finding") {
    const DefaultBearer bearer = GENERATE(DefaultBearer::creditor, DefaultBearer::shared);
    Forger forger = make_cycle(bearer);
    end_cycle(forger);
    const std::vector<LegEntry> legs = list_legs(forger.chain().state(), 0, 100);
    REQUIRE(legs.size() == 2);
    const std::uint64_t cycle = legs.front().key.cycle;
    const auto confirm = [&](const LegEntry& leg) {
        return forger.apply(leg.key.creditor, ConfirmPayment{cycle, cny, leg.key.debtor, "R-1"});
    };
    SECTION("nobody has paid yet") {
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        CHECK(report.business.cycles_netted == 1);
        CHECK(unpaid(report) == 2);
    }
    SECTION("both have paid") {
        REQUIRE(confirm(legs[0]) == ResultCode::ok);
        REQUIRE(confirm(legs[1]) == ResultCode::ok);
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        CHECK(report.business.payments_confirmed == 2);
        CHECK(unpaid(report) == 0);
    }
    SECTION("one pays, one is in default, and pays after all") {
        REQUIRE(confirm(legs[0]) == ResultCode::ok);
        forger.pass(forger.chain().genesis().parameters.payment_window + hour_ms);
        const AuditReport before = audit(forger);
        CHECK(before.findings.empty());
        CHECK(unpaid(before) == 1);
        REQUIRE(confirm(legs[1]) == ResultCode::ok);
        const AuditReport after = audit(forger);
        CHECK(after.findings.empty());
        CHECK(unpaid(after) == 0);
    }
    SECTION("the next cycle begins with nothing but what was posted in it") {
        charge(forger, bbb, aaa, 1'000);
        end_cycle(forger);
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        CHECK(report.business.cycles_netted == 2);
    }
}

TEST_CASE("a cycle that a colluding quorum nets as it likes is found") {
    Forger forger = make_cycle(DefaultBearer::creditor);
    forger.pass(second_ms);  // values planted in the last block's changes would not be seen
    // The planted rule: 1 unit more is owed by BBB to AAA than was posted.
    const auto plant_account = [&forger](const PartyId& member, Money debit, Money credit) {
        Account account = *find_account(forger.chain().state(), member, cny);
        account.debits_posted += debit;
        account.credits_posted += credit;
        forger.plant(keys::account(member, cny), encode(account));
    };
    Exposure pair = find_exposure(forger.chain().state(), bbb, aaa, cny);
    pair.posted += units(1);
    forger.plant(keys::exposure(bbb, aaa, cny), encode(pair));
    plant_account(bbb, units(1), 0);
    plant_account(aaa, 0, units(1));
    Totals totals = *find_totals(forger.chain().state(), cny);
    totals.debits_posted += units(1);
    totals.credits_posted += units(1);
    forger.plant(keys::totals(cny), encode(totals));
    end_cycle(forger);
    CHECK(ForgedLedger::has(audit(forger), FindingKind::cycle, {}));
}
