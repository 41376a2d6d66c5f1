// One charge through visited operator, hub and home operator: the normal course, each refusal, and
// what happens when parts are away.

#include "node/roaming/messages.h"
#include "tests/node/roaming/roaming_world.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

using tally::test::currency;
using tally::test::party;
using tally::test::units;

/// 10 kWh at 1.5000 a kWh.
constexpr Money ten_kwh{15 * money_scale};

Customer customer_of(World& world, const std::string& token) {
    return world.member(token.substr(0, 3)).accounts().find(token).value();
}

Money posted_debits(World& world, std::string_view member) {
    const auto account = find_account(world.chain().state(), party(member), currency("CNY"));
    return account ? account->debits_posted : 0;
}

/// Sum of balances and contra accounts of one operator: always zero.
Money books(World& world, std::string_view member) {
    CustomerAccounts& accounts = world.member(member).accounts();
    Money sum = 0;
    for (const Customer& customer : accounts.list("", CustomerAccounts::page_max)) {
        sum += customer.balance;
    }
    for (const ContraAccount contra :
         {ContraAccount::funding, ContraAccount::roaming, ContraAccount::revenue}) {
        sum += accounts.contra_total(contra, currency("CNY"));
    }
    return sum;
}

std::string refusal(World& world, const ChargePlan& plan) {
    const AuthorizeResult result = world.swipe(plan);
    return result.accepted ? "accepted" : result.reason;
}

}  // namespace

TEST_CASE("a charge is approved, recorded and settled, and everybody shows it", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    ChargePlan plan;
    plan.prepaid = units(50);
    const SessionView view = world.charge(plan);
    REQUIRE(view.state == SessionState::settled);
    CHECK(view.amount == ten_kwh);
    CHECK(view.prepaid == units(50));
    CHECK(view.energy_wh == 10'000);
    CHECK(view.visited == party("AAA"));
    CHECK(view.home == party("BBB"));
    CHECK(view.figures.progress_percent() == 30);
    world.run(1'000);
    CHECK(world.is_in("BBB", view.id, SessionState::settled));
    CHECK(world.is_in("HUB", view.id, SessionState::settled));
    CHECK(world.view("HUB", view.id)->amount == ten_kwh);
    CHECK(customer_of(world, "BBB-1").balance == units(100) - ten_kwh);
    CHECK(customer_of(world, "BBB-1").held == 0);
    CHECK(posted_debits(world, "BBB") == ten_kwh);
    CHECK(books(world, "BBB") == 0);
    // Nothing went past the hub, and nothing is left over.
    CHECK(world.member("AAA").counts()["roaming_message_direct"] == 0);
    CHECK(world.member("HUB").counts()["roaming_relayed"] > 0);
    for (const char* name : {"AAA", "BBB", "HUB"}) {
        CHECK(world.member(name).service().load().submissions == 0);
        CHECK(world.member(name).service().load().outbox == 0);
    }
    CHECK(world.bridge().charge(view.id).states ==
          std::vector<std::string>{"authorized", "charging", "recorded", "settled"});
    CHECK(world.member("AAA").service().sessions(10).size() == 1);
}

TEST_CASE("a lower-case token and a connector asked for are the same customer's", "[roaming]") {
    World world;
    world.customer("BBB-card", units(100));
    ChargePlan plan;
    plan.token = "bbb-Card";
    plan.asked_connector = 2;
    plan.connector = 2;
    CHECK(world.charge(plan).amount == ten_kwh);
}

TEST_CASE("an unfit charger is refused before anybody is asked", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const std::vector<std::pair<ConnectorHealth, std::string>> cases{
        {ConnectorHealth::occupied, "charger_busy"},
        {ConnectorHealth::unavailable, "charger_unavailable"},
        {ConnectorHealth::faulted, "charger_faulted"},
        {ConnectorHealth::silent, "charger_silent"},
        {ConnectorHealth::unknown, "unknown_charger"}};
    for (const auto& [health, reason] : cases) {
        ChargePlan plan;
        plan.health = health;
        CHECK(refusal(world, plan) == reason);
        plan.asked_connector = 1;
        CHECK(refusal(world, plan) == reason);
    }
    ChargePlan elsewhere;
    elsewhere.station = "ST9";
    CHECK(refusal(world, elsewhere) == "unknown_charger");
    CHECK(world.member("HUB").counts()["roaming_relayed"] == 0);
    CHECK(world.member("AAA").service().sessions(100).size() == 2 * cases.size() + 1);
    CHECK(world.member("AAA").service().sessions(3).size() == 3);
}

TEST_CASE("a charge that began while the bridge was cut off may be asked about though it is busy",
          "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    ChargePlan plan;
    plan.asked_connector = 1;
    plan.health = ConnectorHealth::occupied;
    plan.charged_already = true;
    CHECK(world.charge(plan).amount == ten_kwh);
}

TEST_CASE("the home operator's denials reach the driver by name", "[roaming]") {
    World world;
    CustomerPolicy one_at_a_time;
    world.customer("BBB-RICH", units(1'000), one_at_a_time);
    world.customer("BBB-POOR", units(1) / 2);
    world.customer("BBB-BLOCKED", units(100));
    REQUIRE(world.member("BBB").accounts().set_status("BBB-BLOCKED", CustomerStatus::blocked));
    ChargePlan plan;
    plan.token = "BBB-NOBODY";
    CHECK(refusal(world, plan) == "unknown_token");
    plan.token = "BBB-BLOCKED";
    CHECK(refusal(world, plan) == "token_blocked");
    plan.token = "BBB-POOR";
    CHECK(refusal(world, plan) == "minimum_approval");
    plan.prepaid = units(20);
    CHECK(refusal(world, plan) == "insufficient_balance");
    plan.token = "BBB-RICH";
    plan.prepaid = units(10);
    plan.end = false;
    plan.asked_connector = 1;
    REQUIRE(world.swipe(plan).accepted);
    plan.asked_connector = 2;
    plan.connector = 2;
    CHECK(refusal(world, plan) == "concurrent_charge");
    // The denials are on the ledger as well, a moment later.
    world.run(1'000);
    std::size_t denials = 0;
    for (const FinalizedBlock& block : world.blocks()) {
        denials += block.results.size();
    }
    CHECK(denials == 5 + 2);  // 5 denials, the approval and its start
    CHECK(customer_of(world, "BBB-POOR").held == 0);
}

TEST_CASE("the ledger's own refusals reach the driver and free the hold", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100'000));
    ChargePlan plan;
    plan.prepaid = units(20'000);  // BBB may owe 10,000 at most
    CHECK(refusal(world, plan) == "limit_exceeded");
    world.run(1'000);
    CHECK(customer_of(world, "BBB-1").held == 0);
    CHECK(world.member("BBB").service().sessions(1).front().state == SessionState::denied);
}

TEST_CASE("agreement, currency and operator are checked before the home is asked", "[roaming]") {
    Genesis genesis = World::default_genesis();
    for (GenesisAgreement& entry : genesis.agreements) {
        if (entry.member == party("CCC")) {
            entry.agreement.active = false;
        }
        if (entry.member == party("BBB")) {
            entry.agreement.currency = currency("EUR");
        }
    }
    World world{1, {}, genesis};
    ChargePlan plan;
    plan.token = "CCC-1";
    CHECK(refusal(world, plan) == "no_agreement");
    plan.token = "BBB-1";
    CHECK(refusal(world, plan) == "currency_mismatch");
    plan.token = "XYZ-1";
    CHECK(refusal(world, plan) == "unknown_operator");
    plan.token = "HUB-1";
    CHECK(refusal(world, plan) == "unknown_operator");
    plan.token = "AAA-1";
    CHECK(refusal(world, plan) == "not_roaming");
    plan.token = "nonsense";
    CHECK(refusal(world, plan) == "unknown_token");
    CHECK(world.member("HUB").counts()["roaming_relayed"] == 0);
}

TEST_CASE("with the hub down the charge goes directly, and the hub catches up", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    world.member("HUB").crash();
    ChargePlan plan;
    plan.end = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::charging); }));
    CHECK(world.member("AAA").counts()["roaming_message_direct"] > 0);
    world.member("HUB").start();
    world.bridge().end_charge(session);
    REQUIRE(world.run_until([&] { return world.is_in("HUB", session, SessionState::settled); }));
    CHECK(world.view("HUB", session)->amount == ten_kwh);
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::settled); }));
    CHECK(customer_of(world, "BBB-1").balance == units(100) - ten_kwh);
}

TEST_CASE("a hub that does not answer is passed after half a second", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    world.filter = [](const PartyId&, const PartyId& to, const Bytes&) {
        return to != party("HUB");
    };
    const UnixMillis before = world.now();
    REQUIRE(world.swipe({}).accepted);
    CHECK(world.now() - before >= 500);
    CHECK(world.now() - before < 1'000);
    CHECK(world.member("AAA").counts()["roaming_hub_silent"] == 1);
    // For a while the hub is not waited for again.
    const UnixMillis again = world.now();
    world.customer("CCC-1", units(100));
    ChargePlan plan;
    plan.token = "CCC-1";
    plan.connector = 2;
    plan.asked_connector = 2;
    REQUIRE(world.swipe(plan).accepted);
    CHECK(world.now() - again < 500);
}

TEST_CASE("a home operator that is away is home_unreachable after the time budget", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    world.member("BBB").crash();
    const UnixMillis before = world.now();
    CHECK(refusal(world, {}) == "home_unreachable");
    CHECK(world.now() - before >= 8'000);
    CHECK(world.now() - before < 8'500);
}

TEST_CASE("an approval that comes too late is released", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    world.sequencer_stopped = true;
    const SessionId session = world.bridge().swipe({});
    REQUIRE(world.run_until([&] { return world.bridge().charge(session).result.has_value(); }));
    CHECK(world.bridge().charge(session).result->reason == "home_unreachable");
    CHECK(world.is_in("AAA", session, SessionState::denied));
    CHECK(customer_of(world, "BBB-1").held == units(100));
    world.sequencer_stopped = false;
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::released); }));
    CHECK(world.is_in("AAA", session, SessionState::released));
    CHECK(customer_of(world, "BBB-1").held == 0);
    CHECK(world.bridge().charge(session).stops.empty());
}

TEST_CASE("an approval that can no longer become final is given up", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    world.sequencer_stopped = true;
    const SessionId session = world.bridge().swipe({});
    world.run(25'000);
    CHECK(customer_of(world, "BBB-1").held == units(100));
    world.sequencer_stopped = false;
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::denied); }));
    CHECK(customer_of(world, "BBB-1").held == 0);
}

TEST_CASE("an unused approval is released and may be asked for again", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    ChargePlan plan;
    plan.start = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::released); }));
    CHECK(customer_of(world, "BBB-1").available() == units(100));
    CHECK(world.charge({}).state == SessionState::settled);
}

TEST_CASE("a driver who comes back is answered from the charge", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    ChargePlan plan;
    plan.end = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::charging); }));
    ChargePlan back;
    back.start = false;
    back.health = ConnectorHealth::occupied;
    const AuthorizeResult result = world.swipe(back);
    REQUIRE(result.accepted);
    CHECK(result.authorization == world.bridge().charge(session).result->authorization);
    CHECK(world.member("AAA").counts()["roaming_return_swipe"] == 1);
    CHECK(customer_of(world, "BBB-1").holds == 1);
    CHECK(world.member("AAA").service().stop_charge(session));
    REQUIRE(world.run_until([&] { return !world.bridge().charge(session).stops.empty(); }));
}

TEST_CASE("live figures reach the hub's backup and the home operator", "[roaming]") {
    // An operator whose b is 0.5 for such chargers: everybody goes by it, the bridge too.
    World world;
    world.member("AAA").crash();
    world.member("AAA").options.coefficients = {{22'000, 9'000}, {60'000, 500}};
    world.member("AAA").start();
    world.customer("BBB-1", units(100));
    ChargePlan plan;
    plan.prepaid = units(50);
    plan.end = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::charging); }));
    for (const auto& evse : world.bridge().charge(session).result->evses) {
        CHECK(evse.coefficient_permille == 500);
    }
    ChargeProgress progress;
    progress.session = session;
    progress.elapsed_s = 1'800;
    progress.energy_wh = 30'000;
    progress.amount_so_far = units(20);
    progress.time = world.now();
    world.member("AAA").service().on_bridge_message("bridge-1", progress);
    for (const char* name : {"AAA", "BBB", "HUB"}) {
        REQUIRE(world.run_until(
            [&] { return world.view(name, session)->amount_so_far == units(20); }, 1'000));
        const SessionView view = *world.view(name, session);
        CHECK(view.figures.progress_percent() == 40);
        CHECK(view.figures.remaining_s == 2'700);
        CHECK(view.reference_power_w == 60'000);
    }
    // Half an hour at less than the rated power. What is configured since counts for later charges,
    // and nobody forgets what counts for this one.
    world.member("AAA").options.coefficients = {};
    world.run(200);  // until it is stored
    for (const char* name : {"AAA", "BBB", "HUB"}) {
        world.member(name).crash();
        world.member(name).start();
        INFO(name);
        REQUIRE(world.view(name, session));
        CHECK(world.view(name, session)->coefficient_permille == 500);
    }
    progress.elapsed_s = 3'600;
    progress.energy_wh = 30'000;
    world.member("AAA").service().on_bridge_message("bridge-1", progress);
    for (const char* name : {"AAA", "BBB", "HUB"}) {
        CHECK(world.run_until(
            [&] { return world.view(name, session)->figures.remaining_s == 5'400 + 900; }, 1'000));
    }
    // Older figures change nothing.
    progress.elapsed_s = 900;
    progress.amount_so_far = units(10);
    world.run(200);
    world.member("AAA").service().on_bridge_message("bridge-1", progress);
    world.run(200);
    CHECK(world.view("BBB", session)->amount_so_far == units(20));
}

TEST_CASE("what costs more than the approval is the visited operator's loss", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    ChargePlan plan;
    plan.prepaid = units(10);
    plan.energy_wh = 20'000;
    const SessionView view = world.charge(plan);
    CHECK(view.amount == units(10));
    REQUIRE(world.run_until([&] { return world.is_in("BBB", view.id, SessionState::settled); }));
    CHECK(customer_of(world, "BBB-1").balance == units(90));
}

TEST_CASE("a home operator that does not settle is claimed from", "[roaming]") {
    Genesis genesis = World::default_genesis();
    genesis.parameters.settle_window = 30'000;
    World world{1, {}, genesis};
    world.customer("BBB-1", units(100));
    ChargePlan plan;
    plan.end = false;
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::charging); }));
    world.member("BBB").crash();
    world.bridge().end_charge(session);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::settled); },
                            60'000));
    CHECK(world.view("AAA", session)->reason == "claimed");
    world.member("BBB").start();
    REQUIRE(world.run_until([&] { return world.is_in("BBB", session, SessionState::settled); }));
    CHECK(customer_of(world, "BBB-1").balance == units(100) - ten_kwh);
    CHECK(customer_of(world, "BBB-1").held == 0);
}

TEST_CASE("a record that the ledger refuses is disputed, and its hold is freed", "[roaming]") {
    World world;
    world.customer("BBB-1", units(1'000));
    ChargePlan plan;
    plan.energy_wh = 100'000;  // 100 kWh in an hour at 60 kW
    const SessionId session = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::disputed); }));
    CHECK(world.view("AAA", session)->reason == "energy_implausible");
    REQUIRE(world.run_until([&] { return customer_of(world, "BBB-1").holds == 0; }));
    CHECK(world.is_in("AAA", session, SessionState::disputed));
    CHECK(customer_of(world, "BBB-1").balance == units(1'000));
}

TEST_CASE("markup and fee are the driver's, not the visited operator's", "[roaming]") {
    World world;
    CustomerPolicy policy;
    policy.markup = 1'000;
    policy.fee = units(1);
    world.customer("BBB-1", units(100), policy);
    CHECK(world.charge({}).amount == ten_kwh);
    world.run(500);
    CHECK(customer_of(world, "BBB-1").balance == units(100) - ten_kwh - ten_kwh / 10 - units(1));
    CHECK(world.member("BBB").accounts().contra_total(ContraAccount::revenue, currency("CNY")) ==
          ten_kwh / 10 + units(1));
    CHECK(books(world, "BBB") == 0);
}

TEST_CASE("two charges on one station's two connectors settle once each", "[roaming]") {
    World world;
    CustomerPolicy policy;
    policy.concurrent_charges = 10;
    world.customer("BBB-1", units(200), policy);
    world.customer("CCC-1", units(200));
    ChargePlan first;
    first.prepaid = units(50);
    first.asked_connector = 1;
    ChargePlan second = first;
    second.connector = 2;
    second.asked_connector = 2;
    second.token = "CCC-1";
    const SessionId one = world.bridge().swipe(first);
    const SessionId two = world.bridge().swipe(second);
    REQUIRE(world.run_until([&] {
        return world.is_in("AAA", one, SessionState::settled) &&
               world.is_in("AAA", two, SessionState::settled);
    }));
    CHECK(posted_debits(world, "BBB") == ten_kwh);
    CHECK(posted_debits(world, "CCC") == ten_kwh);
}

TEST_CASE("a charge on an EVSE whose last record is under way waits for it", "[roaming]") {
    World world;
    CustomerPolicy policy;
    policy.concurrent_charges = 10;
    world.customer("BBB-1", units(200), policy);
    ChargePlan plan;
    plan.prepaid = units(50);
    plan.end = false;
    const SessionId one = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", one, SessionState::charging); }));
    plan.asked_connector = 2;  // asks for another, then plugs into the first
    const SessionId two = world.bridge().swipe(plan);
    REQUIRE(world.run_until([&] { return world.bridge().charge(two).result.has_value(); }));
    world.bridge().end_charge(one);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", one, SessionState::settled); }));
    CHECK(world.view("AAA", two)->state != SessionState::settled);
}

TEST_CASE("blocks that came while a service was down are taken in at its start", "[roaming]") {
    World world;
    world.sequencer_stopped = true;
    world.customer("BBB-1", units(100));
    const SessionId session = world.bridge().swipe({});
    world.run(100);  // decided and stored, before the first block of BBB's life
    REQUIRE(customer_of(world, "BBB-1").holds == 1);
    world.member("BBB").crash();
    world.sequencer_stopped = false;
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::recorded); }));
    world.member("BBB").start();
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::settled); }));
    world.run(100);
    CHECK(customer_of(world, "BBB-1").balance == units(100) - ten_kwh);
}

TEST_CASE("frames that break the protocol are refused", "[roaming]") {
    World world;
    RoamingService& bbb = world.member("BBB").service();
    KeySigner aaa{tally::test::secret_of("AAA/member")};
    SignedMessage message;
    message.from = party("AAA");
    message.to = party("BBB");
    message.body = encode_roaming_body(Acknowledgement{});
    const auto sign = [&] {
        message.signature = aaa.sign(message.signing_digest(world.chain().chain_id()));
        return encode_signed_message(message);
    };
    CHECK(bbb.on_member_frame(party("AAA"), sign()));
    CHECK(bbb.on_member_frame(party("HUB"), sign()));
    CHECK_FALSE(bbb.on_member_frame(party("CCC"), sign()));  // only the hub relays
    CHECK_FALSE(bbb.on_member_frame(party("AAA"), Bytes{1, 2, 3}));
    message.to = party("CCC");
    CHECK_FALSE(bbb.on_member_frame(party("AAA"), sign()));  // not the hub, does not pass on
    CHECK(world.member("HUB").service().on_member_frame(party("AAA"), sign()));
    CHECK_FALSE(world.member("HUB").service().on_member_frame(party("BBB"), sign()));
    message.direct = true;
    CHECK_FALSE(world.member("HUB").service().on_member_frame(party("AAA"), sign()));
    message.direct = false;
    message.to = party("BBB");
    message.body = {1};
    CHECK_FALSE(bbb.on_member_frame(party("AAA"), sign()));
    message.body = encode_roaming_body(Acknowledgement{});
}

TEST_CASE("a few frames with a wrong signature are dropped, many are refused", "[roaming]") {
    World world;
    RoamingService& bbb = world.member("BBB").service();
    KeySigner old_key{tally::test::secret_of("AAA/member-1")};
    KeySigner right_key{tally::test::secret_of("AAA/member")};
    SignedMessage message;
    message.from = party("AAA");
    message.to = party("BBB");
    message.body = encode_roaming_body(Acknowledgement{});
    const auto sign = [&](KeySigner& key) {
        message.signature = key.sign(message.signing_digest(world.chain().chain_id()));
        return encode_signed_message(message);
    };
    // As when its key changed and one of the two knows it before the other.
    for (std::size_t count = 0; count < unauthentic_in_a_row_max; ++count) {
        CHECK(bbb.on_member_frame(party("AAA"), sign(old_key)));
    }
    CHECK(bbb.on_member_frame(party("AAA"), sign(right_key)));
    message.from = party("XYZ");  // admitted a moment ago, as far as we know nobody
    for (std::size_t count = 0; count < unauthentic_in_a_row_max; ++count) {
        CHECK(bbb.on_member_frame(party("HUB"), sign(old_key)));
    }
    CHECK_FALSE(bbb.on_member_frame(party("HUB"), sign(old_key)));
}

}  // namespace tally::node::test
