// Approving, denying, releasing and starting: every condition, and what each changes.

#include "ledger/model/day_bands.h"
#include "ledger/state/keys.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId hub = party("HUB");
const Currency cny = currency("CNY");

TestChain chain_with_site(const Genesis& genesis = make_genesis()) {
    return TestChain{genesis, {aaa}};
}

/// A chain with one changed approval; gives the result.
template <typename Change>
ResultCode decide_with(TestChain& chain, Change change) {
    DecideAuthorization decision = chain.approval(aaa, units(50));
    change(decision);
    return chain.apply(bbb, decision);
}

Account account_of(const TestChain& chain, const PartyId& member) {
    return find_account(chain.state(), member, cny).value_or(Account{});
}

}  // namespace

TEST_CASE("an approval puts the amount pending from home to visited", "[state][authorization]") {
    TestChain chain = chain_with_site();
    const UnixMillis decided = chain.now() + second_ms;
    const AuthorizationRef ref = chain.approve(bbb, aaa, units(50));

    CHECK(account_of(chain, bbb).debits_pending == units(50));
    CHECK(account_of(chain, bbb).debits_posted == 0);
    CHECK(account_of(chain, aaa).credits_pending == units(50));
    CHECK(find_exposure(chain.state(), bbb, aaa, cny).pending == units(50));
    const std::optional<Authorization> found = find_authorization(chain.state(), ref);
    REQUIRE(found);
    CHECK(found->status == AuthorizationStatus::approved);
    CHECK(found->ref == ref);
    CHECK(found->visited == aaa);
    CHECK(found->amount == units(50));
    CHECK(found->decided_at == decided);
    CHECK(found->deadline() == found->start_by);
    CHECK(found->station == "ST1");
    CHECK(find_totals(chain.state(), cny)->debits_pending == units(50));
}

TEST_CASE("a denial moves no money and is kept as finished", "[state][authorization]") {
    TestChain chain;
    DecideAuthorization denial;
    denial.visited = aaa;
    denial.station = "ST1";
    denial.currency = cny;
    denial.reason = DenyReason::insufficient_balance;
    CHECK(chain.apply(bbb, denial) == ResultCode::ok);
    const AuthorizationRef ref = chain.last_ref();

    // Nothing live came of it: the tree has the leaf in both sub-logs and nothing else.
    CHECK(chain.tip().changes.size() == 3);
    CHECK(chain.tip().changes.contains(keys::sublog(aaa)));
    CHECK(chain.tip().changes.contains(keys::sublog(bbb)));
    CHECK(chain.tip().changes.contains(keys::finished(ref)));
    CHECK(chain.tip().leaves.size() == 1);
    CHECK_FALSE(find_live_authorization(chain.state(), ref));
    const std::optional<Authorization> found = find_authorization(chain.state(), ref);
    REQUIRE(found);
    CHECK(found->status == AuthorizationStatus::denied);
    CHECK(found->end->deny_reason == DenyReason::insufficient_balance);
    CHECK(account_of(chain, bbb).debits_pending == 0);
}

TEST_CASE("self_roaming: a member does not approve to itself", "[state][authorization]") {
    TestChain chain;
    CHECK(decide_with(chain, [](auto& decision) { decision.visited = bbb; }) ==
          ResultCode::self_roaming);
}

TEST_CASE("unknown_member: the visited operator must be a member", "[state][authorization]") {
    TestChain chain;
    CHECK(decide_with(chain, [](auto& decision) { decision.visited = party("ZZZ"); }) ==
          ResultCode::unknown_member);
}

TEST_CASE("invalid_deadline: start_by lies within the start window", "[state][authorization]") {
    TestChain chain = chain_with_site();
    const UnixMillis block_time = chain.now() + second_ms;
    const UnixMillis window = chain.genesis().parameters.start_window;
    SECTION("not at the block's own time") {
        CHECK(decide_with(chain, [&](auto& decision) { decision.start_by = block_time; }) ==
              ResultCode::invalid_deadline);
    }
    SECTION("one millisecond later is fine") {
        CHECK(decide_with(chain, [&](auto& decision) { decision.start_by = block_time + 1; }) ==
              ResultCode::ok);
    }
    SECTION("the end of the window is fine") {
        CHECK(decide_with(chain, [&](auto& d) { d.start_by = block_time + window; }) ==
              ResultCode::ok);
    }
    SECTION("nothing beyond it") {
        CHECK(decide_with(chain, [&](auto& d) { d.start_by = block_time + window + 1; }) ==
              ResultCode::invalid_deadline);
    }
}

TEST_CASE("no_agreement: both halves must be there and active", "[state][authorization]") {
    SECTION("with the hub there is none") {
        TestChain chain;
        CHECK(decide_with(chain, [](auto& decision) { decision.visited = hub; }) ==
              ResultCode::no_agreement);
    }
    for (const bool home_withdraws : {true, false}) {
        DYNAMIC_SECTION("withdrawn by " << (home_withdraws ? "home" : "visited")) {
            TestChain chain = chain_with_site();
            SetAgreement withdrawn;
            withdrawn.partner = home_withdraws ? aaa : bbb;
            withdrawn.active = false;
            withdrawn.currency = cny;
            CHECK(chain.apply(home_withdraws ? bbb : aaa, withdrawn) == ResultCode::ok);
            CHECK(decide_with(chain, [](auto& /*unchanged*/) {}) == ResultCode::no_agreement);
        }
    }
}

TEST_CASE("currency_mismatch: agreement, tariff and approval name one currency",
          "[state][authorization]") {
    TestChain chain = chain_with_site();
    SECTION("another currency than the agreement's") {
        CHECK(decide_with(chain, [](auto& d) { d.currency = currency("EUR"); }) ==
              ResultCode::currency_mismatch);
    }
    SECTION("halves of two currencies") {
        SetAgreement half;
        half.partner = aaa;
        half.currency = currency("EUR");
        CHECK(chain.apply(bbb, half) == ResultCode::ok);
        CHECK(decide_with(chain, [](auto& /*unchanged*/) {}) == ResultCode::currency_mismatch);
    }
    SECTION("a tariff in another currency") {
        PublishTariff publish;
        publish.ref = {"eur", 1};
        publish.tariff = day_tariff(currency("EUR"), {{0, 1, 1}});
        CHECK(chain.apply(aaa, publish) == ResultCode::ok);
        CHECK(decide_with(chain, [](auto& d) {
                  d.tariffs.push_back({"eur", 1});
              }) == ResultCode::currency_mismatch);
    }
}

TEST_CASE("unknown_tariff: every tariff is a published version of the visited operator's",
          "[state][authorization]") {
    TestChain chain = chain_with_site();
    CHECK(decide_with(chain, [](auto& d) {
              d.tariffs = {{"std", 2}};
          }) == ResultCode::unknown_tariff);
    CHECK(decide_with(chain, [](auto& d) {
              d.tariffs = {{"std", 1}, {"none", 1}};
          }) == ResultCode::unknown_tariff);
}

TEST_CASE("tariff_not_offered: the visited operator's half may name the tariffs",
          "[state][authorization]") {
    TestChain chain = chain_with_site();
    SetAgreement half;
    half.partner = bbb;
    half.currency = cny;
    half.tariffs_offered = {"night"};
    CHECK(chain.apply(aaa, half) == ResultCode::ok);
    CHECK(decide_with(chain, [](auto& /*unchanged*/) {}) == ResultCode::tariff_not_offered);
    half.tariffs_offered = {"night", "std"};
    CHECK(chain.apply(aaa, half) == ResultCode::ok);
    CHECK(decide_with(chain, [](auto& /*unchanged*/) {}) == ResultCode::ok);
}

TEST_CASE("unknown_charger: the station must be the visited operator's", "[state][authorization]") {
    TestChain chain = chain_with_site();
    CHECK(decide_with(chain, [](auto& d) { d.station = "ST"; }) == ResultCode::unknown_charger);
    CHECK(decide_with(chain, [](auto& d) { d.station = "ST10"; }) == ResultCode::unknown_charger);
}

TEST_CASE("below_minimum: the scheme has a smallest approval", "[state][authorization]") {
    TestChain chain = chain_with_site();
    CHECK(decide_with(chain, [](auto& d) { d.amount = units(1) - 1; }) ==
          ResultCode::below_minimum);
    CHECK(decide_with(chain, [](auto& d) { d.amount = units(1); }) == ResultCode::ok);
}

TEST_CASE("limit_exceeded: no debit beyond the member's limit", "[state][authorization]") {
    TestChain chain = chain_with_site();
    CHECK(decide_with(chain, [](auto& d) { d.amount = units(10'000) + 1; }) ==
          ResultCode::limit_exceeded);
    CHECK(decide_with(chain, [](auto& d) { d.amount = units(9'999); }) == ResultCode::ok);
    CHECK(decide_with(chain, [](auto& d) { d.amount = units(1) + 1; }) ==
          ResultCode::limit_exceeded);
    CHECK(decide_with(chain, [](auto& d) { d.amount = units(1); }) == ResultCode::ok);
    CHECK(decide_with(chain, [](auto& d) { d.amount = units(1); }) == ResultCode::limit_exceeded);
}

TEST_CASE("exposure_exceeded: each half's cap binds", "[state][authorization]") {
    for (const bool cap_of_home : {true, false}) {
        DYNAMIC_SECTION("cap of " << (cap_of_home ? "home" : "visited")) {
            TestChain chain = chain_with_site();
            SetAgreement half;
            half.partner = cap_of_home ? aaa : bbb;
            half.currency = cny;
            half.exposure_cap = units(60);
            CHECK(chain.apply(cap_of_home ? bbb : aaa, half) == ResultCode::ok);
            CHECK(decide_with(chain, [](auto& /*unchanged*/) {}) == ResultCode::ok);
            CHECK(decide_with(chain, [](auto& d) { d.amount = units(10) + 1; }) ==
                  ResultCode::exposure_exceeded);
            CHECK(decide_with(chain, [](auto& d) { d.amount = units(10); }) == ResultCode::ok);
        }
    }
}

TEST_CASE("member_suspended: no new approvals or starts", "[state][authorization]") {
    for (const PartyId& suspended : {aaa, bbb}) {
        DYNAMIC_SECTION("suspended " << to_text(suspended)) {
            TestChain chain = chain_with_site();
            const AuthorizationRef open = chain.approve(bbb, aaa, units(5));
            MemberRecord record = *find_member(chain.state(), suspended);
            record.suspended = true;
            // Suspending comes with a later action; the rule is tested on a state that has it.
            WriteBatch batch;
            Bytes key{static_cast<std::uint8_t>(Table::member)};
            append(key, suspended.view());
            batch.put(key, encode(record));
            REQUIRE(chain.base().write(batch, true));
            CHECK(decide_with(chain, [](auto& /*unchanged*/) {}) == ResultCode::member_suspended);
            CHECK(chain.apply(aaa, StartCharge{open, "AAA*1", {"std", 1}}) ==
                  ResultCode::member_suspended);
            CHECK(chain.apply(aaa, ReleaseAuthorization{open}) == ResultCode::ok);
        }
    }
}

TEST_CASE("id_in_use: an open authorization keeps its id beyond the window",
          "[state][authorization]") {
    TestChain chain = chain_with_site();
    DecideAuthorization decision = chain.approval(aaa, units(5));
    decision.start_by = chain.now() + 200 * second_ms;
    CHECK(chain.apply(bbb, decision) == ResultCode::ok);
    const AuthorizationRef ref = chain.last_ref();
    chain.pass(150 * second_ms);  // The window has forgotten the id; the state has not.
    Transaction again{ref.id, chain.now() + 10 * second_ms, chain.approval(aaa, units(7))};
    const ExecutedBlock& block =
        chain.add_block(chain.now() + second_ms, {make_envelope(chain.chain_id(), bbb, {again})});
    CHECK(block.results.front() == ResultCode::id_in_use);
    CHECK(find_live_authorization(chain.state(), ref)->amount == units(5));
}

TEST_CASE("the visited operator may release before the record", "[state][release]") {
    TestChain chain = chain_with_site();
    const bool started = GENERATE(false, true);
    const AuthorizationRef ref =
        started ? chain.approve_and_start(bbb, aaa, units(50)) : chain.approve(bbb, aaa, units(50));
    CHECK(chain.apply(aaa, ReleaseAuthorization{ref}) == ResultCode::ok);
    CHECK(account_of(chain, bbb).debits_pending == 0);
    CHECK(account_of(chain, bbb).debits_posted == 0);
    CHECK(find_authorization(chain.state(), ref)->status == AuthorizationStatus::released);
    CHECK_FALSE(find_live_authorization(chain.state(), ref));
    CHECK_FALSE(find_charger(chain.state(), aaa, "AAA*1")->busy);
    CHECK(chain.apply(aaa, ReleaseAuthorization{ref}) == ResultCode::unknown_authorization);
}

TEST_CASE("the home operator may release only an unstarted approval of 120 s or more",
          "[state][release]") {
    TestChain chain = chain_with_site();
    DecideAuthorization decision = chain.approval(aaa, units(5));
    decision.start_by = chain.now() + 300 * second_ms;
    CHECK(chain.apply(bbb, decision) == ResultCode::ok);
    const AuthorizationRef ref = chain.last_ref();
    SECTION("too_early until then") {
        CHECK(chain.apply(bbb, ReleaseAuthorization{ref}, 120 * second_ms - 1) ==
              ResultCode::too_early);
    }
    SECTION("from then on") {
        CHECK(chain.apply(bbb, ReleaseAuthorization{ref}, 120 * second_ms) == ResultCode::ok);
    }
    SECTION("wrong_status once the charge has started") {
        CHECK(chain.apply(aaa, StartCharge{ref, "AAA*1", {"std", 1}}) == ResultCode::ok);
        CHECK(chain.apply(bbb, ReleaseAuthorization{ref}, 130 * second_ms) ==
              ResultCode::wrong_status);
    }
}

TEST_CASE("not_permitted: nobody else releases", "[state][release]") {
    TestChain chain = chain_with_site();
    const AuthorizationRef ref = chain.approve(bbb, aaa, units(5));
    CHECK(chain.apply(ccc, ReleaseAuthorization{ref}) == ResultCode::not_permitted);
    CHECK(chain.apply(hub, ReleaseAuthorization{ref}) == ResultCode::not_permitted);
}

TEST_CASE("wrong_status: a recorded charge is not released", "[state][release]") {
    TestChain chain = chain_with_site();
    const AuthorizationRef ref = chain.charge_until_recorded(bbb, aaa, 1000);
    CHECK(chain.apply(aaa, ReleaseAuthorization{ref}) == ResultCode::wrong_status);
    CHECK(chain.apply(bbb, ReleaseAuthorization{ref}) == ResultCode::wrong_status);
}

TEST_CASE("a start fixes EVSE and tariff and sets record_by", "[state][start]") {
    TestChain chain = chain_with_site();
    const AuthorizationRef ref = chain.approve_and_start(bbb, aaa, units(50));
    const std::optional<Authorization> found = find_authorization(chain.state(), ref);
    REQUIRE(found);
    CHECK(found->status == AuthorizationStatus::started);
    REQUIRE(found->start);
    CHECK(found->start->evse_id == "AAA*1");
    CHECK(found->start->tariff == TariffRef{"std", 1});
    CHECK(found->start->started_at == chain.now());
    CHECK(found->deadline() == chain.now() + chain.genesis().parameters.record_window);
    CHECK(find_charger(chain.state(), aaa, "AAA*1")->busy == ref);
    CHECK(account_of(chain, bbb).debits_pending == units(50));
}

TEST_CASE("conditions of a start", "[state][start]") {
    TestChain chain = chain_with_site();
    const AuthorizationRef ref = chain.approve(bbb, aaa, units(50));
    const StartCharge start{ref, "AAA*1", {"std", 1}};
    SECTION("unknown_authorization") {
        StartCharge other = start;
        other.authorization.signer = ccc;
        CHECK(chain.apply(aaa, other) == ResultCode::unknown_authorization);
    }
    SECTION("not_visited") {
        CHECK(chain.apply(bbb, start) == ResultCode::not_visited);
        CHECK(chain.apply(ccc, start) == ResultCode::not_visited);
    }
    SECTION("wrong_status when started twice") {
        CHECK(chain.apply(aaa, start) == ResultCode::ok);
        CHECK(chain.apply(aaa, start) == ResultCode::wrong_status);
    }
    SECTION("unknown_charger") {
        StartCharge other = start;
        other.evse_id = "AAA*9";
        CHECK(chain.apply(aaa, other) == ResultCode::unknown_charger);
    }
    SECTION("wrong_station") {
        RegisterCharger charger;
        charger.evse_id = "AAA*3";
        charger.station = "ST2";
        charger.bridge_id = "bridge-1";
        charger.rated_power_w = 7'000;
        charger.meter_serial = "M3";
        CHECK(chain.apply(aaa, charger) == ResultCode::ok);
        StartCharge other = start;
        other.evse_id = "AAA*3";
        CHECK(chain.apply(aaa, other) == ResultCode::wrong_station);
    }
    SECTION("tariff_not_offered when not among those approved") {
        PublishTariff publish;
        publish.ref = {"std", 2};
        publish.tariff = day_tariff(cny, {{0, 1, 1}});
        CHECK(chain.apply(aaa, publish) == ResultCode::ok);
        StartCharge other = start;
        other.tariff = {"std", 2};
        CHECK(chain.apply(aaa, other) == ResultCode::tariff_not_offered);
    }
    SECTION("evse_busy until the first charge is recorded") {
        const AuthorizationRef first = chain.approve_and_start(ccc, aaa, units(5));
        CHECK(chain.apply(aaa, start) == ResultCode::evse_busy);
        CHECK(chain.apply(aaa, chain.record(first, 100)) == ResultCode::ok);
        CHECK(chain.apply(aaa, start) == ResultCode::ok);
    }
    SECTION("the other connector is free") {
        chain.approve_and_start(ccc, aaa, units(5));
        StartCharge other = start;
        other.evse_id = "AAA*2";
        CHECK(chain.apply(aaa, other) == ResultCode::ok);
    }
}

TEST_CASE("start_by is the last block time at which a charge may start", "[state][start]") {
    TestChain chain = chain_with_site();
    const AuthorizationRef ref = chain.approve(bbb, aaa, units(50));
    const UnixMillis start_by = find_live_authorization(chain.state(), ref)->start_by;
    const StartCharge start{ref, "AAA*1", {"std", 1}};
    SECTION("at start_by") {
        CHECK(chain.apply(aaa, start, start_by - chain.now()) == ResultCode::ok);
    }
    SECTION("after it the sweep was there first") {
        CHECK(chain.apply(aaa, start, start_by - chain.now() + 1) ==
              ResultCode::unknown_authorization);
    }
}

}  // namespace tally::test
