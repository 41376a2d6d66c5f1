// What an operator registers: the set in order, changes that wait, and what a restart keeps.

#include "node/tokens/token_mirror.h"

#include "ledger/base/memory_store.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::node {
namespace {

SharedTokenKey key_of(std::uint8_t octet) {
    SharedSecret secret;
    secret.data.fill(octet);
    return shared_key_of(secret);
}

using Cards = std::vector<std::string>;

}  // namespace

TEST_CASE("the set is in the order of its hashes and read in pages", "[tokens]") {
    MemoryStore store;
    TokenMirror mirror{store, key_of(1)};
    CHECK(mirror.add({"A", "B", "C", "A"}) == 0);
    CHECK(mirror.add({"B", "D"}) == 0);
    CHECK(mirror.state().count == 4);
    std::vector<TokenHash> expected;
    for (const char* card : {"A", "B", "C", "D"}) {
        expected.push_back(token_hash(key_of(1), card));
    }
    std::sort(expected.begin(), expected.end());
    CHECK(mirror.hashes(std::nullopt, 10) == expected);
    CHECK(mirror.hashes(std::nullopt, 2) == std::vector(expected.begin(), expected.begin() + 2));
    CHECK(mirror.hashes(expected[1], 10) == std::vector(expected.begin() + 2, expected.end()));
    CHECK(mirror.waiting(10).added.empty());  // nothing was sent yet: the set will say it all
}

TEST_CASE("once the set is being sent, what comes and goes waits as a change", "[tokens]") {
    MemoryStore store;
    TokenMirror mirror{store, key_of(1)};
    mirror.add({"A", "B"});
    mirror.begin_sending(3);
    mirror.add({"C"});
    mirror.remove({"A", "NEVER"});
    TokenMirror again{store, key_of(1)};
    CHECK(again.state() == mirror.state());
    CHECK(again.state().phase == TokenMirror::Phase::sending);
    CHECK(again.state().count == 2);
    TokenChange change = again.waiting(10);
    CHECK(change.version == 3);
    CHECK(change.added == std::vector{token_hash(key_of(1), "C")});
    CHECK(change.removed == std::vector{token_hash(key_of(1), "A")});
    again.set_in_force(0);
    // While the change is on its way, C goes and A comes back.
    again.remove({"C"});
    again.add({"A"});
    change.sequence = 8;
    again.taken(change);
    CHECK(again.state().sequence == 8);
    const TokenChange next = again.waiting(10);
    CHECK(next.added == std::vector{token_hash(key_of(1), "A")});
    CHECK(next.removed == std::vector{token_hash(key_of(1), "C")});
    again.taken(next);
    CHECK(again.waiting(10).added.empty());
    CHECK(again.waiting(10).removed.empty());
}

TEST_CASE("more cards than allowed are refused and counted", "[tokens]") {
    MemoryStore store;
    TokenMirror mirror{store, key_of(1), 2};
    CHECK(mirror.add({"A", "B", "C"}) == 1);
    CHECK(mirror.add({"A", "D", "E"}) == 2);
    CHECK(mirror.state().count == 2);
    mirror.remove({"A"});
    CHECK(mirror.add({"D"}) == 0);
}

TEST_CASE("cards kept here are listed in pages, whatever the key", "[tokens]") {
    MemoryStore store;
    TokenMirror{store, key_of(1)}.keep({"B", "A", "C"});
    TokenMirror mirror{store, key_of(2)};
    CHECK(mirror.kept("", 2) == Cards{"A", "B"});
    CHECK(mirror.kept("B", 2) == Cards{"C"});
    mirror.forget({"B", "X"});
    CHECK(mirror.kept("", 9) == Cards{"A", "C"});
}

TEST_CASE("what was made under other keys is cleared, and nothing else", "[tokens]") {
    MemoryStore store;
    for (std::uint8_t octet = 1; octet <= 3; ++octet) {
        TokenMirror mirror{store, key_of(octet)};
        mirror.add({"A", "B", "C"});
        mirror.begin_sending(1);
        mirror.add({"D"});
    }
    TokenMirror mirror{store, key_of(2)};
    mirror.keep({"A"});
    std::size_t rounds{0};
    while (mirror.clear_other_keys(2)) {
        REQUIRE(++rounds < 20);
    }
    CHECK(mirror.hashes(std::nullopt, 10).size() == 4);
    CHECK(mirror.waiting(10).added.size() == 1);
    CHECK(mirror.kept("", 10).size() == 1);
    CHECK(store.entries().size() == 4 + 1 + 1 + 1);
    CHECK(TokenMirror{store, key_of(1)}.state().count == 0);
}

}  // namespace tally::node
