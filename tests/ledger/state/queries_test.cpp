// What the node, the API and the audit read.

#include "ledger/model/day_bands.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const Currency cny = currency("CNY");

}  // namespace

TEST_CASE("members are listed in order of party", "[state][queries]") {
    TestChain chain;
    const auto members = list_members(chain.state());
    REQUIRE(members.size() == 4);
    CHECK(members[0].member.party == aaa);
    CHECK(members[3].member.role == MemberRole::hub);
    CHECK(find_member(chain.state(), bbb)->member == chain.genesis().members[1]);
    CHECK_FALSE(find_member(chain.state(), party("ZZZ")));
}

TEST_CASE("accounts by member and all", "[state][queries]") {
    TestChain chain;
    CHECK(find_account(chain.state(), aaa, cny)->limit == units(10'000));
    CHECK_FALSE(find_account(chain.state(), aaa, currency("EUR")));
    CHECK_FALSE(find_account(chain.state(), party("HUB"), cny));
    CHECK(find_accounts(chain.state(), bbb).size() == 1);
    CHECK(find_accounts(chain.state(), bbb).front().party == bbb);
    CHECK(list_accounts(chain.state()).size() == 3);
}

TEST_CASE("chargers by EVSE id, by place and by station", "[state][queries]") {
    TestChain chain{make_genesis(), {aaa, bbb}};
    const StateOverlay state = chain.state();
    CHECK(find_charger(state, aaa, "AAA*2")->connector == 2);
    CHECK_FALSE(find_charger(state, bbb, "AAA*2"));
    CHECK_FALSE(find_charger(state, aaa, std::string(500, 'x')));
    CHECK(find_charger_at(state, aaa, "ST1", 2)->evse_id == "AAA*2");
    CHECK_FALSE(find_charger_at(state, aaa, "ST1", 3));
    CHECK_FALSE(find_charger_at(state, aaa, "ST", 1));
    const auto connectors = find_chargers_of_station(state, bbb, "ST1");
    REQUIRE(connectors.size() == 2);
    CHECK(connectors[0].evse_id == "BBB*1");
    CHECK(connectors[1].charger.meter_serial == "M2");
    CHECK(is_station_known(state, aaa, "ST1"));
    CHECK_FALSE(is_station_known(state, aaa, "S"));
    CHECK_FALSE(is_station_known(state, ccc, "ST1"));
    CHECK_FALSE(is_station_known(state, aaa, std::string(500, 'x')));
    CHECK(list_chargers(state, aaa, 10).size() == 2);
    CHECK(list_chargers(state, aaa, 1).front().evse_id == "AAA*1");
}

TEST_CASE("tariffs are listed with their latest version", "[state][queries]") {
    TestChain chain{make_genesis(), {aaa}};
    PublishTariff publish;
    publish.tariff = day_tariff(cny, {{0, 1, 1}});
    publish.ref = {"std", 2};
    CHECK(chain.apply(aaa, publish) == ResultCode::ok);
    publish.ref = {"a", 1};
    CHECK(chain.apply(aaa, publish) == ResultCode::ok);
    const std::vector<TariffRef> expected{{"a", 1}, {"std", 2}};
    CHECK(list_tariffs(chain.state(), aaa, 10) == expected);
    CHECK(list_tariffs(chain.state(), aaa, 1).size() == 1);
    CHECK(list_tariffs(chain.state(), bbb, 10).empty());
}

TEST_CASE("live authorizations are read page by page", "[state][queries]") {
    TestChain chain{make_genesis(), {aaa}};
    std::vector<AuthorizationRef> refs;
    for (int i = 0; i < 5; ++i) {
        refs.push_back(chain.approve(i % 2 == 0 ? bbb : ccc, aaa, units(1)));
    }
    std::sort(refs.begin(), refs.end());
    std::vector<AuthorizationRef> seen;
    AuthorizationRef from;
    for (;;) {
        const auto page = list_live_authorizations(chain.state(), from, 2);
        if (page.empty()) {
            break;
        }
        CHECK(page.size() <= 2);
        for (const Authorization& authorization : page) {
            seen.push_back(authorization.ref);
        }
        from = seen.back();
        from.id.data.back() = static_cast<std::uint8_t>(from.id.data.back() + 1);
    }
    CHECK(seen == refs);
}

TEST_CASE("nothing is owed between strangers", "[state][queries]") {
    TestChain chain;
    CHECK(find_exposure(chain.state(), aaa, bbb, cny) == Exposure{});
    CHECK_FALSE(find_totals(chain.state(), currency("EUR")));
    CHECK_FALSE(find_countersign(chain.state(), {aaa, {}}));
    CHECK_FALSE(find_authorization(chain.state(), {aaa, {}}));
}

}  // namespace tally::test
