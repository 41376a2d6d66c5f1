// Cards without a prefix: registered by their operators at the hub, looked up by the visited one,
// with links that lose and services that crash.

#include "node/roaming/messages.h"
#include "node/roaming/token_directory.h"
#include "node/roaming/token_office.h"
#include "node/roaming/token_registrar.h"
#include "tests/node/roaming/roaming_world.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

using tally::test::party;
using tally::test::units;

SharedTokenKey shared_key(std::uint8_t octet) {
    SharedSecret secret;
    secret.data.fill(octet);
    return shared_key_of(secret);
}

/// Every operator has these keys from now on.
void give_keys(World& world, const std::vector<SharedTokenKey>& keys) {
    for (const char* name : {"AAA", "BBB", "CCC"}) {
        MemberProcess& member = world.member(name);
        member.token_keys = keys;
        member.crash();
        member.start();
    }
}

bool is_registered(World& world, const char* name, std::uint64_t cards) {
    if (!world.member(name).is_up()) {
        return false;
    }
    const TokenView view = world.member(name).service().tokens();
    return std::string{view.phase} == "registered" && view.gathered && view.cards == cards;
}

void wait_registered(World& world, const char* name, std::uint64_t cards) {
    INFO(name << " registers " << cards);
    REQUIRE(world.run_until([&] { return is_registered(world, name, cards); }, 200'000));
}

ChargePlan with_card(const std::string& card) {
    ChargePlan plan;
    plan.token = card;
    plan.prepaid = units(20);
    return plan;
}

std::string refusal(World& world, const std::string& card) {
    const AuthorizeResult result = world.swipe(with_card(card));
    return result.accepted ? "accepted" : result.reason;
}

/// A charge from swipe to settlement.
bool charges(World& world, const std::string& card) {
    return world.charge(with_card(card)).state == SessionState::settled;
}

std::uint64_t sets_under(World& world, const SharedTokenKey& key) {
    std::uint64_t sets{0};
    for (const auto& row : world.member("HUB").service().tokens().registered) {
        sets += row.state.key == key.id && row.state.version > 0 ? 1U : 0U;
    }
    return sets;
}

}  // namespace

TEST_CASE("a card without a prefix charges, and its return is known", "[roaming][tokens]") {
    World world;
    world.customer("BBB-04A1B2C3D4", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    const SessionView view = world.charge(with_card("04a1b2c3d4"));
    REQUIRE(view.state == SessionState::settled);
    CHECK(view.home == party("BBB"));
    CHECK(world.run_until([&] {
        return world.member("BBB").accounts().find("BBB-04A1B2C3D4")->balance == units(85);
    }));

    ChargePlan going_on = with_card("04A1B2C3D4");
    going_on.end = false;
    going_on.asked_connector = 1;
    const SessionId session = world.bridge().swipe(going_on);
    REQUIRE(world.run_until([&] { return world.is_in("AAA", session, SessionState::charging); }));
    world.cut.insert(std::minmax(party("AAA"), party("HUB")));
    const AuthorizeResult back = world.swipe(going_on);
    CHECK(back.accepted);
    CHECK(world.member("AAA").counts()["roaming_return_swipe"] == 1);
}

TEST_CASE("cards that nobody or two operators registered are refused by name",
          "[roaming][tokens]") {
    World world;
    world.customer("BBB-SAME", units(100));
    world.customer("CCC-SAME", units(100));
    world.customer("CCC-ONE", units(100));
    CHECK(refusal(world, "ONE") == "unknown_token");  // no shared key yet
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    wait_registered(world, "CCC", 2);
    CHECK(refusal(world, "SAME") == "ambiguous_token");
    CHECK(world.member("AAA").counts()["tokens_ambiguous"] == 1);
    CHECK(world.member("BBB").service().load().home_open == 0);
    CHECK(refusal(world, "NOBODYS") == "unknown_token");
    CHECK(refusal(world, "XYZ-1") == "unknown_operator");
    CHECK(refusal(world, "CCC-SAME") == "accepted");
    CHECK(refusal(world, "ONE") == "accepted");
    CHECK(refusal(world, std::string(37, 'X')) == "unknown_token");
    ChargePlan faulted = with_card("NOBODYS");
    faulted.health = ConnectorHealth::faulted;
    CHECK(world.swipe(faulted).reason == "charger_faulted");
}

TEST_CASE("with the hub away a remembered card charges and others are unknown",
          "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    world.customer("BBB-TWO", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 2);
    REQUIRE(charges(world, "ONE"));
    world.member("HUB").crash();
    CHECK(charges(world, "ONE"));
    CHECK(refusal(world, "TWO") == "unknown_token");
    CHECK(refusal(world, "BBB-TWO") == "accepted");  // the prefix needs no hub
    world.run(token_cache_ms);
    CHECK(refusal(world, "ONE") == "unknown_token");
    world.member("HUB").start();
    CHECK(refusal(world, "ONE") == "accepted");
}

TEST_CASE("a hub that does not answer costs a look-up its share of the time only",
          "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    world.filter = [](const PartyId& from, const PartyId&, const Bytes&) {
        return from != party("HUB");
    };
    const UnixMillis before = world.now();
    CHECK(refusal(world, "ONE") == "unknown_token");
    CHECK(world.now() - before <= token_lookup_wait_ms + 1'000);
    CHECK(world.member("AAA").counts()["tokens_hub_away"] == 1);
}

TEST_CASE("customers that come later are registered as changes", "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    world.customer("BBB-TWO", units(100));
    wait_registered(world, "BBB", 2);
    CHECK(refusal(world, "TWO") == "accepted");
    CHECK(world.member("BBB").counts()["tokens_set_in_force"] == 1);  // the set was sent once
    CHECK(world.member("BBB").counts()["tokens_set_sent_again"] == 0);
}

TEST_CASE("cards kept elsewhere come and go", "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    const auto keep = [&](const std::vector<std::string>& cards, bool forget) {
        bool done{false};
        world.member("BBB").service().keep_cards(cards, forget, [&](bool taken) { done = taken; });
        REQUIRE(world.run_until([&] { return done; }));
    };
    keep({"ELSEWHERE", "ONE"}, false);
    wait_registered(world, "BBB", 2);
    // B itself does not know that customer: the card is found, and B says no.
    CHECK(refusal(world, "ELSEWHERE") == "unknown_token");
    CHECK(world.member("HUB").counts()["tokens_lookup_found"] == 1);
    keep({"ELSEWHERE", "ONE"}, true);
    wait_registered(world, "BBB", 1);
    CHECK(refusal(world, "ONE") == "accepted");  // still a customer's
    bool refused{false};
    world.member("HUB").service().keep_cards({"X"}, false, [&](bool taken) { refused = !taken; });
    CHECK(refused);
}

TEST_CASE("a hub that lost its register gets the set again", "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    world.member("HUB").crash();
    world.member("HUB").token_disk = MemoryStore{};
    world.member("HUB").start();
    REQUIRE(world.run_until(
        [&] { return world.member("BBB").counts()["tokens_set_in_force"] == 2; }, 200'000));
    CHECK(refusal(world, "ONE") == "accepted");
}

TEST_CASE("a large set survives losses and crashes of hub and operator", "[roaming][tokens]") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        INFO("seed " << seed);
        World world{seed};
        world.member("BBB").token_keys = {shared_key(1)};
        constexpr std::size_t count{token_chunk_max * 2 + 5};
        std::vector<CustomerEntry> entries;
        for (std::size_t i = 0; i < count; ++i) {
            CustomerEntry entry;
            entry.token = "BBB-" + std::to_string(i);
            entry.currency = tally::test::currency("CNY");
            entries.push_back(entry);
        }
        REQUIRE(world.member("BBB").accounts().import(entries, world.now()));
        give_keys(world, {shared_key(1)});
        world.faults = {.loss = 20, .repetition = 20, .delay_max = 300, .crash = 30};
        world.run(20'000);
        world.faults = {};
        for (auto& [name, member] : world.members()) {
            if (!member->is_up()) {
                member->start();
            }
        }
        wait_registered(world, "BBB", count);
        const auto rows = world.member("HUB").service().tokens().registered;
        const auto own = std::find_if(rows.begin(), rows.end(),
                                      [](const auto& row) { return row.member == party("BBB"); });
        REQUIRE(own != rows.end());
        CHECK(own->state.count == count);
    }
}

TEST_CASE("keys are rotated without a gap, and the old one goes", "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    world.customer("CCC-TWO", units(100));
    give_keys(world, {shared_key(1)});
    for (const char* name : {"AAA", "BBB", "CCC"}) {
        wait_registered(world, name, name[0] == 'A' ? 0 : 1);
    }
    // First everybody learns the new key for look-ups, with BBB ahead.
    const auto restart = [&](const char* name) {
        world.member(name).token_keys = {shared_key(2), shared_key(1)};
        world.member(name).crash();
        world.member(name).start();
    };
    restart("BBB");
    wait_registered(world, "BBB", 1);
    CHECK(sets_under(world, shared_key(1)) == 3);
    CHECK(charges(world, "ONE"));  // AAA has only the old key
    restart("AAA");
    CHECK(charges(world, "ONE"));
    CHECK(charges(world, "TWO"));  // CCC has only registered under the old key
    restart("CCC");
    REQUIRE(world.run_until([&] { return sets_under(world, shared_key(1)) == 0; }, 200'000));
    CHECK(sets_under(world, shared_key(2)) == 3);
    world.run(token_cache_ms);
    CHECK(charges(world, "TWO"));
}

TEST_CASE("the hub bounds what an operator may ask in a second", "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    const auto from_ccc = [&](const TokenMessage& message) {
        SignedMessage signed_message;
        signed_message.from = party("CCC");
        signed_message.to = party("HUB");
        signed_message.id = world.random().fixed<MessageId>();
        signed_message.body = encode_roaming_body(message);
        KeySigner key{tally::test::secret_of("CCC/member")};
        signed_message.signature =
            key.sign(signed_message.signing_digest(world.chain().chain_id()));
        return world.member("HUB").service().on_member_frame(party("CCC"),
                                                             encode_signed_message(signed_message));
    };
    auto& counts = world.member("HUB").counts();
    const int looked_up = counts["tokens_lookup_unknown"];
    TokenLookup lookup;
    lookup.hashes = {{shared_key(1).id, token_hash(shared_key(1), "GUESS")}};
    for (std::int64_t i = 0; i < token_lookups_burst_max + 50; ++i) {
        lookup.id = world.random().fixed<LookupId>();
        REQUIRE(from_ccc(lookup));
    }
    CHECK(counts["tokens_lookup_busy"] == 50);
    world.run(1'000);
    CHECK(counts["tokens_lookup_unknown"] - looked_up == token_lookups_burst_max);
    REQUIRE(from_ccc(lookup));
    CHECK(counts["tokens_lookup_busy"] == 50);
    TokenChange change;
    change.key = shared_key(1).id;
    change.version = 99;
    change.sequence = 1;
    change.added = {token_hash(shared_key(1), "ONE")};
    for (std::int64_t i = 0; i < token_writes_burst_max + 200; ++i) {
        REQUIRE(from_ccc(change));
    }
    CHECK(counts["tokens_write_busy"] >= 200);
    for (int i = 0; i < token_statuses_burst_max + 9; ++i) {
        REQUIRE(from_ccc(TokenStatusRequest{}));
    }
    CHECK(counts["tokens_status_dropped"] >= 9);
    // What only a hub says is refused from a member, and the register is as it was.
    REQUIRE(from_ccc(TokenAnswer{}));
    CHECK(counts["tokens_message_refused"] == 1);
    CHECK(refusal(world, "ONE") == "accepted");
}

TEST_CASE("members do not take each other's word about cards", "[roaming][tokens]") {
    World world;
    give_keys(world, {shared_key(1)});
    SignedMessage message;
    message.from = party("CCC");
    message.to = party("AAA");
    message.id = world.random().fixed<MessageId>();
    TokenAnswer answer;
    answer.finding = TokenFinding::found;
    answer.party = party("CCC");
    message.body = encode_roaming_body(TokenMessage{answer});
    KeySigner key{tally::test::secret_of("CCC/member")};
    message.signature = key.sign(message.signing_digest(world.chain().chain_id()));
    const Bytes frame = encode_signed_message(message);
    CHECK(world.member("AAA").service().on_member_frame(party("CCC"), frame));
    CHECK(world.member("AAA").counts()["tokens_message_refused"] == 1);
    // Nor does the hub carry it.
    CHECK_FALSE(world.member("HUB").service().on_member_frame(party("CCC"), frame));
}

TEST_CASE("look-ups that wait and cards that are remembered are bounded", "[roaming][tokens]") {
    World world;
    world.customer("BBB-ONE", units(100));
    give_keys(world, {shared_key(1)});
    wait_registered(world, "BBB", 1);
    world.filter = [](const PartyId& from, const PartyId&, const Bytes&) {
        return from != party("HUB");
    };
    MemberProcess& visited = world.member("AAA");
    int overloaded{0};
    for (std::size_t i = 0; i < token_lookups_pending_max + 10; ++i) {
        world.bridge().swipe(with_card("CARD" + std::to_string(i)));
    }
    REQUIRE(world.run_until(
        [&] {
            return std::all_of(world.bridge().charges().begin(), world.bridge().charges().end(),
                               [](const auto& entry) { return entry.second.result.has_value(); });
        },
        20'000));
    for (const auto& [session, charge] : world.bridge().charges()) {
        overloaded += charge.result->reason == "overloaded" ? 1 : 0;
    }
    CHECK(overloaded == 10);
    CHECK(visited.counts()["tokens_hub_away"] == token_lookups_pending_max);
}

}  // namespace tally::node::test
