// Bridges, chargers and tariffs.

#include "ledger/model/day_bands.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");

RegisterCharger charger_at(std::string evse_id, std::string station, std::uint16_t connector) {
    RegisterCharger charger;
    charger.evse_id = std::move(evse_id);
    charger.station = std::move(station);
    charger.connector = connector;
    charger.bridge_id = "bridge-1";
    charger.rated_power_w = 60'000;
    charger.meter_serial = "M1";
    return charger;
}

PublishTariff version(std::uint32_t number) {
    PublishTariff publish;
    publish.ref = {"night", number};
    publish.tariff = day_tariff(currency("CNY"), {{0, 100 * number, 0}});
    return publish;
}

}  // namespace

TEST_CASE("registering a bridge again replaces its key", "[state][registry]") {
    TestChain chain{make_genesis(), {aaa}};
    RegisterBridge bridge;
    bridge.bridge_id = "bridge-1";
    bridge.public_key = public_key_of(secret_of("another"));
    bridge.kind = BridgeKind::ocpi;
    CHECK(chain.apply(aaa, bridge) == ResultCode::ok);
    const auto found = find_bridge(chain.state(), aaa, "bridge-1");
    REQUIRE(found);
    CHECK(found->public_key == bridge.public_key);
    CHECK(found->kind == BridgeKind::ocpi);
    CHECK_FALSE(find_bridge(chain.state(), bbb, "bridge-1"));  // Ids are the member's own.
}

TEST_CASE("unknown_bridge: a charger needs a bridge of its owner", "[state][registry]") {
    TestChain chain{make_genesis(), {bbb}};
    CHECK(chain.apply(aaa, charger_at("E1", "S1", 1)) == ResultCode::unknown_bridge);
}

TEST_CASE("a revoked bridge stays known, and is trusted no more", "[state][registry]") {
    TestChain chain{make_genesis(), {aaa}};
    CHECK(chain.apply(aaa, RevokeBridge{"bridge-9"}) == ResultCode::unknown_bridge);
    CHECK(chain.apply(bbb, RevokeBridge{"bridge-1"}) == ResultCode::unknown_bridge);
    CHECK(chain.apply(aaa, RevokeBridge{"bridge-1"}) == ResultCode::ok);
    const auto found = find_bridge(chain.state(), aaa, "bridge-1");
    REQUIRE(found);
    CHECK(found->revoked);
    CHECK(chain.apply(aaa, RevokeBridge{"bridge-1"}) == ResultCode::bridge_revoked);
    CHECK(chain.apply(aaa, charger_at("E9", "ST1", 3)) == ResultCode::bridge_revoked);
    CHECK(chain.apply(aaa, RegisterBridge{"bridge-1", found->public_key, BridgeKind::site}) ==
          ResultCode::ok);
    CHECK_FALSE(find_bridge(chain.state(), aaa, "bridge-1")->revoked);
    CHECK(chain.apply(aaa, charger_at("E9", "ST1", 3)) == ResultCode::ok);
}

TEST_CASE("station_taken: one EVSE for a station and connector", "[state][registry]") {
    TestChain chain{make_genesis(), {aaa, bbb}};
    CHECK(chain.apply(aaa, charger_at("E9", "ST1", 1)) == ResultCode::station_taken);
    CHECK(chain.apply(aaa, charger_at("E9", "ST1", 3)) == ResultCode::ok);
    CHECK(chain.apply(bbb, charger_at("E9", "ST1", 3)) == ResultCode::ok);  // Another member's.
}

TEST_CASE("a charger that moves frees its old place", "[state][registry]") {
    TestChain chain{make_genesis(), {aaa}};
    CHECK(chain.apply(aaa, charger_at("AAA*1", "ST7", 5)) == ResultCode::ok);
    CHECK_FALSE(find_charger_at(chain.state(), aaa, "ST1", 1));
    CHECK(find_charger_at(chain.state(), aaa, "ST7", 5)->evse_id == "AAA*1");
    CHECK(chain.apply(aaa, charger_at("E9", "ST1", 1)) == ResultCode::ok);
}

TEST_CASE("registering a charger again keeps what its next charge is checked against",
          "[state][registry]") {
    TestChain chain{make_genesis(), {aaa}};
    chain.charge_until_recorded(bbb, aaa, 5'000);
    const auto before = *find_charger(chain.state(), aaa, "AAA*1");
    CHECK(chain.apply(aaa, charger_at("AAA*1", "ST1", 1)) == ResultCode::ok);
    const auto after = *find_charger(chain.state(), aaa, "AAA*1");
    CHECK(after.last_end_time == before.last_end_time);
    CHECK(after.last_reading == before.last_reading);
}

TEST_CASE("tariff_version_gap: versions start at 1 and grow by 1", "[state][registry]") {
    TestChain chain;
    CHECK(latest_tariff_version(chain.state(), aaa, "night") == 0);
    CHECK(chain.apply(aaa, version(2)) == ResultCode::tariff_version_gap);
    CHECK(chain.apply(aaa, version(1)) == ResultCode::ok);
    CHECK(chain.apply(aaa, version(1)) == ResultCode::tariff_version_gap);
    CHECK(chain.apply(aaa, version(3)) == ResultCode::tariff_version_gap);
    CHECK(chain.apply(aaa, version(2)) == ResultCode::ok);
    CHECK(latest_tariff_version(chain.state(), aaa, "night") == 2);
    CHECK(find_tariff(chain.state(), aaa, {"night", 1}) == version(1).tariff);
    CHECK(find_tariff(chain.state(), aaa, {"night", 2}) == version(2).tariff);
    CHECK_FALSE(find_tariff(chain.state(), aaa, {"night", 3}));
    CHECK_FALSE(find_tariff(chain.state(), aaa, {"night", 0}));
    CHECK_FALSE(find_tariff(chain.state(), bbb, {"night", 1}));
}

}  // namespace tally::test
