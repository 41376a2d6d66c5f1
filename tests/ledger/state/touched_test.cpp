// Whose sub-logs a leaf goes into: for every kind of action and event, and whatever the result is.

#include "ledger/state/touched.h"

#include "ledger/crypto/merkle.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/epochs.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId hub = party("HUB");
const Currency cny = currency("CNY");

using Parties = std::set<PartyId>;

Parties parties_of(const SublogAdditions& added) {
    Parties parties;
    for (const auto& [party, entries] : added) {
        parties.insert(party);
    }
    return parties;
}

/// A charge of BBB at AAA that is recorded, a limit of CCC that waits for the hub, a change of CCC
/// that AAA proposed.
struct Busy {
    TestChain chain{make_genesis(), {aaa}};
    AuthorizationRef charge;
    TransactionRef limit;
    TransactionRef proposal;

    Busy() {
        charge = chain.charge_until_recorded(bbb, aaa, 12'000);
        REQUIRE(chain.apply(ccc, SetLimit{ccc, cny, units(7)}) == ResultCode::ok);
        limit = chain.last_ref();
        ProposeChange change;
        change.kind = ChangeKind::suspend;
        change.member = ccc;
        REQUIRE(chain.apply(aaa, change) == ResultCode::ok);
        proposal = chain.last_ref();
    }

    /// Whom the leaf of a transaction touches, right or wrong.
    Parties touched(const PartyId& signer, const Action& action) {
        static_cast<void>(chain.apply(signer, action));
        return parties_of(chain.tip().sublogs);
    }
    [[nodiscard]] RatedCharge rated() const {
        RatedCharge rated;
        rated.metered = chain.record(charge, 5'000).metered;
        rated.tariff = {"std", 1};
        rated.currency = cny;
        return rated;
    }
    [[nodiscard]] SubmitEvidence evidence_against(const PartyId& offender) const {
        const std::vector<Validator> set = find_epoch(chain.state()).validators;
        const auto at = std::find_if(set.begin(), set.end(), [&](const Validator& validator) {
            return validator.party == offender;
        });
        SubmitEvidence evidence;
        evidence.signer = static_cast<std::uint32_t>(at - set.begin());
        evidence.first = {0, VoteKind::notarize, 7, 6, sha256(as_bytes("one"))};
        evidence.second = {0, VoteKind::notarize, 7, 6, sha256(as_bytes("two"))};
        return evidence;
    }
};

struct Case {
    PartyId signer;
    Action action;
    Parties touched;
};

/// One of every kind.
std::vector<Case> every_kind(const Busy& busy) {
    RegisterBridge bridge;
    bridge.bridge_id = "bridge-2";
    bridge.public_key = public_key_of(secret_of("AAA/bridge-2"));
    RegisterCharger charger;
    charger.evse_id = TestChain::evse(aaa, 1);
    charger.station = "ST9";
    charger.bridge_id = "bridge-1";
    charger.rated_power_w = 60'000;
    charger.meter_serial = "M9";
    PublishTariff tariff;
    tariff.ref = {"std", 2};
    tariff.tariff = *find_tariff(busy.chain.state(), aaa, {"std", 1});
    ProposeChange change;
    change.member = bbb;
    change.kind = ChangeKind::suspend;
    ProposeChange payment;
    payment.kind = ChangeKind::confirm_leg;
    payment.leg = LegKey{3, cny, bbb, ccc};
    const Transaction recording{{}, 0, busy.chain.record(busy.charge, 5'000)};
    return {
        {aaa, payment, {aaa, bbb, ccc}},
        {aaa, SetAgreement{ccc, true, cny, {}, 0}, {aaa, ccc}},
        {aaa, bridge, {aaa}},
        {aaa, charger, {aaa}},
        {aaa, tariff, {aaa}},
        {hub, SetLimit{bbb, cny, units(1)}, {hub, bbb}},
        {hub, Countersign{busy.limit, {}}, {hub, ccc}},
        {bbb, busy.chain.approval(aaa, units(20)), {bbb, aaa}},
        {ccc, ReleaseAuthorization{busy.charge}, {ccc, aaa, bbb}},
        {aaa, StartCharge{busy.charge, TestChain::evse(aaa, 1), {"std", 1}}, {aaa, bbb}},
        {aaa, recording.action, {aaa, bbb}},
        {ccc, SettleCharge{busy.charge, 1}, {ccc, aaa, bbb}},
        {aaa, ClaimCharge{busy.charge}, {aaa, bbb}},
        {hub, AdmitFollower{make_follower("DDD")}, {hub, party("DDD")}},
        {aaa, change, {aaa, bbb}},
        {hub, VoteOnChange{busy.proposal, true}, {hub, aaa, ccc}},
        {bbb, RotateKey{KeyRole::member, public_key_of(secret_of("BBB/member-1"))}, {bbb}},
        {bbb, ReportReady{}, {bbb}},
        {aaa, busy.evidence_against(ccc), {aaa, ccc}},
        {aaa, RevokeBridge{"bridge-1"}, {aaa}},
        {bbb, OpenDispute{busy.charge, units(2), DisputeReason::price, {}}, {bbb, aaa}},
        {aaa, AcceptDispute{busy.charge}, {aaa, bbb}},
        {hub, Arbitrate{busy.charge, 0, {}}, {hub, aaa, bbb}},
        {aaa, LateCharge{busy.rated()}, {aaa, bbb}},
        {aaa, CreditCharge{busy.charge, busy.charge, cny, 2, 1, {}}, {aaa, bbb}},
        {aaa, RebillCharge{busy.charge, busy.rated()}, {aaa, bbb}},
        {aaa, ConfirmPayment{0, cny, ccc, "statement 7/2"}, {aaa, ccc}},
    };
}

}  // namespace

TEST_CASE("every kind of action touches its signer and those that it is about", "[state][sublog]") {
    std::set<std::size_t> kinds;
    const std::size_t cases = every_kind(Busy{}).size();
    for (std::size_t i = 0; i < cases; ++i) {
        Busy busy;
        const Case one = every_kind(busy)[i];
        INFO(action_name(one.action));
        CHECK(busy.touched(one.signer, one.action) == one.touched);
        kinds.insert(one.action.index());
    }
    CHECK(kinds.size() == std::variant_size_v<Action>);
}

TEST_CASE("a transaction that is refused touches the same as one that is not", "[state][sublog]") {
    Busy busy;
    const SettleCharge settle{busy.charge, units(18)};
    SECTION("by somebody else, who is named too") {
        CHECK(busy.chain.apply(ccc, settle) == ResultCode::not_home);
        CHECK(parties_of(busy.chain.tip().sublogs) == Parties{aaa, bbb, ccc});
    }
    SECTION("after it has been done: the visited operator is known no more") {
        CHECK(busy.chain.apply(bbb, settle) == ResultCode::ok);
        CHECK(parties_of(busy.chain.tip().sublogs) == Parties{aaa, bbb});
        CHECK(busy.chain.apply(bbb, settle) == ResultCode::unknown_authorization);
        CHECK(parties_of(busy.chain.tip().sublogs) == Parties{bbb});
    }
}

TEST_CASE("a repetition touches its signer alone", "[state][sublog]") {
    Busy busy;
    TestChain& chain = busy.chain;
    const Transaction settle = chain.transaction(bbb, SettleCharge{busy.charge, units(18)});
    const Transaction bridge = chain.transaction(bbb, RevokeBridge{"none"});
    chain.add_block(chain.now() + second_ms, {chain.envelope(bbb, {settle})});
    CHECK(parties_of(chain.tip().sublogs) == Parties{aaa, bbb});
    const ExecutedBlock& again =
        chain.add_block(chain.now() + second_ms, {chain.envelope(bbb, {settle, bridge})});
    REQUIRE(again.results.front() == ResultCode::exists);
    CHECK(parties_of(again.sublogs) == Parties{bbb});
}

TEST_CASE("who is no member has no sub-log, and gets one when admitted", "[state][sublog]") {
    TestChain chain;
    const PartyId ddd = party("DDD");
    CHECK(chain.apply(aaa, SetAgreement{ddd, true, cny, {}, 0}) == ResultCode::unknown_member);
    CHECK(parties_of(chain.tip().sublogs) == Parties{aaa});
    CHECK(find_sublog(chain.state(), ddd).log.size() == 0);
    CHECK(chain.apply(hub, AdmitFollower{make_follower("DDD")}) == ResultCode::ok);
    CHECK(find_sublog(chain.state(), ddd).log.size() == 1);
}

TEST_CASE("what expires touches those whom it was about", "[state][sublog]") {
    SECTION("an authorization: debtor and creditor") {
        TestChain chain{make_genesis(), {aaa}};
        chain.approve(bbb, aaa, units(20));
        REQUIRE(chain.pass(hour_ms).events.size() == 1);
        CHECK(parties_of(chain.tip().sublogs) == Parties{aaa, bbb});
    }
    SECTION("a limit that waits, and a proposal: who began it and whom it is about") {
        Busy busy;
        const Parameters parameters = busy.chain.genesis().parameters;
        // The charge is claimed in time, so that it does not expire here too.
        busy.chain.pass(parameters.settle_window + second_ms);
        REQUIRE(busy.chain.apply(aaa, ClaimCharge{busy.charge}) == ResultCode::ok);
        busy.chain.pass(parameters.countersign_window + second_ms);
        REQUIRE(busy.chain.tip().events.size() == 2);
        const SublogAdditions& added = busy.chain.tip().sublogs;
        CHECK(parties_of(added) == Parties{aaa, ccc});
        CHECK(added.at(aaa).leaves.size() == 1);
        CHECK(added.at(ccc).leaves.size() == 2);
    }
    SECTION("a correction: home and visited operator") {
        Genesis genesis = make_genesis();
        genesis.parameters.correction_window = genesis.parameters.cycle_length / 2;
        TestChain chain{genesis, {aaa}};
        const AuthorizationRef charge = chain.charge_until_recorded(bbb, aaa, 12'000);
        const TransactionRef recorded = chain.last_ref();
        REQUIRE(chain.apply(bbb, SettleCharge{charge, units(18)}) == ResultCode::ok);
        REQUIRE(chain.apply(aaa, CreditCharge{charge, recorded, cny, units(18), units(3), {}}) ==
                ResultCode::ok);
        const Countersign second{chain.last_ref(), chain.tip().leaves.front().hash};
        REQUIRE(chain.apply(bbb, second) == ResultCode::ok);
        chain.pass(genesis.parameters.correction_window + second_ms);
        REQUIRE(chain.tip().events.size() == 1);
        REQUIRE(chain.tip().events.front().cause == ExpiryCause::correction_over);
        CHECK(parties_of(chain.tip().sublogs) == Parties{aaa, bbb});
    }
}

TEST_CASE("netting touches everybody with a figure", "[state][sublog]") {
    Genesis genesis = make_genesis();
    genesis.parameters.payment_window = genesis.parameters.cycle_length / 2;
    TestChain chain{genesis, {aaa}};
    const AuthorizationRef charge = chain.charge_until_recorded(bbb, aaa, 12'000);
    REQUIRE(chain.apply(bbb, SettleCharge{charge, units(18)}) == ResultCode::ok);
    chain.pass(genesis.parameters.cycle_length);
    REQUIRE(chain.tip().events.size() == 1);
    REQUIRE(chain.tip().events.front().kind == EventKind::cycle_closed);
    CHECK(parties_of(chain.tip().sublogs) == Parties{aaa, bbb});

    chain.pass(genesis.parameters.payment_window + second_ms);
    chain.pass(second_ms);
    REQUIRE(chain.tip().events.size() == 1);
    REQUIRE(chain.tip().events.front().kind == EventKind::leg_defaulted);
    CHECK(parties_of(chain.tip().sublogs) == Parties{aaa, bbb});
}

TEST_CASE("the seal of an epoch touches the validators of the next", "[state][sublog]") {
    TestChain chain;
    REQUIRE(chain.apply(
                aaa, RotateKey{KeyRole::consensus, public_key_of(secret_of("AAA/consensus-1"))}) ==
            ResultCode::ok);
    chain.change_epoch();
    REQUIRE(chain.tip().events.back().kind == EventKind::epoch_sealed);
    CHECK(parties_of(chain.tip().sublogs) == Parties{aaa, bbb, ccc, hub});
}

TEST_CASE("a sub-log is the RFC 9162 tree over the leaves that touch its member",
          "[state][sublog]") {
    TestChain chain;
    std::map<PartyId, std::vector<Hash>> expected;
    const auto apply = [&](const PartyId& signer, const Action& action, const Parties& touched) {
        static_cast<void>(chain.apply(signer, action));
        REQUIRE(chain.tip().leaves.size() == 1);
        for (const PartyId& party : touched) {
            expected[party].push_back(chain.tip().leaves.front().leaf_hash());
        }
    };
    for (int i = 0; i < 7; ++i) {
        apply(aaa, RevokeBridge{"bridge-" + std::to_string(i)}, {aaa});
        apply(bbb, SetAgreement{aaa, true, cny, {}, i}, {aaa, bbb});
        apply(hub, SetLimit{bbb, cny, i}, {hub, bbb});
        apply(bbb, Countersign{chain.last_ref(), chain.tip().leaves.front().hash}, {hub, bbb});
    }
    REQUIRE(expected.size() == 3);
    for (const auto& [party, leaves] : expected) {
        const SublogRecord record = find_sublog(chain.state(), party);
        CHECK(record.log.size() == leaves.size());
        CHECK(record.log.root() == merkle_root(leaves));
    }
    CHECK(expected[bbb].size() == 21);
    CHECK(find_sublog(chain.state(), ccc) == SublogRecord{});
    CHECK_FALSE(chain.state().get(Bytes{0x11, 'C', 'C', 'C'}));
    CHECK(chain.state().get(Bytes{0x11, 'B', 'B', 'B'}));
}

TEST_CASE("leaves of one block go into a sub-log in the order of the log", "[state][sublog]") {
    TestChain chain;
    std::vector<Transaction> transactions;
    for (int i = 0; i < 5; ++i) {
        transactions.push_back(chain.transaction(aaa, RevokeBridge{"b" + std::to_string(i)}));
    }
    const ExecutedBlock& block =
        chain.add_block(chain.now() + second_ms, {chain.envelope(aaa, transactions)});
    CHECK(block.sublogs.at(aaa) == SublogEntries{0, {0, 1, 2, 3, 4}});
    chain.add_block(chain.now() + second_ms,
                    {chain.envelope(bbb, {chain.transaction(bbb, RevokeBridge{"b"})}),
                     chain.envelope(aaa, {chain.transaction(aaa, RevokeBridge{"c"})})});
    CHECK(chain.tip().sublogs.at(bbb) == SublogEntries{0, {5}});
    CHECK(chain.tip().sublogs.at(aaa) == SublogEntries{5, {6}});
}

TEST_CASE("a sub-log's record survives its encoding and nothing else", "[state][sublog]") {
    SublogRecord record;
    for (int i = 0; i < 11; ++i) {
        record.log.append(sha256(as_bytes("leaf " + std::to_string(i))));
    }
    const Bytes bytes = encode(record);
    CHECK(bytes.size() == 1 + 8 + 3 * 32);
    CHECK(decode_record<SublogRecord>(bytes) == record);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(decode_record<SublogRecord>(ByteView{bytes}.first(length)));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode_record<SublogRecord>(longer));
    Bytes other_version = bytes;
    other_version[0] = 2;
    CHECK_FALSE(decode_record<SublogRecord>(other_version));
    Bytes other_count = bytes;
    other_count[8] = 7;  // Also three subtrees, so it decodes: as another log.
    REQUIRE(decode_record<SublogRecord>(other_count));
    CHECK(decode_record<SublogRecord>(other_count) != record);
    other_count[8] = 8;
    CHECK_FALSE(decode_record<SublogRecord>(other_count));
    CHECK_FALSE(decode_record<SublogRecord>(encode(SublogRecord{})));
}

}  // namespace tally::test
