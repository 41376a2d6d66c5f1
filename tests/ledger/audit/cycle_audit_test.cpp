// Netting, kept a second time: cycles, payments between banks and defaults.

#include "ledger/state/accounts.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/invariants.h"
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

/// The cycle is closed, with two payments; with more energy, by CCC's driver at BBB's, other ones.
struct Closed {
    Forger forger;
    std::vector<LegEntry> legs;

    explicit Closed(DefaultBearer bearer = DefaultBearer::creditor, std::int64_t more_wh = 0)
        : forger{make_cycle(bearer)} {
        if (more_wh > 0) {
            charge(forger, ccc, bbb, more_wh);
        }
        end_cycle(forger);
        forger.pass(second_ms);
        legs = list_legs(forger.chain().state(), 0, 100);
        REQUIRE(legs.size() == 2);
    }
    /// Puts another payment, or none, in the place of one, and makes everything in the state fit.
    void replace(const LegEntry& old, const std::optional<LegEntry>& leg) {
        StateOverlay state = forger.chain().state();
        settle_leg(state, {old.key.debtor, old.key.creditor, cny}, old.leg.amount);
        state.erase(keys::leg(old.key));
        state.erase(keys::deadline({old.leg.due_by, leg_ref(old.key), DeadlineKind::leg}));
        if (leg) {
            owe_leg(state, {leg->key.debtor, leg->key.creditor, cny}, leg->leg.amount);
            state.put(keys::leg(leg->key), encode(leg->leg));
            state.put(keys::deadline({leg->leg.due_by, leg_ref(leg->key), DeadlineKind::leg}), {});
        } else {
            ClosedCycleRecord closed = *find_closed_cycle(state, old.key.cycle, cny);
            --closed.open_legs;
            state.put(keys::closed_cycle(old.key.cycle, cny), encode(closed));
        }
        REQUIRE_FALSE(update_totals(state));
        for (const auto& [key, value] : state.changes()) {
            forger.plant(key, value);
        }
    }
    /// Two blocks: the first one behind due_by takes no defaults.
    void pass_due() {
        forger.pass(forger.chain().genesis().parameters.payment_window + hour_ms);
        forger.pass(second_ms);
    }
    [[nodiscard]] bool finds(FindingKind kind, const std::string& words) {
        for (const Finding& finding : audit(forger).findings) {
            UNSCOPED_INFO(to_text(finding.kind) << ": " << finding.message);
            if (finding.kind == kind && finding.message.find(words) != std::string::npos) {
                return true;
            }
        }
        return false;
    }
};

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
        REQUIRE(report.business.payments.size() == 2);
        const ConfirmedPayment& paid = report.business.payments.front();
        CHECK(paid.creditor == legs[0].key.creditor);
        CHECK(paid.debtor == legs[0].key.debtor);
        CHECK(paid.amount == legs[0].leg.amount);
        CHECK_FALSE(paid.reference.empty());
        CHECK(paid.closed_at > 0);
        CHECK(paid.closed_at < paid.confirmed_at);
        CHECK(unpaid(report) == 0);
    }
    SECTION("one pays, one is in default, and pays after all") {
        REQUIRE(confirm(legs[0]) == ResultCode::ok);
        forger.pass(forger.chain().genesis().parameters.payment_window + hour_ms);
        CHECK(audit(forger).findings.empty());
        forger.pass(second_ms);
        const AuditReport before = audit(forger);
        CHECK(before.findings.empty());
        CHECK(unpaid(before) == 1);
        REQUIRE(confirm(legs[1]) == ResultCode::ok);
        const AuditReport after = audit(forger);
        CHECK(after.findings.empty());
        CHECK(unpaid(after) == 0);
    }
    SECTION("one is ended by vote, before it is due or after") {
        const bool is_late = GENERATE(false, true);
        if (is_late) {
            forger.pass(forger.chain().genesis().parameters.payment_window + hour_ms);
            forger.pass(second_ms);
        }
        ProposeChange change;
        change.kind = ChangeKind::confirm_leg;
        change.leg = legs[0].key;
        REQUIRE(forger.apply(party("HUB"), change) == ResultCode::ok);
        const TransactionRef proposal = forger.chain().last_ref();
        REQUIRE(forger.apply(bbb, VoteOnChange{proposal, true}) == ResultCode::ok);
        REQUIRE(forger.apply(ccc, VoteOnChange{proposal, true}) == ResultCode::ok);
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        REQUIRE(report.business.payments.size() == 1);
        CHECK(report.business.payments.front().reference == "vote on " + to_text(proposal));
        CHECK(unpaid(report) == 1);
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

TEST_CASE("a cycle that a colluding quorum does not close in time, or too early, is found") {
    Forger forger = make_cycle(DefaultBearer::creditor);
    forger.pass(second_ms);
    Parameters parameters = forger.chain().genesis().parameters;
    const UnixMillis length = parameters.cycle_length;
    SECTION("too late") {
        CycleRecord cycle = find_cycle(forger.chain().state());
        cycle.period = period_of(parameters, forger.chain().now() + length);
        forger.plant(keys::cycle(), encode(cycle));
        forger.pass(length);
    }
    SECTION("too early") {
        parameters.cycle_length = hour_ms;
        forger.plant(keys::scheme(), encode(parameters));
        forger.pass(2 * hour_ms);
    }
    CHECK(ForgedLedger::has(audit(forger), FindingKind::cycle, {}));
}

TEST_CASE("a payment between banks that a colluding quorum drops is found when it is due") {
    Closed closed;
    closed.replace(closed.legs.front(), {});
    SECTION("not before") { CHECK_FALSE(closed.finds(FindingKind::cycle, "overdue")); }
    SECTION("then") {
        closed.pass_due();
        CHECK(closed.finds(FindingKind::cycle, "overdue and not confirmed"));
    }
}

TEST_CASE("a default that a colluding quorum does not take is found") {
    Closed closed;
    SECTION("as it should be") {
        closed.pass_due();
        CHECK(audit(closed.forger).findings.empty());
    }
    SECTION("forgotten") {
        LegEntry later = closed.legs.back();
        later.leg.due_by += closed.forger.chain().genesis().parameters.payment_window;
        closed.replace(closed.legs.back(), later);
        closed.pass_due();
        CHECK(closed.finds(FindingKind::cycle, "but not in default"));
    }
}

TEST_CASE("a default that a colluding quorum takes in the first block behind due_by is found") {
    Closed closed;
    const UnixMillis window = closed.forger.chain().genesis().parameters.payment_window;
    const LegEntry& leg = closed.legs.back();
    LegEntry earlier = leg;
    closed.forger.pass(leg.leg.due_by - closed.forger.chain().now());
    earlier.leg.due_by -= window / 2;  // the planted rule: it was due before the parent's time
    closed.replace(leg, earlier);
    closed.forger.pass(second_ms);
    CHECK(closed.finds(FindingKind::late, "before two blocks were behind its due_by"));
}

TEST_CASE("a payment between banks of a wrong amount is found") {
    Closed closed;
    LegEntry less = closed.legs.front();
    less.leg.amount -= units(1);
    closed.replace(closed.legs.front(), less);
    closed.pass_due();
    CHECK(closed.finds(FindingKind::cycle, "by what was posted it is"));
}

TEST_CASE("a payment that somebody else than its creditor confirms is found") {
    Closed closed;
    const LegEntry& leg = closed.legs.front();
    LegEntry planted = leg;
    planted.key.creditor = leg.key.creditor == aaa ? bbb : aaa;
    if (planted.key.creditor == planted.key.debtor) {
        planted.key.creditor = ccc;
    }
    const LegKey& other = planted.key;
    closed.replace(leg, planted);  // the planted rule: that one is owed the money
    REQUIRE(closed.forger.apply(other.creditor, ConfirmPayment{other.cycle, cny, other.debtor,
                                                               "R-1"}) == ResultCode::ok);
    CHECK(closed.finds(FindingKind::unmatched, "is confirmed, but no such payment waits"));
}

TEST_CASE("a default that others bear against the scheme's rule is found") {
    const DefaultBearer bearer = GENERATE(DefaultBearer::creditor, DefaultBearer::shared);
    Closed closed{bearer, 20'000};  // BBB and AAA are to receive
    Parameters parameters = closed.forger.chain().genesis().parameters;
    parameters.default_bearer =
        bearer == DefaultBearer::creditor ? DefaultBearer::shared : DefaultBearer::creditor;
    closed.forger.plant(keys::scheme(), encode(parameters));
    closed.pass_due();
    CHECK(closed.finds(FindingKind::cycle, "default_bearer"));
}
