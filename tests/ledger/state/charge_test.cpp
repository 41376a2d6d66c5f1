// Records, settlements and claims: every condition, and the money.

#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const Currency cny = currency("CNY");

struct Charging {
    TestChain chain;
    AuthorizationRef ref;

    explicit Charging(Money approved = units(100), const Genesis& genesis = make_genesis())
        : chain{genesis} {
        chain.set_up_site(aaa);
        ref = chain.approve_and_start(bbb, aaa, approved);
    }

    /// Records 12 kWh with one thing changed before the bridge signs.
    template <typename Change>
    ResultCode record_with(Change change) {
        RecordCharge action = chain.record(ref, 12'000);
        change(action);
        sign_metered(chain.chain_id(), aaa, action.metered);
        return chain.apply(aaa, action);
    }
};

Account account_of(const TestChain& chain, const PartyId& member) {
    return find_account(chain.state(), member, cny).value_or(Account{});
}

}  // namespace

SCENARIO("a whole charge: approve, start, record, settle", "[state][charge]") {
    GIVEN("a charge of 12 kWh at 1.5 a kWh under an approval of 100") {
        Charging charging;
        TestChain& chain = charging.chain;
        CHECK(chain.apply(aaa, chain.record(charging.ref, 12'000)) == ResultCode::ok);
        const UnixMillis recorded_at = chain.now();
        THEN("the record fixes 18.0000 and its deadlines; all of the approval is still pending") {
            const auto found = find_live_authorization(chain.state(), charging.ref);
            REQUIRE(found);
            CHECK(found->status == AuthorizationStatus::recorded);
            CHECK(found->record->amount == units(18));
            CHECK(found->record->rated_amount == units(18));
            CHECK(found->record->energy_wh == 12'000);
            const Parameters& parameters = chain.genesis().parameters;
            CHECK(found->record->settle_by == recorded_at + parameters.settle_window);
            CHECK(found->deadline() ==
                  recorded_at + parameters.settle_window + parameters.claim_window);
            CHECK(account_of(chain, bbb).debits_pending == units(100));
            const auto charger = find_charger(chain.state(), aaa, "AAA*1");
            CHECK_FALSE(charger->busy);
            CHECK(charger->last_end_time == found->record->end_time);
            CHECK(charger->last_reading->register_wh == 12'000);
        }
        WHEN("the home operator settles") {
            CHECK(chain.apply(bbb, SettleCharge{charging.ref, units(18)}) == ResultCode::ok);
            THEN("18 is due from B to A, the rest is free again, nothing is live") {
                CHECK(account_of(chain, bbb).debits_posted == units(18));
                CHECK(account_of(chain, bbb).debits_pending == 0);
                CHECK(account_of(chain, aaa).credits_posted == units(18));
                CHECK(account_of(chain, aaa).credits_pending == 0);
                CHECK(find_exposure(chain.state(), bbb, aaa, cny) == Exposure{0, units(18)});
                CHECK_FALSE(find_live_authorization(chain.state(), charging.ref));
                const auto finished = find_authorization(chain.state(), charging.ref);
                CHECK(finished->status == AuthorizationStatus::settled);
                CHECK(finished->end->posted == units(18));
                CHECK(finished->end->ended_at == chain.now());
                CHECK(find_totals(chain.state(), cny)->balanced());
                CHECK(find_totals(chain.state(), cny)->debits_posted == units(18));
            }
            THEN("it settles once") {
                CHECK(chain.apply(bbb, SettleCharge{charging.ref, units(18)}) ==
                      ResultCode::unknown_authorization);
            }
        }
    }
}

TEST_CASE("what goes beyond the approval is the visited operator's loss", "[state][charge]") {
    Charging charging{units(10)};
    const RecordCharge action = charging.chain.record(charging.ref, 12'000);
    CHECK(action.rated_amount == units(18));
    CHECK(action.amount == units(10));
    CHECK(charging.chain.apply(aaa, action) == ResultCode::ok);
    CHECK(charging.chain.apply(bbb, SettleCharge{charging.ref, units(10)}) == ResultCode::ok);
    CHECK(account_of(charging.chain, bbb).debits_posted == units(10));
}

TEST_CASE("a charge without energy settles to nothing", "[state][charge]") {
    Charging charging;
    CHECK(charging.chain.apply(aaa, charging.chain.record(charging.ref, 0)) == ResultCode::ok);
    CHECK(charging.chain.apply(bbb, SettleCharge{charging.ref, 0}) == ResultCode::ok);
    CHECK(account_of(charging.chain, bbb) == Account{0, 0, 0, 0, units(10'000)});
}

TEST_CASE("who may record, and when", "[state][record]") {
    Charging charging;
    TestChain& chain = charging.chain;
    const RecordCharge action = chain.record(charging.ref, 12'000);
    SECTION("unknown_authorization") {
        CHECK(charging.record_with([](auto& a) { a.metered.authorization.signer = ccc; }) ==
              ResultCode::unknown_authorization);
    }
    SECTION("not_visited") {
        CHECK(chain.apply(bbb, action) == ResultCode::not_visited);
        CHECK(chain.apply(ccc, action) == ResultCode::not_visited);
    }
    SECTION("wrong_status before the start") {
        const AuthorizationRef open = chain.approve(bbb, aaa, units(5));
        CHECK(charging.record_with([&](auto& a) { a.metered.authorization = open; }) ==
              ResultCode::wrong_status);
    }
    SECTION("wrong_status after the record") {
        CHECK(chain.apply(aaa, action) == ResultCode::ok);
        CHECK(chain.apply(aaa, action) == ResultCode::wrong_status);
    }
    SECTION("at record_by") {
        const UnixMillis left = chain.genesis().parameters.record_window;
        CHECK(chain.apply(aaa, action, left) == ResultCode::ok);
    }
    SECTION("after it the approval has expired") {
        const UnixMillis left = chain.genesis().parameters.record_window;
        CHECK(chain.apply(aaa, action, left + 1) == ResultCode::unknown_authorization);
        CHECK(account_of(chain, bbb).debits_pending == 0);
    }
    SECTION("wrong_evse") {
        CHECK(charging.record_with([](auto& a) { a.metered.evse_id = "AAA*2"; }) ==
              ResultCode::wrong_evse);
    }
}

TEST_CASE("what a bridge metered must fit the meter and the time", "[state][record]") {
    Charging charging;
    TestChain& chain = charging.chain;
    const Parameters& parameters = chain.genesis().parameters;
    const auto live = *find_live_authorization(chain.state(), charging.ref);
    SECTION("unknown_bridge") {
        CHECK(charging.record_with([](auto& a) { a.metered.bridge_id = "bridge-2"; }) ==
              ResultCode::unknown_bridge);
    }
    SECTION("bridge_revoked") {
        CHECK(chain.apply(aaa, RevokeBridge{"bridge-1"}) == ResultCode::ok);
        CHECK(charging.record_with([](auto&) {}) == ResultCode::bridge_revoked);
        // A new key under the same id is trusted again, the old one is not.
        RegisterBridge again;
        again.bridge_id = "bridge-1";
        again.public_key = public_key_of(secret_of("another"));
        CHECK(chain.apply(aaa, again) == ResultCode::ok);
        CHECK(charging.record_with([](auto&) {}) == ResultCode::bad_bridge_signature);
        again.public_key = public_key_of(secret_of("AAA/bridge-1"));
        CHECK(chain.apply(aaa, again) == ResultCode::ok);
        CHECK(charging.record_with([](auto&) {}) == ResultCode::ok);
    }
    SECTION("bad_bridge_signature") {
        RecordCharge action = chain.record(charging.ref, 12'000);
        action.metered.evidence.data[0] ^= 1U;
        CHECK(chain.apply(aaa, action) == ResultCode::bad_bridge_signature);
        sign_metered(chain.chain_id(), bbb, action.metered);
        CHECK(chain.apply(aaa, action) == ResultCode::bad_bridge_signature);
    }
    SECTION("wrong_meter: serial") {
        CHECK(charging.record_with([](auto& a) { a.metered.meter_serial = "M2"; }) ==
              ResultCode::wrong_meter);
    }
    SECTION("wrong_meter: epoch") {
        CHECK(charging.record_with([](auto& a) { a.metered.meter_epoch = 1; }) ==
              ResultCode::wrong_meter);
    }
    SECTION("unratable: time or register going back") {
        CHECK(charging.record_with([](auto& a) {
            MeterReading& end = a.metered.readings[1];
            end.time = a.metered.readings[0].time - 1;
            end.register_wh = a.metered.readings[0].register_wh;
        }) == ResultCode::unratable);
        CHECK(charging.record_with([](auto& a) { a.metered.readings[0].register_wh = 12'001; }) ==
              ResultCode::unratable);
    }
    SECTION("time_out_of_bounds: begins too long before the decision") {
        const UnixMillis earliest = live.decided_at - parameters.charger_clock_back;
        CHECK(charging.record_with([&](auto& a) { a.metered.readings[0].time = earliest - 1; }) ==
              ResultCode::time_out_of_bounds);
        CHECK(charging.record_with([&](auto& a) { a.metered.readings[0].time = earliest; }) ==
              ResultCode::ok);
    }
    SECTION("time_out_of_bounds: ends too long after record_by") {
        const UnixMillis latest = live.start->record_by + parameters.charger_clock_ahead;
        CHECK(charging.record_with([&](auto& a) { a.metered.readings[1].time = latest + 1; }) ==
              ResultCode::time_out_of_bounds);
        CHECK(charging.record_with([&](auto& a) { a.metered.readings[1].time = latest; }) ==
              ResultCode::ok);
    }
    SECTION("energy_implausible") {
        CHECK(charging.record_with([](auto& a) {
            a.metered.readings[1].time = a.metered.readings[0].time + 600'000;  // 72 kW
        }) == ResultCode::energy_implausible);
    }
    SECTION("rated_amount_differs") {
        CHECK(charging.record_with([](auto& a) { a.rated_amount += 1; }) ==
              ResultCode::rated_amount_differs);
    }
    SECTION("amount_differs") {
        CHECK(charging.record_with([](auto& a) { a.amount -= 1; }) == ResultCode::amount_differs);
        CHECK(charging.record_with([](auto& a) { a.amount += 1; }) == ResultCode::amount_differs);
    }
    CHECK(account_of(chain, bbb).debits_pending == units(100));  // Whatever was refused.
}

TEST_CASE("the next charge of an EVSE continues the last one", "[state][record]") {
    Charging charging;
    TestChain& chain = charging.chain;
    CHECK(chain.apply(aaa, chain.record(charging.ref, 12'000)) == ResultCode::ok);
    const auto charger = *find_charger(chain.state(), aaa, "AAA*1");
    charging.ref = chain.approve_and_start(ccc, aaa, units(100));
    SECTION("overlaps_previous") {
        CHECK(charging.record_with([&](auto& a) {
            a.metered.readings[0].time = charger.last_end_time - 1;
        }) == ResultCode::overlaps_previous);
        CHECK(charging.record_with([&](auto& a) {
            a.metered.readings[0].time = charger.last_end_time;
        }) == ResultCode::ok);
    }
    SECTION("register_went_back") {
        CHECK(charging.record_with([](auto& a) {
            for (MeterReading& reading : a.metered.readings) {
                reading.register_wh -= 1;
            }
        }) == ResultCode::register_went_back);
    }
    SECTION("a gap in the register is recorded: the operator's own drivers charge there too") {
        CHECK(charging.record_with([](auto& a) {
            for (MeterReading& reading : a.metered.readings) {
                reading.register_wh += 777'000;
            }
        }) == ResultCode::ok);
        CHECK(find_charger(chain.state(), aaa, "AAA*1")->last_reading->register_wh == 801'000);
    }
    SECTION("the register may go on exactly where it stood") {
        CHECK(charging.record_with([](auto&) {}) == ResultCode::ok);
    }
    SECTION("a new meter starts a new register, and time goes on") {
        RegisterCharger swapped;
        swapped.evse_id = "AAA*1";
        swapped.station = "ST1";
        swapped.bridge_id = "bridge-1";
        swapped.rated_power_w = 60'000;
        swapped.meter_serial = "M9";
        CHECK(chain.apply(aaa, swapped) == ResultCode::ok);
        CHECK(charging.record_with([](auto& a) { a.metered.meter_serial = "M1"; }) ==
              ResultCode::wrong_meter);
        const auto from_zero = [](auto& a) {
            a.metered.meter_serial = "M9";
            a.metered.readings[0].register_wh = 0;
            a.metered.readings[1].register_wh = 12'000;
        };
        CHECK(charging.record_with([&](auto& a) {
            from_zero(a);
            a.metered.readings[0].time = charger.last_end_time - 1;
        }) == ResultCode::overlaps_previous);
        CHECK(charging.record_with(from_zero) == ResultCode::ok);
    }
    SECTION("a new meter epoch starts a new register") {
        RegisterCharger again;
        again.evse_id = "AAA*1";
        again.station = "ST1";
        again.bridge_id = "bridge-1";
        again.rated_power_w = 60'000;
        again.meter_serial = "M1";
        again.meter_epoch = 1;
        CHECK(chain.apply(aaa, again) == ResultCode::ok);
        CHECK(charging.record_with([](auto& a) {
            a.metered.readings[0].register_wh = 0;
            a.metered.readings[1].register_wh = 12'000;
        }) == ResultCode::ok);
    }
}

TEST_CASE("conditions of a settlement", "[state][settle]") {
    Charging charging;
    TestChain& chain = charging.chain;
    const SettleCharge settle{charging.ref, units(18)};
    SECTION("wrong_status before the record") {
        CHECK(chain.apply(bbb, settle) == ResultCode::wrong_status);
    }
    CHECK(chain.apply(aaa, chain.record(charging.ref, 12'000)) == ResultCode::ok);
    const UnixMillis window = chain.genesis().parameters.settle_window;
    SECTION("not_home") {
        CHECK(chain.apply(aaa, settle) == ResultCode::not_home);
        CHECK(chain.apply(ccc, settle) == ResultCode::not_home);
    }
    SECTION("amount_differs") {
        CHECK(chain.apply(bbb, SettleCharge{charging.ref, units(18) - 1}) ==
              ResultCode::amount_differs);
    }
    SECTION("at settle_by") { CHECK(chain.apply(bbb, settle, window) == ResultCode::ok); }
    SECTION("too_late after it") {
        CHECK(chain.apply(bbb, settle, window + 1) == ResultCode::too_late);
    }
    SECTION("unknown_authorization") {
        CHECK(chain.apply(bbb, SettleCharge{chain.last_ref(), units(18)}) ==
              ResultCode::unknown_authorization);
    }
}

TEST_CASE("conditions of a claim", "[state][claim]") {
    Charging charging;
    TestChain& chain = charging.chain;
    const ClaimCharge claim{charging.ref};
    SECTION("wrong_status before the record") {
        CHECK(chain.apply(aaa, claim) == ResultCode::wrong_status);
    }
    CHECK(chain.apply(aaa, chain.record(charging.ref, 12'000)) == ResultCode::ok);
    const UnixMillis settle_window = chain.genesis().parameters.settle_window;
    const UnixMillis claim_window = chain.genesis().parameters.claim_window;
    SECTION("not_visited") { CHECK(chain.apply(bbb, claim) == ResultCode::not_visited); }
    SECTION("too_early until settle_by") {
        CHECK(chain.apply(aaa, claim, settle_window) == ResultCode::too_early);
        CHECK(chain.apply(aaa, claim, 1) == ResultCode::ok);
        CHECK(account_of(chain, aaa).credits_posted == units(18));
        CHECK(find_authorization(chain.state(), charging.ref)->status ==
              AuthorizationStatus::claimed);
    }
    SECTION("until claim_until") {
        CHECK(chain.apply(aaa, claim, settle_window + claim_window) == ResultCode::ok);
    }
    SECTION("then it has expired") {
        CHECK(chain.apply(aaa, claim, settle_window + claim_window + 1) ==
              ResultCode::unknown_authorization);
        CHECK(account_of(chain, bbb) == Account{0, 0, 0, 0, units(10'000)});
    }
}

TEST_CASE("what is due frees the limit only when it is owed back", "[state][charge]") {
    Genesis genesis = make_genesis();
    for (SetLimit& limit : genesis.limits) {
        limit.limit = units(100);
    }
    TestChain chain{genesis};
    chain.set_up_site(aaa);
    chain.set_up_site(bbb);
    const AuthorizationRef first = chain.charge_until_recorded(bbb, aaa, 40'000);
    CHECK(chain.apply(bbb, SettleCharge{first, units(60)}) == ResultCode::ok);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(41))) == ResultCode::limit_exceeded);
    // A owes 30 to B now: B's net is 30.
    const AuthorizationRef second = chain.charge_until_recorded(aaa, bbb, 20'000);
    CHECK(chain.apply(aaa, SettleCharge{second, units(30)}) == ResultCode::ok);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(71))) == ResultCode::limit_exceeded);
    CHECK(chain.apply(bbb, chain.approval(aaa, units(70))) == ResultCode::ok);
}

}  // namespace tally::test
