// Who is a member, who is to vote, and with which keys: every rule and every refusal.

#include "ledger/crypto/sha256.h"
#include "ledger/state/epochs.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId ddd = party("DDD");
const PartyId hub = party("HUB");

PublicKey public_of(const std::string& name) { return public_key_of(secret_of(name)); }

ProposeChange change(ChangeKind kind, const PartyId& member) {
    ProposeChange proposal;
    proposal.kind = kind;
    proposal.member = member;
    return proposal;
}

ProposeChange new_parameters(const Parameters& parameters) {
    ProposeChange proposal;
    proposal.kind = ChangeKind::set_parameters;
    proposal.parameters = parameters;
    return proposal;
}

Member member_of(const TestChain& chain, const PartyId& party) {
    return find_member(chain.state(), party)->member;
}

/// Proposed by AAA; `voters` approve one after the other.
TransactionRef decide(TestChain& chain, const ProposeChange& proposal,
                      const std::vector<PartyId>& voters = {bbb, ccc, hub}) {
    REQUIRE(chain.apply(aaa, proposal) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    for (const PartyId& voter : voters) {
        REQUIRE(chain.apply(voter, VoteOnChange{ref, true}) == ResultCode::ok);
    }
    return ref;
}

void admit_ddd(TestChain& chain) {
    REQUIRE(chain.apply(hub, AdmitFollower{make_follower("DDD")}) == ResultCode::ok);
}

}  // namespace

TEST_CASE("an admitted follower is a member at once and has no vote", "[state][membership]") {
    TestChain chain;
    admit_ddd(chain);
    CHECK(member_of(chain, ddd) == make_follower("DDD"));
    CHECK(wanted_validators(chain.state()).size() == 4);
    CHECK(find_epoch(chain.state()).admissions == 1);
    SetAgreement half;
    half.partner = aaa;
    half.currency = currency("CNY");
    CHECK(chain.apply(ddd, half) == ResultCode::ok);
    REQUIRE(chain.apply(aaa, change(ChangeKind::suspend, bbb)) == ResultCode::ok);
    CHECK(chain.apply(ddd, VoteOnChange{chain.last_ref(), true}) == ResultCode::not_validator);
}

TEST_CASE("only the hub admits, only strangers, only with keys of their own",
          "[state][membership]") {
    TestChain chain;
    CHECK(chain.apply(aaa, AdmitFollower{make_follower("DDD")}) == ResultCode::not_permitted);
    AdmitFollower again{make_follower("AAA")};
    CHECK(chain.apply(hub, again) == ResultCode::already_member);
    for (const KeyRole role : {KeyRole::member, KeyRole::consensus, KeyRole::link}) {
        for (const char* owned : {"BBB/member", "BBB/consensus", "BBB/link"}) {
            AdmitFollower thief{make_follower("DDD")};
            thief.member.set_key(role, public_of(owned));
            CHECK(chain.apply(hub, thief) == ResultCode::key_in_use);
        }
    }
    SECTION("also not one that a validator is only about to give up") {
        REQUIRE(chain.apply(bbb, RotateKey{KeyRole::consensus, public_of("BBB/consensus-1")}) ==
                ResultCode::ok);
        AdmitFollower thief{make_follower("DDD")};
        thief.member.consensus_key = public_of("BBB/consensus");
        CHECK(chain.apply(hub, thief) == ResultCode::key_in_use);
        chain.change_epoch();
        CHECK(chain.apply(hub, thief) == ResultCode::bad_possession);  // it is still BBB's secret
        thief.possessions[1] =
            sign_digest(secret_of("BBB/consensus"),
                        key_possession_digest(chain.chain_id(), ddd, KeyRole::consensus,
                                              thief.member.consensus_key));
        CHECK(chain.apply(hub, thief) == ResultCode::ok);
    }
}

TEST_CASE("an epoch admits so many and no more", "[state][membership]") {
    Genesis genesis = make_genesis();
    genesis.parameters.admissions_per_epoch = 2;
    genesis.parameters.epoch_blocks_max = 10;
    TestChain chain{genesis};
    CHECK(chain.apply(hub, AdmitFollower{make_follower("DDD")}) == ResultCode::ok);
    CHECK(chain.apply(hub, AdmitFollower{make_follower("EEE")}) == ResultCode::ok);
    CHECK(chain.apply(hub, AdmitFollower{make_follower("FFF")}) == ResultCode::admissions_full);
    while (find_epoch(chain.state()).epoch == 0) {
        chain.pass(second_ms);
    }
    CHECK(chain.apply(hub, AdmitFollower{make_follower("FFF")}) == ResultCode::ok);
}

TEST_CASE("there are so many members and no more", "[state][membership]") {
    Genesis genesis = make_genesis();
    genesis.parameters.admissions_per_epoch = 256;
    TestChain chain{genesis};
    std::vector<Transaction> admissions;
    for (std::size_t i = 0; genesis.members.size() + i <= members_max; ++i) {
        const std::string name{'Q', static_cast<char>('A' + i / 26),
                               static_cast<char>('A' + i % 26)};
        admissions.push_back(chain.transaction(hub, AdmitFollower{make_follower(name.c_str())}));
    }
    const ExecutedBlock& block =
        chain.add_block(chain.now() + second_ms, {chain.envelope(hub, admissions)});
    CHECK(block.results.front() == ResultCode::ok);
    CHECK(block.results[members_max - genesis.members.size() - 1] == ResultCode::ok);
    CHECK(block.results.back() == ResultCode::admissions_full);
    CHECK(list_members(chain.state()).size() == members_max);
}

TEST_CASE("a change needs more than two thirds of the validators and the hub",
          "[state][membership]") {
    TestChain chain;
    admit_ddd(chain);
    SECTION("validators without the hub are not enough") {
        const TransactionRef ref = decide(chain, change(ChangeKind::promote, ddd), {bbb, ccc});
        CHECK_FALSE(member_of(chain, ddd).validator);
        CHECK(chain.apply(hub, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK(member_of(chain, ddd).validator);
        CHECK_FALSE(find_proposal(chain.state(), ref));
    }
    SECTION("the hub and half of the validators are not enough") {
        const TransactionRef ref = decide(chain, change(ChangeKind::promote, ddd), {hub});
        CHECK_FALSE(member_of(chain, ddd).validator);
        CHECK(chain.apply(bbb, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK(member_of(chain, ddd).validator);
    }
    SECTION("a follower may propose but has no vote") {
        REQUIRE(chain.apply(ddd, change(ChangeKind::promote, ddd)) == ResultCode::ok);
        const TransactionRef ref = chain.last_ref();
        CHECK(find_proposal(chain.state(), ref)->approvals.empty());
        REQUIRE(chain.apply(hub, VoteOnChange{ref, true}) == ResultCode::ok);
        REQUIRE(chain.apply(aaa, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK_FALSE(member_of(chain, ddd).validator);
        REQUIRE(chain.apply(bbb, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK(member_of(chain, ddd).validator);
    }
}

TEST_CASE("a lone validator that is the hub decides by proposing", "[state][membership]") {
    Genesis genesis = make_genesis();
    for (Member& member : genesis.members) {
        member.validator = member.role == MemberRole::hub;
    }
    TestChain chain{genesis};
    CHECK(chain.apply(hub, change(ChangeKind::promote, aaa)) == ResultCode::ok);
    CHECK(member_of(chain, aaa).validator);
    CHECK(list_proposals(chain.state()).empty());
}

TEST_CASE("a change that cannot pass any more is forgotten", "[state][membership]") {
    TestChain chain;
    REQUIRE(chain.apply(aaa, change(ChangeKind::suspend, bbb)) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    SECTION("because the hub refuses") {
        CHECK(chain.apply(hub, VoteOnChange{ref, false}) == ResultCode::ok);
        CHECK_FALSE(find_proposal(chain.state(), ref));
    }
    SECTION("because too many validators refuse") {
        CHECK(chain.apply(bbb, VoteOnChange{ref, false}) == ResultCode::ok);
        CHECK(find_proposal(chain.state(), ref));
        CHECK(chain.apply(ccc, VoteOnChange{ref, false}) == ResultCode::ok);
        CHECK_FALSE(find_proposal(chain.state(), ref));
    }
    CHECK(chain.apply(ccc, VoteOnChange{ref, true}) == ResultCode::unknown_proposal);
    CHECK_FALSE(find_member(chain.state(), bbb)->suspended);
}

TEST_CASE("votes that are refused", "[state][membership]") {
    TestChain chain;
    CHECK(chain.apply(aaa, VoteOnChange{{bbb, {}}, true}) == ResultCode::unknown_proposal);
    REQUIRE(chain.apply(aaa, change(ChangeKind::suspend, bbb)) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    CHECK(chain.apply(aaa, VoteOnChange{ref, true}) == ResultCode::already_voted);
    CHECK(chain.apply(bbb, VoteOnChange{ref, false}) == ResultCode::ok);
    CHECK(chain.apply(bbb, VoteOnChange{ref, true}) == ResultCode::already_voted);
}

TEST_CASE("a change that nobody decides expires", "[state][membership]") {
    TestChain chain;
    REQUIRE(chain.apply(aaa, change(ChangeKind::suspend, bbb)) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    const UnixMillis window = chain.genesis().parameters.countersign_window;
    chain.pass(window);
    CHECK(find_proposal(chain.state(), ref));  // its last moment
    const ExecutedBlock& block = chain.pass(1);
    REQUIRE(block.events.size() == 1);
    CHECK(block.events[0].cause == ExpiryCause::not_decided);
    CHECK(block.events[0].ref == ref);
    CHECK_FALSE(find_proposal(chain.state(), ref));
    CHECK(chain.apply(bbb, VoteOnChange{ref, true}) == ResultCode::unknown_proposal);
}

TEST_CASE("a vote behind the end of a proposal is too late even when the sweep is not there yet",
          "[state][membership]") {
    Genesis genesis = make_genesis();
    genesis.parameters.countersign_window = 60 * second_ms;
    genesis.members.insert(genesis.members.end() - 1, make_follower("DDD"));  // before the hub
    TestChain chain{genesis};
    // Everything expires together, so the first block behind it cannot sweep all.
    std::vector<Bytes> envelopes;
    for (const PartyId& member : {aaa, bbb, ccc, party("DDD")}) {
        std::vector<Transaction> limits;
        for (std::size_t i = 0; i < countersigns_of_member_max; ++i) {
            limits.push_back(
                chain.transaction(member, SetLimit{member, currency("CNY"), units(1)}));
        }
        envelopes.push_back(chain.envelope(member, limits));
    }
    const PartyId proposer = party("HUB");  // last in order
    Transaction proposal = chain.transaction(proposer, change(ChangeKind::suspend, ccc));
    const TransactionRef ref = chain.last_ref();
    envelopes.push_back(chain.envelope(proposer, {proposal}));
    chain.add_block(chain.now() + second_ms, envelopes);
    const ResultCode late = chain.apply(aaa, VoteOnChange{ref, true}, 61 * second_ms);
    CHECK(chain.tip().events.size() == sweep_items_max);
    CHECK(late == ResultCode::too_late);
    chain.pass(second_ms);
    CHECK_FALSE(find_proposal(chain.state(), ref));
}

TEST_CASE("open proposals have room for so many of a member and so many of all",
          "[state][membership]") {
    Genesis genesis = make_genesis();
    for (const char* name : {"DDD", "EEE", "FFF", "GGG", "IAA", "IBB", "ICC"}) {
        genesis.members.push_back(make_follower(name));
    }
    std::sort(genesis.members.begin(), genesis.members.end(),
              [](const Member& left, const Member& right) { return left.party < right.party; });
    TestChain chain{genesis};
    std::size_t open{0};
    for (const Member& member : genesis.members) {
        for (std::size_t i = 0; i < open_proposals_of_member_max && open < open_proposals_max;
             ++i, ++open) {
            REQUIRE(chain.apply(member.party, change(ChangeKind::suspend, ccc)) == ResultCode::ok);
        }
        if (open < open_proposals_max) {
            CHECK(chain.apply(member.party, change(ChangeKind::suspend, ccc)) ==
                  ResultCode::too_many_proposals);
        }
    }
    CHECK(list_proposals(chain.state()).size() == open_proposals_max);
    const PartyId last = genesis.members.back().party;
    CHECK(chain.apply(last, change(ChangeKind::suspend, ccc)) == ResultCode::too_many_proposals);
    const TransactionRef first = list_proposals(chain.state()).front().ref;
    SECTION("keys of the hub have places of their own, one for each member") {
        ProposeChange rescue = change(ChangeKind::replace_keys, hub);
        rescue.member_key = ProvenKey{public_of("HUB/member-1")};
        CHECK(chain.apply(last, rescue) == ResultCode::ok);
        CHECK(chain.apply(last, rescue) == ResultCode::too_many_proposals);
        rescue.member = aaa;
        rescue.member_key = ProvenKey{public_of("AAA/member-1")};
        CHECK(chain.apply(bbb, rescue) == ResultCode::too_many_proposals);
        rescue.member = hub;
        rescue.member_key = ProvenKey{public_of("HUB/member-2")};
        CHECK(chain.apply(aaa, rescue) == ResultCode::ok);
        const TransactionRef ref = chain.last_ref();
        CHECK(list_proposals(chain.state()).size() == open_proposals_max + 2);
        CHECK(chain.apply(bbb, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK(chain.apply(ccc, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK(member_of(chain, hub).member_key == public_of("HUB/member-2"));
    }
    REQUIRE(chain.apply(hub, VoteOnChange{first, false}) ==
            (first.signer == hub ? ResultCode::already_voted : ResultCode::ok));
    CHECK(chain.apply(last, change(ChangeKind::suspend, ccc)) == ResultCode::ok);
}

TEST_CASE("an id that names an open proposal is not used for another", "[state][membership]") {
    TestChain chain;
    REQUIRE(chain.apply(aaa, change(ChangeKind::suspend, bbb)) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    chain.pass(hour_ms);  // beyond the window of ids
    Transaction again = chain.transaction(aaa, change(ChangeKind::suspend, ccc));
    again.id = ref.id;
    const auto& block = chain.add_block(chain.now() + second_ms, {chain.envelope(aaa, {again})});
    CHECK(block.results.front() == ResultCode::id_in_use);
    CHECK(find_proposal(chain.state(), ref)->change.member == bbb);
}

TEST_CASE("a change that would change nothing or cannot be is refused when proposed",
          "[state][membership]") {
    TestChain chain;
    admit_ddd(chain);
    CHECK(chain.apply(aaa, change(ChangeKind::promote, party("YYY"))) ==
          ResultCode::unknown_member);
    CHECK(chain.apply(aaa, change(ChangeKind::promote, bbb)) == ResultCode::nothing_to_change);
    CHECK(chain.apply(aaa, change(ChangeKind::demote, ddd)) == ResultCode::nothing_to_change);
    CHECK(chain.apply(aaa, change(ChangeKind::reinstate, bbb)) == ResultCode::nothing_to_change);
    CHECK(chain.apply(aaa, new_parameters(chain.genesis().parameters)) ==
          ResultCode::nothing_to_change);
    ProposeChange keys = change(ChangeKind::replace_keys, bbb);
    keys.link_key = ProvenKey{public_of("BBB/link")};
    CHECK(chain.apply(aaa, keys) == ResultCode::nothing_to_change);
    keys.consensus_key = ProvenKey{public_of("CCC/member")};
    CHECK(chain.apply(aaa, keys) == ResultCode::key_in_use);
    CHECK(list_proposals(chain.state()).empty());
}

TEST_CASE("the last validator stays one", "[state][membership]") {
    TestChain chain;
    for (const PartyId& leaving : {aaa, bbb, ccc}) {
        decide(chain, change(ChangeKind::demote, leaving));
    }
    CHECK(wanted_validators(chain.state()).size() == 1);
    CHECK(chain.apply(aaa, change(ChangeKind::demote, hub)) == ResultCode::last_validator);
    CHECK(find_epoch(chain.state()).validators.size() == 4);  // until the epoch ends
}

TEST_CASE("there are so many validators and no more", "[state][membership]") {
    Genesis genesis = make_genesis();
    for (std::size_t i = 0; genesis.members.size() < validators_max; ++i) {
        const std::string name{'Q', static_cast<char>('A' + i / 26),
                               static_cast<char>('A' + i % 26)};
        genesis.members.push_back(make_follower(name.c_str()));
        genesis.members.back().validator = true;
    }
    TestChain chain{genesis};
    admit_ddd(chain);
    CHECK(chain.apply(aaa, change(ChangeKind::promote, ddd)) == ResultCode::too_many_validators);
}

TEST_CASE("a change that makes no sense any more when it passes is not made",
          "[state][membership]") {
    TestChain chain;
    REQUIRE(chain.apply(bbb, change(ChangeKind::suspend, ccc)) == ResultCode::ok);
    const TransactionRef second = chain.last_ref();
    decide(chain, change(ChangeKind::suspend, ccc));
    REQUIRE(chain.apply(aaa, VoteOnChange{second, true}) == ResultCode::ok);
    REQUIRE(chain.apply(hub, VoteOnChange{second, true}) == ResultCode::nothing_to_change);
    CHECK(find_proposal(chain.state(), second)->approvals == std::vector<PartyId>{bbb, aaa});
    CHECK(find_member(chain.state(), ccc)->suspended);
}

TEST_CASE("a suspended member starts nothing new, finishes the rest and keeps its vote",
          "[state][membership]") {
    TestChain chain{make_genesis(), {aaa, bbb}};
    const AuthorizationRef started = chain.approve_and_start(bbb, aaa, units(50));
    const AuthorizationRef approved = chain.approve(bbb, aaa, units(50));
    decide(chain, change(ChangeKind::suspend, bbb));
    CHECK(chain.apply(bbb, chain.approval(aaa, units(10))) == ResultCode::member_suspended);
    CHECK(chain.apply(ccc, chain.approval(bbb, units(10))) == ResultCode::member_suspended);
    CHECK(chain.apply(aaa, StartCharge{approved, TestChain::evse(aaa, 2), {"std", 1}}) ==
          ResultCode::member_suspended);
    const RecordCharge record = chain.record(started, 1'000);
    CHECK(chain.apply(aaa, record) == ResultCode::ok);
    CHECK(chain.apply(bbb, SettleCharge{started, record.amount}) == ResultCode::ok);
    REQUIRE(chain.apply(aaa, change(ChangeKind::reinstate, bbb)) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    CHECK(chain.apply(bbb, VoteOnChange{ref, true}) == ResultCode::ok);
    CHECK(chain.apply(ccc, VoteOnChange{ref, true}) == ResultCode::ok);
    CHECK(chain.apply(hub, VoteOnChange{ref, true}) == ResultCode::ok);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(10))) == ResultCode::ok);
}

TEST_CASE("member and link key rotate at once, the consensus key with the epoch",
          "[state][membership]") {
    TestChain chain;
    CHECK(chain.apply(aaa, RotateKey{KeyRole::link, public_of("AAA/link-1")}) == ResultCode::ok);
    CHECK(member_of(chain, aaa).link_key == public_of("AAA/link-1"));
    CHECK(chain.apply(aaa, RotateKey{KeyRole::consensus, public_of("AAA/consensus-1")}) ==
          ResultCode::ok);
    CHECK(member_of(chain, aaa).consensus_key == public_of("AAA/consensus-1"));
    CHECK(find_epoch(chain.state()).validators == validators_of(chain.genesis().members));
    chain.change_epoch();
    CHECK(find_epoch(chain.state()).validators == wanted_validators(chain.state()));
    CHECK(find_epoch(chain.state()).validators != validators_of(chain.genesis().members));

    CHECK(chain.apply(aaa, RotateKey{KeyRole::member, public_of("AAA/member-1")}) ==
          ResultCode::ok);
    const std::vector<Transaction> one{
        chain.transaction(aaa, RotateKey{KeyRole::link, public_of("AAA/link-2")})};
    std::vector<Hash> left_out;
    const auto built = chain.executor().build(
        chain.tip_pointer(), chain.window(), chain.next_context(chain.now() + second_ms),
        {make_envelope(chain.chain_id(), aaa, one), chain.envelope(aaa, one)}, left_out);
    REQUIRE(built);
    CHECK(left_out.size() == 1);  // the one signed by the key that is no longer AAA's
    CHECK(built->results == std::vector<ResultCode>{ResultCode::ok});
}

TEST_CASE("a key that is somebody's or the same is not rotated to", "[state][membership]") {
    TestChain chain;
    for (const KeyRole role : {KeyRole::member, KeyRole::consensus, KeyRole::link}) {
        const std::string name{to_text(role)};
        CHECK(chain.apply(aaa, RotateKey{role, public_of("AAA/" + name)}) ==
              ResultCode::nothing_to_change);
        CHECK(chain.apply(aaa, RotateKey{role, public_of("BBB/link")}) == ResultCode::key_in_use);
    }
    CHECK(chain.apply(aaa, RotateKey{KeyRole::link, public_of("AAA/member")}) == ResultCode::ok);
}

TEST_CASE("a consensus key changes once until an epoch begins with it", "[state][membership]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_max = 30;
    TestChain chain{genesis};
    const auto rotate = [&chain](const PartyId& signer, const char* key) {
        return chain.apply(signer, RotateKey{KeyRole::consensus, public_of(key)});
    };
    CHECK(rotate(aaa, "AAA/consensus-1") == ResultCode::ok);
    CHECK(rotate(aaa, "AAA/consensus-2") == ResultCode::rotation_pending);
    CHECK(rotate(aaa, "AAA/consensus") == ResultCode::rotation_pending);  // nor back
    CHECK(chain.apply(aaa, RotateKey{KeyRole::link, public_of("AAA/link-1")}) == ResultCode::ok);
    CHECK(chain.apply(aaa, RotateKey{KeyRole::link, public_of("AAA/link-2")}) == ResultCode::ok);
    SECTION("not sooner when the epoch ends without it") {
        while (find_epoch(chain.state()).epoch == 0) {
            chain.pass(second_ms);
        }
        CHECK(rotate(aaa, "AAA/consensus-2") == ResultCode::rotation_pending);
        chain.change_epoch();
        CHECK(rotate(aaa, "AAA/consensus-2") == ResultCode::ok);
    }
    SECTION("lost meanwhile, it is replaced by vote") {
        ProposeChange keys = change(ChangeKind::replace_keys, aaa);
        keys.consensus_key = ProvenKey{public_of("AAA/consensus-2")};
        decide(chain, keys);
        CHECK(member_of(chain, aaa).consensus_key == public_of("AAA/consensus-2"));
    }
    SECTION("a promoted member's only when it votes") {
        admit_ddd(chain);
        CHECK(rotate(ddd, "DDD/consensus-1") == ResultCode::ok);
        CHECK(rotate(ddd, "DDD/consensus-2") == ResultCode::ok);
        decide(chain, change(ChangeKind::promote, ddd));
        CHECK(rotate(ddd, "DDD/consensus-3") == ResultCode::rotation_pending);
        chain.change_epoch();
        CHECK(rotate(ddd, "DDD/consensus-3") == ResultCode::ok);
    }
}

TEST_CASE("a key is rotated to only with proof that the signer has its secret",
          "[state][membership]") {
    TestChain chain;
    // BBB is about to use this key; AAA saw it in BBB's transaction and would vote twice with it.
    const PublicKey seen = public_of("BBB/consensus-1");
    const auto sign = [&chain](const PartyId& party, KeyRole role, const char* key) {
        return sign_digest(secret_of(key),
                           key_possession_digest(chain.chain_id(), party, role, public_of(key)));
    };
    RotateKey theft{KeyRole::consensus, seen};
    Signature garbage;
    garbage.data.fill(7);
    for (const Signature& proof :
         {Signature{}, garbage, sign(bbb, KeyRole::consensus, "BBB/consensus-1"),
          sign(aaa, KeyRole::consensus, "AAA/member"),
          sign(aaa, KeyRole::link, "BBB/consensus-1")}) {
        theft.possession = proof;
        CHECK(chain.apply(aaa, theft) == ResultCode::bad_possession);
    }
    CHECK(member_of(chain, aaa).consensus_key == public_of("AAA/consensus"));
    const RotateKey own{KeyRole::consensus, seen, sign(bbb, KeyRole::consensus, "BBB/consensus-1")};
    CHECK(chain.apply(bbb, own) == ResultCode::ok);
    for (const KeyRole role : {KeyRole::member, KeyRole::link}) {
        const std::string key = std::string{"AAA/"} + to_text(role) + "-1";
        CHECK(chain.apply(aaa, RotateKey{role, public_of(key), garbage}) ==
              ResultCode::bad_possession);
        CHECK(chain.apply(aaa, RotateKey{role, public_of(key), sign(aaa, role, key.c_str())}) ==
              ResultCode::ok);
    }
    // Proven on another chain: good for nothing here.
    const Hash other = sha256(as_bytes("another chain"));
    const PublicKey key = public_of("CCC/link-1");
    const Hash digest = key_possession_digest(other, ccc, KeyRole::link, key);
    CHECK(chain.apply(
              ccc, RotateKey{KeyRole::link, key, sign_digest(secret_of("CCC/link-1"), digest)}) ==
          ResultCode::bad_possession);
}

TEST_CASE("the hub admits no keys whose secrets the new member does not have",
          "[state][membership]") {
    TestChain chain;
    const auto sign = [&chain](const PartyId& party, KeyRole role, const char* key) {
        return sign_digest(secret_of(key),
                           key_possession_digest(chain.chain_id(), party, role, public_of(key)));
    };
    Signature garbage;
    garbage.data.fill(7);
    for (std::size_t i = 0; i < key_roles.size(); ++i) {
        const KeyRole role = key_roles[i];
        const std::string own = std::string{"DDD/"} + to_text(role);
        // A stranger's key, which nobody on the ledger has: its owner proved it for itself.
        const std::string seen = std::string{"EEE/"} + to_text(role);
        AdmitFollower theft{make_follower("DDD")};
        theft.member.set_key(role, public_of(seen.c_str()));
        for (const Signature& proof :
             {garbage, sign(party("EEE"), role, seen.c_str()), sign(ddd, role, own.c_str())}) {
            theft.possessions[i] = proof;
            CHECK(chain.apply(hub, theft) == ResultCode::bad_possession);
        }
        AdmitFollower unproven{make_follower("DDD")};
        unproven.possessions[i] = sign(ddd, key_roles[(i + 1) % 3], own.c_str());
        CHECK(chain.apply(hub, unproven) == ResultCode::bad_possession);
    }
    CHECK_FALSE(find_member(chain.state(), ddd));
    CHECK(find_epoch(chain.state()).admissions == 0);
    CHECK(chain.apply(hub, AdmitFollower{make_follower("DDD")}) == ResultCode::ok);
}

TEST_CASE("no replacement is proposed with keys that the member has not proven",
          "[state][membership]") {
    TestChain chain;
    const auto sign = [&chain](const PartyId& party, KeyRole role, const char* key) {
        return sign_digest(secret_of(key),
                           key_possession_digest(chain.chain_id(), party, role, public_of(key)));
    };
    Signature garbage;
    garbage.data.fill(7);
    ProposeChange keys = change(ChangeKind::replace_keys, bbb);
    keys.member_key = ProvenKey{public_of("BBB/member-1")};
    keys.link_key = ProvenKey{public_of("AAA/link-1")};
    // AAA would have its own key voted in under BBB's name; it can only prove it for itself.
    for (const Signature& proof : {garbage, sign(aaa, KeyRole::link, "AAA/link-1"),
                                   sign(bbb, KeyRole::consensus, "AAA/link-1")}) {
        keys.link_key->possession = proof;
        CHECK(chain.apply(aaa, keys) == ResultCode::bad_possession);
    }
    keys.link_key = ProvenKey{public_of("BBB/link-1")};
    keys.member_key->possession = garbage;
    CHECK(chain.apply(aaa, keys) == ResultCode::bad_possession);
    CHECK(list_proposals(chain.state()).empty());
    keys.member_key->possession = {};
    CHECK(chain.apply(aaa, keys) == ResultCode::ok);
}

TEST_CASE("lost keys are replaced by vote, the hub's without the hub", "[state][membership]") {
    TestChain chain;
    ProposeChange keys = change(ChangeKind::replace_keys, hub);
    keys.member_key = ProvenKey{public_of("HUB/member-1")};
    keys.consensus_key = ProvenKey{public_of("HUB/consensus-1")};
    SECTION("the hub's") {
        const TransactionRef ref = decide(chain, keys, {bbb});
        CHECK(member_of(chain, hub).member_key == public_of("HUB/member"));
        CHECK(chain.apply(ccc, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK(member_of(chain, hub).member_key == public_of("HUB/member-1"));
        CHECK(member_of(chain, hub).link_key == public_of("HUB/link"));
        CHECK(find_epoch(chain.state()).validators == validators_of(chain.genesis().members));
        CHECK(chain.apply(hub, AdmitFollower{make_follower("DDD")}) == ResultCode::ok);
        chain.change_epoch();
        CHECK(is_validator(find_epoch(chain.state()).validators, hub));
    }
    SECTION("another member's with the hub") {
        keys = change(ChangeKind::replace_keys, bbb);
        keys.member_key = ProvenKey{public_of("BBB/member-1")};
        const TransactionRef ref = decide(chain, keys, {ccc});
        CHECK(member_of(chain, bbb).member_key == public_of("BBB/member"));
        CHECK(chain.apply(hub, VoteOnChange{ref, true}) == ResultCode::ok);
        CHECK(member_of(chain, bbb).member_key == public_of("BBB/member-1"));
    }
}

TEST_CASE("new parameters hold from the next block on", "[state][membership]") {
    TestChain chain{make_genesis(), {aaa}};
    Parameters parameters = chain.genesis().parameters;
    parameters.minimum_approval = units(20);
    const TransactionRef ref = decide(chain, new_parameters(parameters), {bbb, ccc});
    const std::vector<Bytes> envelopes{
        chain.envelope(hub, {chain.transaction(hub, VoteOnChange{ref, true})}),
        chain.envelope(bbb, {chain.transaction(bbb, chain.approval(aaa, units(10)))})};
    const ExecutedBlock& block = chain.add_block(chain.now() + second_ms, envelopes);
    CHECK(block.results == std::vector<ResultCode>{ResultCode::ok, ResultCode::ok});
    CHECK(find_parameters(chain.state()) == parameters);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(10))) == ResultCode::below_minimum);
}

}  // namespace tally::test
