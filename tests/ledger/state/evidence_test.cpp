// Proof that a validator signed two votes that no honest one signs both.

#include "ledger/crypto/sha256.h"
#include "ledger/state/epochs.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId hub = party("HUB");

Hash block_named(const char* name) { return sha256(as_bytes(name)); }

/// Two votes of BBB in a view, signed with the key it had in that epoch.
struct Offence {
    TestChain chain;
    SubmitEvidence evidence;

    Offence() {
        evidence.signer = index_of(bbb);
        evidence.first = {0, VoteKind::notarize, 7, 6, block_named("one")};
        evidence.second = {0, VoteKind::notarize, 7, 6, block_named("two")};
    }
    [[nodiscard]] std::uint32_t index_of(const PartyId& party) const {
        const std::vector<Validator> validators = find_epoch(chain.state()).validators;
        std::uint32_t index{0};
        while (validators[index].party != party) {
            ++index;
        }
        return index;
    }
    [[nodiscard]] ResultCode submit(const PartyId& by, const char* key = "BBB/consensus") {
        evidence.first_signature =
            sign_digest(secret_of(key), evidence.first.signing_digest(chain.chain_id()));
        evidence.second_signature =
            sign_digest(secret_of(key), evidence.second.signing_digest(chain.chain_id()));
        return chain.apply(by, evidence);
    }
};

}  // namespace

TEST_CASE("every kind of contradiction is evidence", "[state][evidence]") {
    Offence offence;
    SECTION("two blocks notarized") {}
    SECTION("one block notarized on two parents") {
        offence.evidence.second = offence.evidence.first;
        offence.evidence.second.parent_view = 5;
    }
    SECTION("two blocks finalized") {
        offence.evidence.first.kind = VoteKind::finalize;
        offence.evidence.second.kind = VoteKind::finalize;
    }
    SECTION("nullified and finalized") {
        offence.evidence.first = {0, VoteKind::nullify, 7, 0, {}};
        offence.evidence.second.kind = VoteKind::finalize;
    }
    SECTION("finalized and nullified") {
        offence.evidence.second = {0, VoteKind::nullify, 7, 0, {}};
        offence.evidence.first.kind = VoteKind::finalize;
    }
    CHECK(offence.submit(aaa) == ResultCode::ok);
    const auto record = find_evidence(offence.chain.state(), 0, bbb);
    REQUIRE(record);
    CHECK(record->evidence == offence.evidence);
    CHECK(record->reporter == aaa);
    CHECK(record->reported_at == offence.chain.now());
    const auto all = list_evidence(offence.chain.state(), 0, 10);
    REQUIRE(all.size() == 1);
    CHECK(all[0].offender == bbb);
    CHECK(list_evidence(offence.chain.state(), 1, 10).empty());
}

TEST_CASE("what an honest validator may sign is no evidence", "[state][evidence]") {
    Offence offence;
    SubmitEvidence& evidence = offence.evidence;
    SECTION("the same vote twice") { evidence.second = evidence.first; }
    SECTION("votes of two views") { evidence.second.view = 8; }
    SECTION("votes of two epochs") { evidence.second.epoch = 1; }
    SECTION("notarized, then nullified") { evidence.second = {0, VoteKind::nullify, 7, 0, {}}; }
    SECTION("notarized one block, finalized another: each may be another's block") {
        evidence.second.kind = VoteKind::finalize;
    }
    SECTION("nullified twice") {
        evidence.first = {0, VoteKind::nullify, 7, 0, {}};
        evidence.second = evidence.first;
    }
    CHECK(offence.submit(aaa) == ResultCode::bad_evidence);
    CHECK(list_evidence(offence.chain.state(), 0, 10).empty());
}

TEST_CASE("evidence with a wrong signature or signer frames nobody", "[state][evidence]") {
    Offence offence;
    SECTION("signed by somebody else") {
        CHECK(offence.submit(aaa, "AAA/consensus") == ResultCode::bad_evidence);
    }
    SECTION("signed with another key of the validator") {
        CHECK(offence.submit(aaa, "BBB/member") == ResultCode::bad_evidence);
    }
    SECTION("one signature wrong") {
        CHECK(offence.submit(aaa) == ResultCode::ok);
        Offence other;
        CHECK(other.submit(hub, "HUB/consensus") == ResultCode::bad_evidence);
        other.evidence.first_signature = offence.evidence.first_signature;
        CHECK(other.chain.apply(aaa, other.evidence) == ResultCode::bad_evidence);
    }
    SECTION("an index beyond the set") {
        offence.evidence.signer = 4;
        CHECK(offence.submit(aaa) == ResultCode::bad_evidence);
    }
    SECTION("another validator's index") {
        offence.evidence.signer = offence.index_of(aaa);
        CHECK(offence.submit(hub) == ResultCode::bad_evidence);
    }
    SECTION("an epoch to come") {
        offence.evidence.first.epoch = 1;
        offence.evidence.second.epoch = 1;
        CHECK(offence.submit(aaa) == ResultCode::bad_evidence);
    }
}

TEST_CASE("evidence is kept once for an epoch and offender, and only validators submit it",
          "[state][evidence]") {
    Offence offence;
    REQUIRE(offence.chain.apply(hub, AdmitFollower{make_follower("DDD")}) == ResultCode::ok);
    CHECK(offence.submit(party("DDD")) == ResultCode::not_validator);
    CHECK(offence.submit(aaa) == ResultCode::ok);
    offence.evidence.first.view = 9;
    offence.evidence.second.view = 9;
    CHECK(offence.submit(hub) == ResultCode::evidence_known);
    CHECK(find_evidence(offence.chain.state(), 0, bbb)->evidence.first.view == 7);
}

TEST_CASE("evidence of the epoch before is taken, older evidence is not", "[state][evidence]") {
    Offence offence;
    TestChain& chain = offence.chain;
    REQUIRE(chain.apply(
                bbb, RotateKey{KeyRole::consensus, public_key_of(secret_of("BBB/consensus-1"))}) ==
            ResultCode::ok);
    chain.change_epoch();
    CHECK(offence.submit(aaa, "BBB/consensus-1") == ResultCode::bad_evidence);  // not its key then
    SECTION("one epoch later") {
        CHECK(offence.submit(aaa) == ResultCode::ok);
        CHECK(find_evidence(chain.state(), 0, bbb));
    }
    SECTION("two epochs later") {
        REQUIRE(chain.apply(aaa, RotateKey{KeyRole::consensus,
                                           public_key_of(secret_of("AAA/consensus-1"))}) ==
                ResultCode::ok);
        chain.change_epoch();
        CHECK(offence.submit(aaa) == ResultCode::bad_evidence);
    }
    SECTION("of the current epoch with the new key") {
        offence.evidence.signer = offence.index_of(bbb);
        offence.evidence.first.epoch = 1;
        offence.evidence.second.epoch = 1;
        CHECK(offence.submit(aaa, "BBB/consensus-1") == ResultCode::ok);
        CHECK(find_evidence(chain.state(), 1, bbb));
    }
}

}  // namespace tally::test
