// Charges after they ended, and who may end them: what a colluding quorum, or two operators
// together, got past the ledger's rules is found.

#include "ledger/audit/correction_book.h"
#include "ledger/state/epochs.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/audit/audited.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

/// AAA's site, and a charge of BBB's driver there that was settled with 18 units.
struct Settled {
    Forger forger;
    AuthorizationRef ref;
    TransactionRef record;

    Settled() {
        forger.set_up_site(aaa);
        ref = forger.start(bbb, aaa, units(100));
        forger.record(ref, aaa, 12'000);
        record = forger.chain().last_ref();
        REQUIRE(forger.apply(bbb, SettleCharge{ref, units(18)}) == ResultCode::ok);
    }
    [[nodiscard]] CreditCharge credit(Money charged, Money amount) const {
        return {ref, record, cny, charged, amount, {}};
    }
};

/// BBB's driver began at AAA's, and nothing was recorded.
struct Unrecorded {
    Forger forger;
    AuthorizationRef ref;

    explicit Unrecorded(Genesis genesis = make_genesis()) : forger{std::move(genesis)} {
        forger.set_up_site(aaa);
        ref = forger.start(bbb, aaa, units(100));
        forger.pass(forger.chain().genesis().parameters.record_window + hour_ms);
    }
};

/// A record of 12 units, of which BBB contests 5.
struct Disputed {
    Forger forger;
    AuthorizationRef ref;

    Disputed() {
        forger.set_up_site(aaa);
        ref = forger.start(bbb, aaa, units(100));
        forger.record(ref, aaa, 8'000);
        REQUIRE(forger.apply(bbb, OpenDispute{ref, units(5), DisputeReason::energy, {}}) ==
                ResultCode::ok);
        forger.pass(second_ms);
    }
};

/// Makes a member the hub in the state's eyes.
void plant_hub(Forger& forger, const PartyId& party) {
    forger.pass(second_ms);
    MemberRecord record = *find_member(forger.chain().state(), party);
    record.member.role = MemberRole::hub;
    forger.plant(keys::member(party), encode(record));
}

void plant_parameters(Forger& forger, const Parameters& parameters) {
    forger.pass(second_ms);
    forger.plant(keys::scheme(), encode(parameters));
}

}  // namespace

TEST_CASE("late charges, credits and new bills of an honest ledger leave no finding") {
    Unrecorded late;
    Forger& forger = late.forger;
    RatedCharge charge = forger.rated(late.ref, aaa, 12'000);
    charge.metered.evidence.data[0] = 9;
    sign_metered(forger.chain().chain_id(), aaa, charge.metered);
    const TransactionRef first = forger.both(aaa, LateCharge{charge}, bbb);
    const TransactionRef credit =
        forger.both(aaa, CreditCharge{late.ref, first, cny, units(18), units(18), {}}, bbb);
    charge.amount = units(10);
    forger.both(aaa, RebillCharge{credit, charge}, bbb);  // on the same meter data
    const AuditReport report = audit(forger);
    CHECK(report.findings.empty());
    const ChargeFigures& pair = report.business.pairs.at({bbb, aaa, cny});
    CHECK(pair.of(ChargeStep::late) == StepFigures{1, units(18)});
    CHECK(pair.of(ChargeStep::credited) == StepFigures{1, units(18)});
    CHECK(pair.of(ChargeStep::rebilled) == StepFigures{1, units(10)});
    CHECK(pair.posted == units(10));
    CHECK(report.business.bridge_signatures == 2);
}

TEST_CASE("nobody plants a finding with a late charge that is not countersigned") {
    Unrecorded late;
    LateCharge action{late.forger.rated(late.ref, aaa, 12'000)};
    action.charge.metered.bridge_id = "nobody's";
    REQUIRE(late.forger.apply(aaa, action) == ResultCode::ok);
    SECTION("waiting") { CHECK(audit(late.forger).findings.empty()); }
    SECTION("expired") {
        late.forger.pass(late.forger.chain().genesis().parameters.countersign_window + hour_ms);
        CHECK(audit(late.forger).findings.empty());
    }
}

TEST_CASE("a bridge that is revoked before the second signature is found when it counts") {
    Unrecorded late;
    Forger& forger = late.forger;
    REQUIRE(forger.apply(aaa, LateCharge{forger.rated(late.ref, aaa, 12'000)}) == ResultCode::ok);
    const TransactionRef first = forger.chain().last_ref();
    const Hash hash = forger.chain().tip().leaves.back().hash;
    REQUIRE(forger.apply(aaa, RevokeBridge{"bridge-1"}) == ResultCode::ok);
    forger.pass(second_ms);
    // The planted rule: what was submitted before counts.
    BridgeRecord bridge = *find_bridge(forger.chain().state(), aaa, "bridge-1");
    bridge.revoked = false;
    forger.plant(keys::bridge(aaa, "bridge-1"), encode(bridge));
    REQUIRE(forger.apply(bbb, Countersign{first, hash}) == ResultCode::ok);
    CHECK(finds(forger, FindingKind::bridge_signature, "does not bear"));
}

TEST_CASE("a late charge of one that was settled is found") {
    Settled settled;
    settled.forger.both(aaa, LateCharge{settled.forger.rated(settled.ref, aaa, 2'000)}, bbb);
    CHECK(finds(settled.forger, FindingKind::duplicate, "18.0000 of it were paid already"));
}

TEST_CASE("a late charge by somebody it was not approved for is found") {
    Unrecorded late;
    late.forger.set_up_site(ccc);
    late.forger.both(ccc, LateCharge{late.forger.rated(late.ref, ccc, 2'000)}, bbb);
    CHECK(finds(late.forger, FindingKind::unmatched, "approved for AAA"));
}

TEST_CASE("a second late charge that a colluding quorum let pass is found") {
    Unrecorded late;
    const LateCharge action{late.forger.rated(late.ref, aaa, 2'000)};
    late.forger.both(aaa, action, bbb);
    late.forger.pass(second_ms);
    // The planted rule: nothing is remembered of late charges.
    const CorrectionRecord record = *find_correction(late.forger.chain().state(), late.ref);
    late.forger.plant(keys::correction(late.ref), {});
    late.forger.plant(keys::deadline({record.expires, late.ref, DeadlineKind::correction}), {});
    late.forger.both(aaa, action, bbb);
    CHECK(finds(late.forger, FindingKind::duplicate, "charged or corrected before"));
}

TEST_CASE("a credit of a charge that is not on the ledger is found") {
    Settled settled;
    CreditCharge credit = settled.credit(units(18), units(1));
    SECTION("no such charge") {
        credit.authorization.id.data[5] ^= 1U;
        settled.forger.both(aaa, credit, bbb);
        CHECK(finds(settled.forger, FindingKind::unmatched, "no such charge is on the ledger"));
    }
    SECTION("no such record") {
        credit.record.id.data[5] ^= 1U;
        settled.forger.both(aaa, credit, bbb);
        CHECK(finds(settled.forger, FindingKind::unmatched, "not how it was recorded"));
    }
    SECTION("as it was") {
        settled.forger.both(aaa, credit, bbb);
        CHECK(audit(settled.forger).findings.empty());
    }
}

TEST_CASE("a credit of more than was charged is found") {
    Settled settled;
    SECTION("as both state it") {
        settled.forger.both(aaa, settled.credit(units(50), units(40)), bbb);
        CHECK(finds(settled.forger, FindingKind::unmatched, "paid were 18.0000"));
    }
    SECTION("in two steps, by a colluding quorum") {
        settled.forger.both(aaa, settled.credit(units(18), units(10)), bbb);
        settled.forger.pass(second_ms);
        // The planted rule: what was given back is forgotten.
        CorrectionRecord record = *find_correction(settled.forger.chain().state(), settled.ref);
        record.charges.front().credited = 0;
        settled.forger.plant(keys::correction(settled.ref), encode(record));
        settled.forger.both(aaa, settled.credit(units(18), units(10)), bbb);
        CHECK(finds(settled.forger, FindingKind::unmatched, "given back before 10.0000"));
    }
}

TEST_CASE("a new bill without a credit is found") {
    Settled settled;
    const TransactionRef credit =
        settled.forger.both(aaa, settled.credit(units(18), units(18)), bbb);
    const RebillCharge bill{credit, settled.forger.rated(settled.ref, aaa, 2'000)};
    settled.forger.both(aaa, bill, bbb);
    CHECK(audit(settled.forger).findings.empty());
    settled.forger.pass(second_ms);
    // The planted rule: a credit may be billed again and again.
    CorrectionRecord record = *find_correction(settled.forger.chain().state(), settled.ref);
    record.credits.push_back(credit);
    settled.forger.plant(keys::correction(settled.ref), encode(record));
    settled.forger.both(aaa, bill, bbb);
    CHECK(finds(settled.forger, FindingKind::unmatched, "was billed again before"));
}

TEST_CASE("the meter data of one charge under the late one of another are found") {
    Unrecorded late;
    Forger& forger = late.forger;
    const AuthorizationRef other = forger.start(bbb, aaa, units(100));
    RecordCharge record = forger.chain().record(other, 1'000);
    record.metered.evidence.data[0] = 9;
    sign_metered(forger.chain().chain_id(), aaa, record.metered);
    REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
    LateCharge action{forger.rated(late.ref, aaa, 2'000)};
    action.charge.metered.evidence = record.metered.evidence;
    sign_metered(forger.chain().chain_id(), aaa, action.charge.metered);
    forger.both(aaa, action, bbb);
    CHECK(finds(forger, FindingKind::duplicate, "were recorded before, for BBB-"));
}

TEST_CASE("a late record of an earlier charge is information, one within another is found") {
    Unrecorded late;
    Forger& forger = late.forger;
    RatedCharge later = forger.rated(late.ref, aaa, 2'000, 12'000);
    for (MeterReading& reading : later.metered.readings) {
        reading.time += 10 * hour_ms;
    }
    sign_metered(forger.chain().chain_id(), aaa, later.metered);
    forger.both(aaa, LateCharge{later}, bbb);
    const AuthorizationRef second = forger.start(bbb, aaa, units(100));
    forger.pass(forger.chain().genesis().parameters.record_window + hour_ms);
    RatedCharge earlier = forger.rated(second, aaa, 12'000);
    SECTION("before the other") {
        forger.both(aaa, LateCharge{earlier}, bbb);
        const AuditReport report = audit(forger);
        CHECK(report.findings.empty());
        CHECK(report.business.notes_count[static_cast<std::size_t>(NoteKind::late_record)] == 1);
    }
    SECTION("into the other") {
        earlier.metered.readings.back().time += 10 * hour_ms;
        sign_metered(forger.chain().chain_id(), aaa, earlier.metered);
        forger.both(aaa, LateCharge{earlier}, bbb);
        CHECK(finds(forger, FindingKind::meter_register, "begins at 0 Wh"));
    }
}

TEST_CASE("an arbitration by somebody else than the hub is found") {
    Disputed disputed;
    const PartyId other = party("CCC");
    plant_hub(disputed.forger, other);  // the planted rule: a third one decides
    REQUIRE(disputed.forger.apply(other, Arbitrate{disputed.ref, units(5), {}}) == ResultCode::ok);
    CHECK(finds(disputed.forger, FindingKind::unmatched, "the hub is HUB"));
}

TEST_CASE("a dispute that ends against the scheme's default is found") {
    Disputed disputed;
    Parameters parameters = disputed.forger.chain().genesis().parameters;
    parameters.dispute_default = DisputeDefault::release;
    SECTION("as it should be") {}
    SECTION("planted") { plant_parameters(disputed.forger, parameters); }
    const bool planted = find_parameters(disputed.forger.chain().state()) == parameters;
    disputed.forger.pass(parameters.arbitrate_window + hour_ms);
    CHECK(finds(disputed.forger, FindingKind::unmatched, "dispute_default (post)") == planted);
}

TEST_CASE("a release that its signer may not make is found") {
    Forger forger;
    forger.set_up_site(aaa);
    SECTION("by the home operator before it may") {
        Parameters parameters = forger.chain().genesis().parameters;
        parameters.home_release_after = 1;
        plant_parameters(forger, parameters);
        REQUIRE(forger.apply(bbb, forger.chain().approval(aaa, units(20))) == ResultCode::ok);
        REQUIRE(forger.apply(bbb, ReleaseAuthorization{forger.chain().last_ref()}) ==
                ResultCode::ok);
        CHECK(finds(forger, FindingKind::late, "before it may be"));
    }
    SECTION("by the home operator after it started") {
        const AuthorizationRef ref = forger.start(bbb, aaa, units(20));
        forger.pass(forger.chain().genesis().parameters.home_release_after);
        Authorization found = *find_live_authorization(forger.chain().state(), ref);
        const UnixMillis deadline = found.deadline();
        found.status = AuthorizationStatus::approved;
        found.start.reset();
        found.start_by = forger.chain().now() + hour_ms;
        ChargerRecord charger = *find_charger(forger.chain().state(), aaa, TestChain::evse(aaa, 1));
        charger.busy.reset();
        forger.plant(keys::charger(aaa, TestChain::evse(aaa, 1)), encode(charger));
        forger.plant(keys::authorization(ref), encode(found));
        forger.plant(keys::deadline({deadline, ref, DeadlineKind::authorization}), {});
        forger.plant(keys::deadline({found.deadline(), ref, DeadlineKind::authorization}), Bytes{});
        REQUIRE(forger.apply(bbb, ReleaseAuthorization{ref}) == ResultCode::ok);
        CHECK(finds(forger, FindingKind::unmatched, "but it is started"));
    }
    SECTION("by a third operator") {
        REQUIRE(forger.apply(bbb, forger.chain().approval(aaa, units(20))) == ResultCode::ok);
        const AuthorizationRef ref = forger.chain().last_ref();
        forger.pass(second_ms);
        Authorization found = *find_live_authorization(forger.chain().state(), ref);
        found.visited = ccc;
        forger.plant(keys::authorization(ref), encode(found));
        const Exposure exposure = find_exposure(forger.chain().state(), bbb, aaa, cny);
        forger.plant(keys::exposure(bbb, aaa, cny), {});
        forger.plant(keys::exposure(bbb, ccc, cny), encode(exposure));
        Account account = *find_account(forger.chain().state(), ccc, cny);
        account.credits_pending += units(20);
        forger.plant(keys::account(ccc, cny), encode(account));
        Account other = *find_account(forger.chain().state(), aaa, cny);
        other.credits_pending -= units(20);
        forger.plant(keys::account(aaa, cny), encode(other));
        REQUIRE(forger.apply(ccc, ReleaseAuthorization{ref}) == ResultCode::ok);
        CHECK(finds(forger, FindingKind::unmatched, "is by CCC, but the visited operator is AAA"));
    }
}

TEST_CASE("a second signature that is not that of the right member in time is found") {
    Forger forger;
    const SetLimit limit{bbb, cny, units(500)};
    SECTION("as it should be") {
        forger.both(bbb, limit, hub);
        forger.both(hub, limit, bbb);
        CHECK(audit(forger).findings.empty());
    }
    SECTION("of another member") {
        plant_hub(forger, aaa);
        forger.both(bbb, limit, aaa);
        CHECK(finds(forger, FindingKind::unmatched, "is by AAA, but the hub is HUB"));
    }
    SECTION("after a first one of another member") {
        plant_hub(forger, aaa);
        forger.both(aaa, limit, bbb);
        CHECK(finds(forger, FindingKind::unmatched, "neither the member nor the hub"));
    }
    SECTION("under another hash, or too late") {
        REQUIRE(forger.apply(bbb, limit) == ResultCode::ok);
        const TransactionRef first = forger.chain().last_ref();
        const bool is_late = GENERATE(false, true);
        forger.pass(second_ms);
        CountersignRecord record = *find_countersign(forger.chain().state(), first);
        const UnixMillis expires = record.expires;
        record.expires += is_late ? 1000 * hour_ms : 0;
        record.transaction_hash.data[0] ^= is_late ? 0U : 1U;
        forger.plant(keys::countersign(first), encode(record));
        forger.plant(keys::deadline({expires, first, DeadlineKind::countersign}), {});
        forger.plant(keys::deadline({record.expires, first, DeadlineKind::countersign}), Bytes{});
        const UnixMillis step = is_late ? expires - forger.chain().now() + hour_ms : second_ms;
        REQUIRE(forger.apply(hub, Countersign{first, record.transaction_hash}, step) ==
                ResultCode::ok);
        CHECK(finds(forger, is_late ? FindingKind::late : FindingKind::unmatched,
                    is_late ? "countersign window" : "by another hash"));
    }
}

TEST_CASE("a charge in another currency than its tariff's is found") {
    Forger forger;
    forger.set_up_site(aaa);
    const Tariff euros = day_tariff(currency("EUR"), {{0, units(1), units(1) / 2}});
    REQUIRE(forger.apply(aaa, PublishTariff{{"std", 2}, euros}) == ResultCode::ok);
    forger.pass(second_ms);
    // The planted rule: one euro is one yuan.
    forger.plant(keys::tariff(aaa, {"std", 2}), encode(Forger::price(units(1))));
    DecideAuthorization approval = forger.chain().approval(aaa, units(100));
    approval.tariffs = {{"std", 2}};
    REQUIRE(forger.apply(bbb, approval) == ResultCode::ok);
    const AuthorizationRef ref = forger.chain().last_ref();
    REQUIRE(forger.apply(aaa, StartCharge{ref, TestChain::evse(aaa, 1), {"std", 2}}) ==
            ResultCode::ok);
    forger.record(ref, aaa, 12'000);
    CHECK(finds(forger, FindingKind::rating, "charges in CNY, std version 2 is in EUR"));
}

TEST_CASE("what was corrected long ago may be corrected again, and is not charged late again") {
    Unrecorded late;
    Forger& forger = late.forger;
    const TransactionRef first =
        forger.both(aaa, LateCharge{forger.rated(late.ref, aaa, 2'000)}, bbb);
    forger.pass(forger.chain().genesis().parameters.correction_window + hour_ms);
    REQUIRE_FALSE(find_correction(forger.chain().state(), late.ref));
    SECTION("given back") {
        forger.both(aaa, CreditCharge{late.ref, first, cny, units(3), units(1), {}}, bbb);
        CHECK(audit(forger).findings.empty());
    }
    SECTION("charged again") {
        forger.both(aaa, LateCharge{forger.rated(late.ref, aaa, 2'000, 2'000)}, bbb);
        CHECK(finds(forger, FindingKind::duplicate, "3.0000 of it were paid already"));
    }
}

TEST_CASE("a correction book remembers as many charges as it may, and knows that it forgot") {
    CorrectionBook book{2};
    Authorization charge;
    charge.visited = aaa;
    charge.currency = cny;
    charge.ref.signer = bbb;
    std::vector<std::string> found;
    const CorrectionBook::Find find = [&found](FindingKind kind, const std::string& message) {
        found.push_back(std::string{to_text(kind)} + ": " + message);
    };
    const TransactionRef first{aaa, {}};
    const CorrectionBook::Taken taken{first, hour_ms, hour_ms, find};
    for (std::uint8_t i = 1; i <= 3; ++i) {
        charge.ref.id.data[0] = i;
        CHECK_FALSE(book.is_forgetful());
        book.end(charge, units(i));
    }
    CHECK(book.is_forgetful());
    Encoder encoder;
    book.encode_ended(encoder);
    CorrectionBook again{2};
    Decoder decoder{encoder.bytes()};
    again.decode_ended(decoder);
    REQUIRE(decoder.finished());
    charge.ref.id.data[0] = 1;
    CHECK_FALSE(again.remembers(charge.ref));
    RatedCharge late;
    late.currency = cny;
    late.metered.authorization = charge.ref;
    again.late(taken, late);
    CHECK(found.empty());  // of what it forgot it says nothing
    late.metered.authorization.id.data[0] = 2;
    again.late(taken, late);
    CHECK(found.size() == 1);
    SECTION("truncated, oversized and repeated charges are refused") {
        for (std::size_t size = 0; size < encoder.bytes().size(); ++size) {
            Decoder cut{ByteView{encoder.bytes()}.first(size)};
            CorrectionBook{2}.decode_ended(cut);
            CHECK_FALSE(cut.finished());
        }
        Decoder too_many{encoder.bytes()};
        CorrectionBook{1}.decode_ended(too_many);
        CHECK_FALSE(too_many.ok());
        Bytes repeated = encoder.bytes();
        const std::size_t item = (repeated.size() - 12) / 2;
        std::copy_n(repeated.begin() + 12, item,
                    repeated.begin() + 12 + static_cast<std::ptrdiff_t>(item));
        Decoder twice{repeated};
        CorrectionBook{2}.decode_ended(twice);
        CHECK_FALSE(twice.ok());
    }
}
