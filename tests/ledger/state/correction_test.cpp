// Late charges, credits and what is billed again: two signatures, every condition, and the money.

#include "ledger/crypto/sha256.h"
#include "ledger/model/rating.h"
#include "ledger/model/transaction.h"
#include "ledger/state/invariants.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId hub = party("HUB");
const Currency cny = currency("CNY");

struct Site {
    TestChain chain;
    AuthorizationRef ref;
    TransactionRef recorded;  ///< the RecordCharge, when there is one

    explicit Site(const Genesis& genesis = make_genesis()) : chain{genesis, {aaa}} {}

    /// An approval of 100 that expired without a record.
    void expire() {
        ref = chain.approve_and_start(bbb, aaa, units(100));
        chain.pass(chain.genesis().parameters.record_window + 1);
    }
    /// 12 kWh for 18.0000, settled.
    void settle() {
        ref = chain.approve_and_start(bbb, aaa, units(100));
        REQUIRE(chain.apply(aaa, chain.record(ref, 12'000)) == ResultCode::ok);
        recorded = chain.last_ref();
        REQUIRE(chain.apply(bbb, SettleCharge{ref, units(18)}) == ResultCode::ok);
    }

    [[nodiscard]] RatedCharge charge(std::int64_t energy_wh) const {
        RatedCharge charge;
        charge.metered.authorization = ref;
        charge.metered.evse_id = "AAA*1";
        charge.metered.bridge_id = "bridge-1";
        charge.metered.meter_serial = "M1";
        charge.metered.readings = {{genesis_time + hour_ms, 480, 0, false},
                                   {genesis_time + 2 * hour_ms, 480, energy_wh, false}};
        sign_metered(chain.chain_id(), aaa, charge.metered);
        charge.tariff = {"std", 1};
        charge.currency = cny;
        charge.rated_amount = energy_wh * 15;
        charge.amount = charge.rated_amount;
        return charge;
    }
    [[nodiscard]] LateCharge late(std::int64_t energy_wh) const { return {charge(energy_wh)}; }
    [[nodiscard]] CreditCharge credit(const TransactionRef& record, Money charged,
                                      Money amount) const {
        return {ref, record, cny, charged, amount, sha256(as_bytes("wrong meter"))};
    }

    /// Signed by AAA and then by `second`; what the second signature gave.
    ResultCode both(const Action& action, const PartyId& second = bbb) {
        const ResultCode first = chain.apply(aaa, action);
        if (first != ResultCode::ok) {
            return first;
        }
        const TransactionRef named = chain.last_ref();
        m_last = named;
        return chain.apply(second, Countersign{named, chain.tip().leaves.front().hash});
    }
    /// The first transaction of the last `both`.
    [[nodiscard]] const TransactionRef& last() const { return m_last; }

    [[nodiscard]] Account account(const PartyId& member) const {
        return find_account(chain.state(), member, cny).value_or(Account{});
    }
    void check_owed(Money by_bbb, Money by_aaa) const {
        CHECK(account(bbb) == Account{0, by_bbb, 0, by_aaa, account(bbb).limit});
        CHECK(account(aaa) == Account{0, by_aaa, 0, by_bbb, account(aaa).limit});
        CHECK_FALSE(check_invariants(chain.state()));
    }

private:
    TransactionRef m_last;
};

}  // namespace

TEST_CASE("a late charge is owed when both have signed", "[state][correction]") {
    Site site;
    site.expire();
    REQUIRE(site.chain.apply(aaa, site.late(12'000)) == ResultCode::ok);
    const Countersign second{site.chain.last_ref(), site.chain.tip().leaves.front().hash};
    site.check_owed(0, 0);
    REQUIRE(find_countersign(site.chain.state(), second.transaction));
    CHECK(site.chain.apply(bbb, second) == ResultCode::ok);
    site.check_owed(units(18), 0);
    CHECK_FALSE(find_countersign(site.chain.state(), second.transaction));
    const auto record = find_correction(site.chain.state(), site.ref);
    REQUIRE(record);
    CHECK(record->visited == aaa);
    CHECK(record->charges ==
          std::vector<CorrectionRecord::Charge>{{second.transaction, units(18), 0}});
    CHECK(record->expires == site.chain.now() + site.chain.genesis().parameters.correction_window);
}

TEST_CASE("the home operator pays at most what the tariff gives", "[state][correction]") {
    Site site;
    site.expire();
    LateCharge action = site.late(12'000);
    action.charge.amount = units(18) + 1;
    CHECK(site.both(action) == ResultCode::amount_differs);
    action.charge.amount = units(7);
    CHECK(site.both(action) == ResultCode::ok);
    site.check_owed(units(7), 0);
}

TEST_CASE("the first signature of a late charge", "[state][correction]") {
    Site site;
    site.expire();
    SECTION("self_roaming") {
        CHECK(site.chain.apply(bbb, site.late(12'000)) == ResultCode::self_roaming);
    }
    SECTION("unknown_member") {
        LateCharge action = site.late(12'000);
        action.charge.metered.authorization.signer = party("ZZZ");
        CHECK(site.chain.apply(aaa, action) == ResultCode::unknown_member);
    }
    SECTION("id_in_use") {
        REQUIRE(site.chain.apply(aaa, site.late(12'000)) == ResultCode::ok);
        const TransactionRef first = site.chain.last_ref();
        site.chain.pass(200 * second_ms);
        const Transaction again{first.id, site.chain.now() + 10 * second_ms, site.late(1'000)};
        const ExecutedBlock& block = site.chain.add_block(
            site.chain.now() + second_ms, {make_envelope(site.chain.chain_id(), aaa, {again})});
        CHECK(block.results.front() == ResultCode::id_in_use);
    }
    site.check_owed(0, 0);
}

TEST_CASE("a late charge is what its EVSE can have delivered", "[state][correction]") {
    Site site;
    site.expire();
    // 60 kW for an hour and a minute, and 5 % more.
    CHECK(site.both(site.late(64'051)) == ResultCode::energy_implausible);
    LateCharge elsewhere = site.late(12'000);
    elsewhere.charge.metered.evse_id = "AAA*9";
    sign_metered(site.chain.chain_id(), aaa, elsewhere.charge.metered);
    CHECK(site.both(elsewhere) == ResultCode::unknown_charger);
    CHECK(site.both(site.late(64'050)) == ResultCode::ok);
}

TEST_CASE("so many actions of a member wait for a second signature", "[state][correction]") {
    Site site;
    site.settle();
    const Action credit = site.credit(site.recorded, units(18), units(1));
    std::vector<Transaction> waiting;
    for (std::size_t i = 0; i <= countersigns_of_member_max; ++i) {
        waiting.push_back(site.chain.transaction(aaa, credit));
    }
    const ExecutedBlock& block =
        site.chain.add_block(site.chain.now() + second_ms, {site.chain.envelope(aaa, waiting)});
    CHECK(std::count(block.results.begin(), block.results.end(), ResultCode::ok) ==
          static_cast<std::ptrdiff_t>(countersigns_of_member_max));
    CHECK(block.results.back() == ResultCode::too_many_countersigns);
    CHECK(site.chain.apply(aaa, SetLimit{aaa, cny, units(1)}) == ResultCode::too_many_countersigns);
    // Another member's are another member's, and one that is signed makes room.
    CHECK(site.chain.apply(ccc, SetLimit{ccc, cny, units(1)}) == ResultCode::ok);
    const TransactionRef first{aaa, waiting.front().id};
    CHECK(site.chain.apply(
              bbb, Countersign{first, transaction_hash(encode_transaction(waiting.front()))}) ==
          ResultCode::ok);
    CHECK(site.chain.apply(aaa, SetLimit{aaa, cny, units(1)}) == ResultCode::ok);
}

TEST_CASE("the second signature of a late charge is the home operator's", "[state][correction]") {
    Site site;
    site.expire();
    CHECK(site.both(site.late(12'000), aaa) == ResultCode::already_signed);
    CHECK(site.both(site.late(12'000), ccc) == ResultCode::not_permitted);
    CHECK(site.both(site.late(12'000), hub) == ResultCode::not_permitted);
    site.check_owed(0, 0);
}

TEST_CASE("a late charge that nobody countersigns is forgotten", "[state][correction]") {
    Site site;
    site.expire();
    REQUIRE(site.chain.apply(aaa, site.late(12'000)) == ResultCode::ok);
    site.chain.pass(site.chain.genesis().parameters.countersign_window + 1);
    REQUIRE(site.chain.tip().events.size() == 1);
    CHECK(site.chain.tip().events.front().cause == ExpiryCause::not_countersigned);
    site.check_owed(0, 0);
}

TEST_CASE("conditions of a late charge", "[state][correction]") {
    Site site;
    site.expire();
    LateCharge action = site.late(12'000);
    SECTION("authorization_live") {
        site.ref = site.chain.approve(bbb, aaa, units(5));
        CHECK(site.both(site.late(12'000)) == ResultCode::authorization_live);
        return;
    }
    SECTION("unknown_tariff: no such tariff") {
        action.charge.tariff = {"none", 1};
        CHECK(site.both(action) == ResultCode::unknown_tariff);
    }
    SECTION("unknown_tariff: no such version") {
        action.charge.tariff = {"std", 2};
        CHECK(site.both(action) == ResultCode::unknown_tariff);
    }
    SECTION("currency_mismatch") {
        action.charge.currency = currency("EUR");
        CHECK(site.both(action) == ResultCode::currency_mismatch);
    }
    SECTION("unratable") {
        std::swap(action.charge.metered.readings[0], action.charge.metered.readings[1]);
        CHECK(site.both(action) == ResultCode::unratable);
    }
    SECTION("rated_amount_differs") {
        action.charge.rated_amount += 1;
        CHECK(site.both(action) == ResultCode::rated_amount_differs);
    }
    SECTION("unknown_bridge") {
        action.charge.metered.bridge_id = "bridge-2";
        CHECK(site.both(action) == ResultCode::unknown_bridge);
    }
    SECTION("bridge_revoked") {
        CHECK(site.chain.apply(aaa, RevokeBridge{"bridge-1"}) == ResultCode::ok);
        CHECK(site.both(action) == ResultCode::bridge_revoked);
    }
    SECTION("bad_bridge_signature") {
        action.charge.metered.evidence.data[0] ^= 1U;
        CHECK(site.both(action) == ResultCode::bad_bridge_signature);
    }
    SECTION("limit_exceeded") {
        CHECK(site.chain.apply(hub, SetLimit{bbb, cny, units(17)}) == ResultCode::ok);
        const Countersign second{site.chain.last_ref(), site.chain.tip().leaves.front().hash};
        CHECK(site.chain.apply(bbb, second) == ResultCode::ok);
        CHECK(site.both(action) == ResultCode::limit_exceeded);
    }
    SECTION("exposure_exceeded") {
        SetAgreement half;
        half.partner = bbb;
        half.currency = cny;
        half.exposure_cap = units(18) - 1;
        CHECK(site.chain.apply(aaa, half) == ResultCode::ok);
        CHECK(site.both(action) == ResultCode::exposure_exceeded);
    }
    site.check_owed(0, 0);
}

TEST_CASE("no_agreement: a late charge of operators that never agreed", "[state][correction]") {
    Genesis genesis = make_genesis();
    std::erase_if(genesis.agreements, [](const GenesisAgreement& half) {
        return half.member == bbb && half.agreement.partner == aaa;
    });
    Site site{genesis};
    site.ref = {bbb, {}};
    CHECK(site.both(site.late(12'000)) == ResultCode::no_agreement);
    site.check_owed(0, 0);
}

TEST_CASE("an agreement that was withdrawn still covers late charges", "[state][correction]") {
    Site site;
    site.expire();
    SetAgreement half;
    half.partner = bbb;
    half.currency = cny;
    half.active = false;
    CHECK(site.chain.apply(aaa, half) == ResultCode::ok);
    CHECK(site.both(site.late(12'000)) == ResultCode::ok);
}

TEST_CASE("already_corrected: one late charge for an authorization", "[state][correction]") {
    Site site;
    site.expire();
    CHECK(site.both(site.late(12'000)) == ResultCode::ok);
    CHECK(site.both(site.late(12'000)) == ResultCode::already_corrected);
    site.check_owed(units(18), 0);
}

TEST_CASE("already_corrected: no late charge beside a recorded one", "[state][correction]") {
    Site site;
    site.settle();
    CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
    CHECK(site.both(site.late(12'000)) == ResultCode::already_corrected);
}

TEST_CASE("a credit gives back, a new bill charges again", "[state][correction]") {
    Site site;
    site.settle();
    CHECK(site.both(site.credit(site.recorded, units(18), units(18))) == ResultCode::ok);
    const TransactionRef credit = site.last();
    site.check_owed(units(18), units(18));
    CHECK(site.both(RebillCharge{credit, site.charge(10'000)}) == ResultCode::ok);
    site.check_owed(units(33), units(18));
    const TransactionRef rebill = site.last();
    SECTION("unknown_correction: a credit is billed again once") {
        CHECK(site.both(RebillCharge{credit, site.charge(10'000)}) ==
              ResultCode::unknown_correction);
    }
    SECTION("the new bill may itself be given back") {
        CHECK(site.both(site.credit(rebill, units(15), units(15))) == ResultCode::ok);
        site.check_owed(units(33), units(33));
    }
}

TEST_CASE("credits never exceed what was charged", "[state][correction]") {
    Site site;
    site.settle();
    SECTION("credit_exceeds_charge at once") {
        CHECK(site.both(site.credit(site.recorded, units(18), units(18) + 1)) ==
              ResultCode::credit_exceeds_charge);
    }
    SECTION("credit_exceeds_charge in steps") {
        CHECK(site.both(site.credit(site.recorded, units(18), units(10))) == ResultCode::ok);
        CHECK(site.both(site.credit(site.recorded, units(18), units(8) + 1)) ==
              ResultCode::credit_exceeds_charge);
        CHECK(site.both(site.credit(site.recorded, units(18), units(8))) == ResultCode::ok);
    }
    SECTION("amount_differs: another charged amount than before") {
        CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
        CHECK(site.both(site.credit(site.recorded, units(19), units(1))) ==
              ResultCode::amount_differs);
    }
    SECTION("unknown_correction: another record than the one that was charged") {
        CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
        CHECK(site.both(site.credit({aaa, {}}, units(18), units(1))) ==
              ResultCode::unknown_correction);
    }
    SECTION("not_visited: only who charged gives back") {
        CHECK(site.chain.apply(aaa, site.credit({bbb, {}}, units(18), units(1))) ==
              ResultCode::not_visited);
        CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
        CHECK(site.chain.apply(ccc, site.credit({ccc, {}}, units(18), units(1))) == ResultCode::ok);
        const Countersign second{site.chain.last_ref(), site.chain.tip().leaves.front().hash};
        CHECK(site.chain.apply(bbb, second) == ResultCode::not_visited);
    }
    SECTION("authorization_live") {
        site.ref = site.chain.approve(bbb, aaa, units(5));
        CHECK(site.both(site.credit(site.recorded, units(18), units(1))) ==
              ResultCode::authorization_live);
    }
    SECTION("currency_mismatch") {
        CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
        CreditCharge other = site.credit(site.recorded, units(18), units(1));
        other.currency = currency("EUR");
        CHECK(site.both(other) == ResultCode::currency_mismatch);
    }
    SECTION("too_many_corrections: credits that wait for their new bill") {
        for (std::size_t i = 0; i < open_credits_max; ++i) {
            CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
        }
        CHECK(site.both(site.credit(site.recorded, units(18), units(1))) ==
              ResultCode::too_many_corrections);
    }
    CHECK_FALSE(check_invariants(site.chain.state()));
}

TEST_CASE("a late charge may be given back too", "[state][correction]") {
    Site site;
    site.expire();
    CHECK(site.both(site.late(12'000)) == ResultCode::ok);
    CHECK(site.both(site.credit(site.last(), units(18), units(18))) == ResultCode::ok);
    site.check_owed(units(18), units(18));
}

TEST_CASE("conditions of billing again", "[state][correction]") {
    Site site;
    site.settle();
    SECTION("unknown_correction: nothing was given back") {
        CHECK(site.both(RebillCharge{site.recorded, site.charge(10'000)}) ==
              ResultCode::unknown_correction);
        return;
    }
    CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
    RebillCharge action{site.last(), site.charge(10'000)};
    SECTION("unknown_correction: not a credit of this charge") {
        action.credit = site.recorded;
        CHECK(site.both(action) == ResultCode::unknown_correction);
    }
    SECTION("rated_amount_differs") {
        action.charge.rated_amount -= 1;
        CHECK(site.both(action) == ResultCode::rated_amount_differs);
    }
    SECTION("not_permitted: another member countersigns") {
        CHECK(site.both(action, ccc) == ResultCode::not_permitted);
    }
    SECTION("currency_mismatch") {
        action.charge.currency = currency("EUR");
        CHECK(site.both(action) == ResultCode::currency_mismatch);
    }
    SECTION("too_many_corrections") {
        for (std::size_t i = 1; i < corrected_charges_max; ++i) {
            action.credit = site.last();
            CHECK(site.both(action) == ResultCode::ok);
            CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
        }
        action.credit = site.last();
        CHECK(site.both(action) == ResultCode::too_many_corrections);
    }
    CHECK_FALSE(check_invariants(site.chain.state()));
}

TEST_CASE("corrections are known for correction_window", "[state][correction]") {
    Genesis genesis = make_genesis();
    genesis.parameters.correction_window = 2 * hour_ms;
    Site site{genesis};
    site.settle();
    CHECK(site.both(site.credit(site.recorded, units(18), units(1))) == ResultCode::ok);
    site.chain.pass(2 * hour_ms);
    CHECK(find_correction(site.chain.state(), site.ref));
    CHECK(site.chain.tip().events.empty());
    site.chain.pass(1);
    REQUIRE(site.chain.tip().events.size() == 1);
    Event expected;
    expected.cause = ExpiryCause::correction_over;
    expected.ref = site.ref;
    CHECK(site.chain.tip().events.front() == expected);
    CHECK_FALSE(find_correction(site.chain.state(), site.ref));
    site.check_owed(units(18), units(1));
}

}  // namespace tally::test
