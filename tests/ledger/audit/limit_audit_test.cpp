// What members may owe, kept a second time: limits, exposure caps and agreements.

#include "ledger/audit/block_inspector.h"
#include "ledger/audit/bridge_keys.h"
#include "ledger/audit/promise_book.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/audit/audited.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

/// Sites of AAA and BBB; BBB may owe 100 units.
Forger make_limited() {
    Forger forger;
    forger.set_up_site(aaa);
    forger.set_up_site(bbb);
    forger.both(hub, SetLimit{bbb, cny, units(100)}, bbb);
    return forger;
}

ResultCode approve(Forger& forger, Money amount) {
    return forger.apply(bbb, forger.chain().approval(aaa, amount));
}

/// BBB may promise AAA this much and not a unit more: for the least moment it does.
void take_all(Forger& forger, Money amount, ResultCode beyond = ResultCode::limit_exceeded) {
    INFO(money_to_text(amount));
    REQUIRE(approve(forger, amount + 1) == beyond);
    REQUIRE(approve(forger, amount) == ResultCode::ok);
    REQUIRE(forger.apply(aaa, ReleaseAuthorization{forger.chain().last_ref()}) == ResultCode::ok);
}

void charge(Forger& forger, const PartyId& home, const PartyId& visited, std::int64_t wh) {
    const AuthorizationRef ref = forger.start(home, visited, units(20));
    const RecordCharge record = forger.record(ref, visited, wh);
    REQUIRE(forger.apply(home, SettleCharge{ref, record.amount}) == ResultCode::ok);
}

void agree(Forger& forger, const PartyId& owner, const PartyId& partner, Money cap,
           bool active = true) {
    REQUIRE(forger.apply(owner, SetAgreement{partner, active, cny, {}, cap}) == ResultCode::ok);
}

/// A quorum gives BBB another limit that nobody signed.
void plant_limit(Forger& forger, Money limit) {
    forger.pass(second_ms);
    Account account = find_account(forger.chain().state(), bbb, cny).value_or(Account{});
    account.limit = limit;
    forger.plant(keys::account(bbb, cny), encode(account));
}

/// The same with a half of an agreement.
void plant_half(Forger& forger, const PartyId& owner, const PartyId& partner) {
    forger.pass(second_ms);
    forger.plant(keys::agreement(owner, partner), encode(AgreementRecord{true, cny, {}, 0}));
}

/// The record of an hour that BBB never recorded in time: 18 units.
RatedCharge late_charge(Forger& forger) {
    const AuthorizationRef ref = forger.start(bbb, aaa, units(20));
    forger.pass(forger.genesis().parameters.record_window + hour_ms);
    return forger.rated(ref, aaa, 12'000);
}

}  // namespace

TEST_CASE("an honest ledger reaches its limits to the last unit, and nothing is found") {
    Forger forger = make_limited();
    take_all(forger, units(100));
    charge(forger, bbb, aaa, 12'000);
    take_all(forger, units(82));
    charge(forger, ccc, bbb, 4'000);  // what BBB is owed
    take_all(forger, units(88));
    const AuthorizationRef open = forger.start(bbb, aaa, units(30));
    take_all(forger, units(58));
    forger.record(open, aaa, 8'000);
    take_all(forger, units(58));
    REQUIRE(forger.apply(bbb, OpenDispute{open, units(5), DisputeReason::energy, {}}) ==
            ResultCode::ok);
    take_all(forger, units(100 - 12 - 7 - 5));
    REQUIRE(forger.apply(aaa, AcceptDispute{open}) == ResultCode::ok);
    take_all(forger, units(81));
    forger.pass(forger.genesis().parameters.cycle_length);
    take_all(forger, units(81));  // now it is banks that are to pay
    for (const LegEntry& leg : list_legs(forger.chain().state(), 0, 100)) {
        REQUIRE(forger.apply(leg.key.creditor, ConfirmPayment{leg.key.cycle, cny, leg.key.debtor,
                                                              "R"}) == ResultCode::ok);
    }
    take_all(forger, units(100));
    const RatedCharge late = late_charge(forger);
    forger.both(aaa, LateCharge{late}, bbb);
    take_all(forger, units(82));
    CHECK(audit(forger).findings.empty());
}

TEST_CASE("an honest ledger reaches exposure caps to the last unit, and nothing is found") {
    Forger forger = make_limited();
    const ResultCode beyond = ResultCode::exposure_exceeded;
    agree(forger, aaa, bbb, units(50));
    take_all(forger, units(50), beyond);
    agree(forger, bbb, aaa, units(40));
    take_all(forger, units(40), beyond);
    charge(forger, bbb, aaa, 4'000);
    take_all(forger, units(34), beyond);
    charge(forger, aaa, bbb, 8'000);  // owed back, which caps are net of
    take_all(forger, units(40), beyond);
    charge(forger, bbb, aaa, 12'000);
    take_all(forger, units(28), beyond);
    forger.pass(forger.genesis().parameters.cycle_length);
    take_all(forger, units(28), beyond);
    agree(forger, bbb, aaa, 0);
    take_all(forger, units(38), beyond);
    agree(forger, aaa, bbb, 0);
    take_all(forger, units(88));
    CHECK(audit(forger).findings.empty());
}

TEST_CASE("an audit that goes on knows limits and agreements") {
    Forger forger = make_limited();
    agree(forger, aaa, bbb, units(50));
    static_cast<void>(forger.start(bbb, aaa, units(10)));
    AuditOptions options{AuditLevel::business};
    options.wants_checkpoint = [](bool at_end) { return at_end; };
    std::shared_ptr<const AuditCheckpoint> kept;
    options.on_checkpoint = [&kept](const AuditCheckpoint& checkpoint) {
        kept = std::make_shared<const AuditCheckpoint>(checkpoint);
    };
    REQUIRE(audit(forger.blocks(), options).findings.empty());
    REQUIRE(approve(forger, units(40)) == ResultCode::ok);
    AuditOptions next{AuditLevel::business};
    next.from = kept;
    CHECK(audit(forger.blocks(), next).findings.empty());
    plant_half(forger, aaa, bbb);
    REQUIRE(approve(forger, units(1)) == ResultCode::ok);
    CHECK(finds(audit(forger.blocks(), next), FindingKind::limit, "exposure cap of 50.0000"));
}

TEST_CASE("forgery: an approval above a limit that nobody raised") {
    Forger forger = make_limited();
    charge(forger, bbb, aaa, 12'000);
    plant_limit(forger, units(1'000));
    SECTION("not a unit more") {
        REQUIRE(approve(forger, units(82)) == ResultCode::ok);
        CHECK_FALSE(finds(forger, FindingKind::limit, ""));
    }
    SECTION("a unit more") {
        REQUIRE(approve(forger, units(82) + 1) == ResultCode::ok);
        CHECK(finds(forger, FindingKind::limit, "above its limit of 100.0000"));
    }
}

TEST_CASE("limits and agreements of a state that nobody signed are told") {
    Forger forger = make_limited();
    PromiseBook book;
    book.restore(forger.chain().state());
    CHECK(book.compare(forger.chain().state()).empty());
    SECTION("a limit") {
        plant_limit(forger, units(1'000));
        const std::vector<std::string> problems = book.compare(forger.chain().state());
        REQUIRE(problems.size() == 1);
        CHECK(problems.front() == "the limit of BBB is 1000.0000 CNY, signed was 100.0000");
    }
    SECTION("a limit that is gone") {
        plant_limit(forger, 0);
        CHECK(book.compare(forger.chain().state()).size() == 1);
    }
    SECTION("a half of an agreement") {
        book.agree(aaa, SetAgreement{bbb, true, cny, {}, units(7)});
        CHECK(book.compare(forger.chain().state()).size() == 1);
    }
}

TEST_CASE("forgery: an approval above an exposure cap") {
    Forger forger = make_limited();
    agree(forger, aaa, bbb, units(40));
    charge(forger, bbb, aaa, 12'000);
    plant_half(forger, aaa, bbb);
    REQUIRE(approve(forger, units(22) + 1) == ResultCode::ok);
    CHECK(finds(forger, FindingKind::limit, "exposure cap of 40.0000"));
}

TEST_CASE("forgery: an approval without an agreement") {
    Forger forger = make_limited();
    agree(forger, aaa, bbb, 0, false);
    REQUIRE(approve(forger, units(1)) == ResultCode::no_agreement);
    plant_half(forger, aaa, bbb);
    REQUIRE(approve(forger, units(1)) == ResultCode::ok);
    CHECK(finds(forger, FindingKind::unmatched, "have no agreement"));
}

TEST_CASE("forgery: a late charge above a limit") {
    Forger forger = make_limited();
    const RatedCharge late = late_charge(forger);
    forger.both(hub, SetLimit{bbb, cny, units(17)}, bbb);
    plant_limit(forger, units(1'000));
    forger.both(aaa, LateCharge{late}, bbb);
    CHECK(finds(forger, FindingKind::limit, "above its limit of 17.0000"));
}

TEST_CASE("a late charge of what was never approved is found, though both have signed it") {
    Forger forger = make_limited();
    const AuthorizationRef never{bbb, forger.chain().fresh_id()};
    forger.both(aaa, LateCharge{forger.rated(never, aaa, 12'000)}, bbb);
    CHECK(finds(forger, FindingKind::unmatched, "was never approved"));
}

TEST_CASE("half-signed charges beyond the bound have no bridge's key") {
    Forger forger = make_limited();
    struct Half {
        TransactionRef ref;
        Hash hash;
    };
    std::vector<Half> halves;
    const auto add_half = [&] {
        const AuthorizationRef ref{bbb, forger.chain().fresh_id()};
        REQUIRE(forger.apply(aaa, LateCharge{forger.rated(ref, aaa, 1'000)}) == ResultCode::ok);
        halves.push_back({forger.chain().last_ref(), forger.chain().tip().leaves.back().hash});
    };
    const auto countersign = [&](std::size_t number) {
        const Half& half = halves[number];
        REQUIRE(forger.apply(bbb, Countersign{half.ref, half.hash}) == ResultCode::ok);
    };
    for (int i = 0; i < 3; ++i) {
        add_half();
    }
    countersign(0);
    add_half();  // there is room for it again
    for (const std::size_t number : {1U, 2U, 3U}) {
        countersign(number);
    }
    std::vector<AuditBlock> blocks(forger.blocks().size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i].content = forger.blocks()[i];
    }
    InlineJobRunner runner;
    BlockInspector{forger.chain().chain_id(), AuditLevel::business}.inspect(blocks, runner);
    BridgeKeys keys{2};
    std::vector<std::size_t> known;
    for (AuditBlock& block : blocks) {
        keys.follow(forger.chain().chain_id(), block);
        for_each_transaction(block, [&](const AuditEnvelope& envelope, const auto& stored) {
            const bool is_second =
                std::holds_alternative<Countersign>(stored.transaction.action) &&
                std::get<Countersign>(stored.transaction.action).transaction.signer == aaa;
            if (is_second) {
                known.push_back(envelope.bridge_signatures.size());
            }
        });
    }
    CHECK(known == std::vector<std::size_t>{1, 1, 0, 1});
}
