// Every deadline at its last admissible block time and the next, every bound of money at its last
// unit and the next.

#include "ledger/state/invariants.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const Currency cny = currency("CNY");

/// A chain and one authorization of BBB at AAA.
struct Charge {
    TestChain chain;
    AuthorizationRef ref;

    explicit Charge(const Genesis& genesis = make_genesis()) : chain{genesis, {aaa}} {}

    [[nodiscard]] Authorization live() const {
        const auto found = find_live_authorization(chain.state(), ref);
        REQUIRE(found);
        return *found;
    }
    /// In a block at exactly `time`.
    ResultCode at(UnixMillis time, const PartyId& signer, const Action& action) {
        return chain.apply(signer, action, time - chain.now());
    }
    /// The sweep of the last block ended it, for this cause.
    void check_expired(ExpiryCause cause) const {
        REQUIRE(chain.tip().events.size() == 1);
        CHECK(chain.tip().events.front().cause == cause);
        CHECK(chain.tip().events.front().ref == ref);
        CHECK_FALSE(find_live_authorization(chain.state(), ref));
        CHECK_FALSE(check_invariants(chain.state()));
    }
};

StartCharge start_of(const AuthorizationRef& ref) {
    return {ref, TestChain::evse(aaa, 1), {"std", 1}};
}

}  // namespace

TEST_CASE("start_by: the last block time to start a charge", "[state][border]") {
    Charge charge;
    charge.ref = charge.chain.approve(bbb, aaa, units(50));
    const UnixMillis start_by = charge.live().start_by;
    SECTION("at start_by") {
        CHECK(charge.at(start_by, aaa, start_of(charge.ref)) == ResultCode::ok);
    }
    SECTION("1 ms later") {
        CHECK(charge.at(start_by + 1, aaa, start_of(charge.ref)) ==
              ResultCode::unknown_authorization);
        charge.check_expired(ExpiryCause::not_started);
    }
}

TEST_CASE("record_by: the last block time to record a charge", "[state][border]") {
    Charge charge;
    charge.ref = charge.chain.approve_and_start(bbb, aaa, units(50));
    const RecordCharge record = charge.chain.record(charge.ref, 12'000);
    const UnixMillis record_by = charge.live().start->record_by;
    SECTION("at record_by") { CHECK(charge.at(record_by, aaa, record) == ResultCode::ok); }
    SECTION("1 ms later") {
        CHECK(charge.at(record_by + 1, aaa, record) == ResultCode::unknown_authorization);
        charge.check_expired(ExpiryCause::not_recorded);
    }
}

TEST_CASE("settle_by: the last block time to settle or dispute, the next is the first to claim",
          "[state][border]") {
    Charge charge;
    charge.ref = charge.chain.charge_until_recorded(bbb, aaa, 12'000);
    const UnixMillis settle_by = charge.live().record->settle_by;
    const OpenDispute dispute{charge.ref, units(5), DisputeReason::energy, {}};
    SECTION("settled at settle_by") {
        CHECK(charge.at(settle_by, bbb, SettleCharge{charge.ref, units(18)}) == ResultCode::ok);
    }
    SECTION("settled 1 ms later") {
        CHECK(charge.at(settle_by + 1, bbb, SettleCharge{charge.ref, units(18)}) ==
              ResultCode::too_late);
    }
    SECTION("disputed at settle_by") {
        CHECK(charge.at(settle_by, bbb, dispute) == ResultCode::ok);
    }
    SECTION("disputed 1 ms later") {
        CHECK(charge.at(settle_by + 1, bbb, dispute) == ResultCode::too_late);
    }
    SECTION("claimed at settle_by") {
        CHECK(charge.at(settle_by, aaa, ClaimCharge{charge.ref}) == ResultCode::too_early);
    }
    SECTION("claimed 1 ms later") {
        CHECK(charge.at(settle_by + 1, aaa, ClaimCharge{charge.ref}) == ResultCode::ok);
    }
    CHECK_FALSE(check_invariants(charge.chain.state()));
}

TEST_CASE("claim_until: the last block time to claim", "[state][border]") {
    Charge charge;
    charge.ref = charge.chain.charge_until_recorded(bbb, aaa, 12'000);
    const UnixMillis claim_until = charge.live().record->claim_until;
    SECTION("at claim_until") {
        CHECK(charge.at(claim_until, aaa, ClaimCharge{charge.ref}) == ResultCode::ok);
    }
    SECTION("1 ms later") {
        CHECK(charge.at(claim_until + 1, aaa, ClaimCharge{charge.ref}) ==
              ResultCode::unknown_authorization);
        charge.check_expired(ExpiryCause::not_claimed);
    }
}

TEST_CASE("the limit is used to its last unit", "[state][border]") {
    Genesis genesis = make_genesis();
    genesis.limits[1].limit = units(100);  // BBB
    Charge charge{genesis};
    charge.ref = charge.chain.charge_until_recorded(bbb, aaa, 12'000);
    REQUIRE(charge.chain.apply(bbb, SettleCharge{charge.ref, units(18)}) == ResultCode::ok);
    CHECK(charge.chain.apply(bbb, charge.chain.approval(aaa, units(82) + 1)) ==
          ResultCode::limit_exceeded);
    CHECK(charge.chain.apply(bbb, charge.chain.approval(aaa, units(82))) == ResultCode::ok);
    CHECK(used_of_limit(*find_account(charge.chain.state(), bbb, cny)) == units(100));
    CHECK(charge.chain.apply(bbb, charge.chain.approval(aaa, units(1))) ==
          ResultCode::limit_exceeded);
}

TEST_CASE("an exposure cap is used to its last unit", "[state][border]") {
    Genesis genesis = make_genesis();
    for (GenesisAgreement& half : genesis.agreements) {
        if (half.member == aaa && half.agreement.partner == bbb) {
            half.agreement.exposure_cap = units(160);
        }
    }
    Charge charge{genesis};
    charge.ref = charge.chain.charge_until_recorded(bbb, aaa, 12'000);
    REQUIRE(charge.chain.apply(bbb, SettleCharge{charge.ref, units(18)}) == ResultCode::ok);
    CHECK(charge.chain.apply(bbb, charge.chain.approval(aaa, units(142) + 1)) ==
          ResultCode::exposure_exceeded);
    CHECK(charge.chain.apply(bbb, charge.chain.approval(aaa, units(142))) == ResultCode::ok);
    CHECK(charge.chain.apply(bbb, charge.chain.approval(aaa, units(1))) ==
          ResultCode::exposure_exceeded);
}

}  // namespace tally::test
