// The hub's register: sets, changes, resuming, who counts, rotation, and what a restart keeps.

#include "node/tokens/token_registry.h"

#include "ledger/base/memory_store.h"
#include "tests/node/tokens/token_fixture.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

const TokenKeyId old_key{key_id(1)};
const TokenKeyId new_key{key_id(2)};

/// A register that can be closed and opened again.
struct Hub {
    MemoryStore store;
    TokenRegistry registry{store};

    TokenAnswer find(const std::vector<KeyedHash>& hashes) const {
        TokenLookup lookup;
        lookup.hashes = hashes;
        return registry.find(lookup);
    }
    std::string owner(const TokenKeyId& key, std::uint32_t number) const {
        const TokenAnswer answer = find({{key, hash_of(number)}});
        return answer.finding == TokenFinding::found ? to_text(answer.party)
                                                     : to_text(answer.finding);
    }
    TokenResult take(const char* member, const TokenChunk& chunk) {
        return registry.take(party(member), chunk).result;
    }
    std::size_t entries() const {
        std::size_t count{0};
        for (const auto& [key, value] : store.entries()) {
            count += key.front() == 'h' ? 1U : 0U;
        }
        return count;
    }
    void sweep() {
        std::size_t rounds{0};
        while (registry.sweep(2)) {
            REQUIRE(++rounds < 1'000);
        }
    }
};

TokenChunk part(std::uint64_t version, const std::vector<TokenHash>& list) {
    TokenChunk chunk;
    chunk.key = old_key;
    chunk.version = version;
    chunk.hashes = list;
    return chunk;
}

TokenChange change_of(std::uint64_t version, std::uint64_t sequence,
                      const std::vector<TokenHash>& added,
                      const std::vector<TokenHash>& removed = {}) {
    TokenChange change;
    change.key = old_key;
    change.version = version;
    change.sequence = sequence;
    change.added = added;
    change.removed = removed;
    return change;
}

}  // namespace

TEST_CASE("a set is found from its last chunk on, and not before", "[tokens]") {
    Hub hub;
    TokenChunk first = part(1, hashes({1, 2}));
    first.is_first = true;
    REQUIRE(hub.take("BBB", first) == TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "unknown");
    TokenChunk last = part(1, hashes({5}));
    last.after = hash_of(2);
    last.is_last = true;
    const TokenReceipt receipt = hub.registry.take(party("BBB"), last);
    CHECK(receipt.result == TokenResult::taken);
    CHECK(receipt.state.version == 1);
    CHECK(receipt.state.count == 3);
    CHECK(receipt.state.next_version == 0);
    for (const std::uint32_t number : {1U, 2U, 5U}) {
        CHECK(hub.owner(old_key, number) == "BBB");
    }
    CHECK(hub.owner(old_key, 3) == "unknown");
    CHECK(hub.owner(new_key, 1) == "unknown");
    // The next set is put together beside it and says nothing yet.
    TokenChunk next = part(2, hashes({3}));
    next.is_first = true;
    REQUIRE(hub.take("BBB", next) == TokenResult::taken);
    CHECK(hub.owner(old_key, 3) == "unknown");
    CHECK(hub.owner(old_key, 5) == "BBB");
}

TEST_CASE("a set that was cut off goes on where the hub has it, also after a restart", "[tokens]") {
    Hub hub;
    TokenChunk first = part(1, hashes({1, 2}));
    first.is_first = true;
    REQUIRE(hub.take("BBB", first) == TokenResult::taken);
    TokenRegistry again{hub.store};
    // The receipt was lost: the same chunk says where to go on.
    const TokenReceipt repeated = again.take(party("BBB"), first);
    CHECK(repeated.result == TokenResult::out_of_step);
    CHECK(repeated.state.next_version == 1);
    CHECK(repeated.state.next_last == hash_of(2));
    // One that leaves a gap is not taken.
    TokenChunk gap = part(1, hashes({9}));
    gap.after = hash_of(5);
    gap.is_last = true;
    CHECK(again.take(party("BBB"), gap).result == TokenResult::out_of_step);
    TokenChunk last = part(1, hashes({9}));
    last.after = hash_of(2);
    last.is_last = true;
    CHECK(again.take(party("BBB"), last).result == TokenResult::taken);
    CHECK(again.take(party("BBB"), last).result == TokenResult::out_of_step);
    TokenRegistry third{hub.store};
    TokenLookup lookup;
    lookup.hashes = {{old_key, hash_of(9)}};
    CHECK(third.find(lookup).party == party("BBB"));
    CHECK(third.rows().front().state.count == 3);
}

TEST_CASE("the set in force stays until the next one is whole, then goes", "[tokens]") {
    Hub hub;
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1, 2, 3})) == TokenResult::taken);
    TokenChunk first = part(2, hashes({2}));
    first.is_first = true;
    REQUIRE(hub.take("BBB", first) == TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "BBB");
    TokenChunk last = part(2, hashes({7}));
    last.after = hash_of(2);
    last.is_last = true;
    REQUIRE(hub.take("BBB", last) == TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "unknown");
    CHECK(hub.owner(old_key, 2) == "BBB");
    CHECK(hub.entries() == 5);
    hub.sweep();
    CHECK(hub.entries() == 2);
    CHECK(hub.owner(old_key, 2) == "BBB");
    CHECK(hub.owner(old_key, 7) == "BBB");
    // An older version does not come back.
    CHECK(hub.take("BBB", whole(old_key, 2, {1})) == TokenResult::out_of_step);
    CHECK(hub.take("BBB", whole(old_key, 1, {1})) == TokenResult::out_of_step);
}

TEST_CASE("remains are swept after a restart too", "[tokens]") {
    Hub hub;
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1, 2, 3})) == TokenResult::taken);
    REQUIRE(hub.take("BBB", whole(old_key, 2, {})) == TokenResult::taken);
    TokenRegistry again{hub.store};
    std::size_t rounds{0};
    while (again.sweep(100)) {
        REQUIRE(++rounds < 10);
    }
    CHECK(hub.entries() == 0);
    CHECK_FALSE(TokenRegistry{hub.store}.sweep(100));
}

TEST_CASE("changes come once and in order, and count what they change", "[tokens]") {
    Hub hub;
    CHECK(hub.registry.take(party("BBB"), change_of(1, 1, hashes({1}))).result ==
          TokenResult::out_of_step);
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1, 2})) == TokenResult::taken);
    const auto added =
        hub.registry.take(party("BBB"), change_of(1, 5, hashes({2, 3}), hashes({9})));
    CHECK(added.result == TokenResult::taken);
    CHECK(added.state.count == 3);
    CHECK(added.state.sequence == 5);
    // Repeated, older or of another version: nothing happens.
    CHECK(hub.registry.take(party("BBB"), change_of(1, 5, hashes({4}))).result ==
          TokenResult::out_of_step);
    CHECK(hub.registry.take(party("BBB"), change_of(2, 6, hashes({4}))).result ==
          TokenResult::out_of_step);
    CHECK(hub.owner(old_key, 4) == "unknown");
    const auto removed = hub.registry.take(party("BBB"), change_of(1, 6, {}, hashes({1, 3})));
    CHECK(removed.state.count == 1);
    CHECK(hub.owner(old_key, 1) == "unknown");
    CHECK(hub.owner(old_key, 2) == "BBB");
    CHECK(TokenRegistry{hub.store}.rows().front().state == removed.state);
}

TEST_CASE("a card of two operators is nobody's, until one of them gives it up", "[tokens]") {
    Hub hub;
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1, 2})) == TokenResult::taken);
    REQUIRE(hub.take("CCC", whole(old_key, 1, {2, 3})) == TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "BBB");
    CHECK(hub.owner(old_key, 2) == "ambiguous");
    CHECK(hub.owner(old_key, 3) == "CCC");
    // What one member takes away leaves the other's alone.
    REQUIRE(hub.registry.take(party("CCC"), change_of(1, 1, {}, hashes({1, 2}))).result ==
            TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "BBB");
    CHECK(hub.owner(old_key, 2) == "BBB");
}

TEST_CASE("a member's set cannot be larger than allowed", "[tokens]") {
    MemoryStore store;
    TokenRegistry registry{store, 3};
    CHECK(registry.take(party("BBB"), whole(old_key, 1, {1, 2, 3, 4})).result ==
          TokenResult::too_many);
    TokenChunk first = part(1, hashes({1, 2}));
    first.is_first = true;
    REQUIRE(registry.take(party("BBB"), first).result == TokenResult::taken);
    TokenChunk last = part(1, hashes({3, 4}));
    last.after = hash_of(2);
    last.is_last = true;
    CHECK(registry.take(party("BBB"), last).result == TokenResult::too_many);
    last.hashes = hashes({3});
    REQUIRE(registry.take(party("BBB"), last).result == TokenResult::taken);
    const auto more = registry.take(party("BBB"), change_of(1, 1, hashes({9})));
    CHECK(more.result == TokenResult::too_many);
    CHECK(more.state.count == 3);
    CHECK(registry.take(party("BBB"), change_of(1, 1, hashes({9}), hashes({1}))).result ==
          TokenResult::taken);
    // So many keys at once, and no more.
    CHECK(registry.take(party("BBB"), whole(key_id(2), 1, {1})).result == TokenResult::taken);
    CHECK(registry.take(party("BBB"), whole(key_id(3), 1, {1})).result == TokenResult::taken);
    CHECK(registry.take(party("BBB"), whole(key_id(4), 1, {1})).result == TokenResult::too_many);
    CHECK(registry.take(party("CCC"), whole(key_id(4), 1, {1})).result == TokenResult::taken);
}

TEST_CASE("old hashes go when every operator has registered under the newer key", "[tokens]") {
    Hub hub;
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1})) == TokenResult::taken);
    REQUIRE(hub.take("CCC", whole(old_key, 1, {2})) == TokenResult::taken);
    TokenChunk newer = whole(new_key, 1, {11});
    newer.older = {old_key};
    REQUIRE(hub.take("BBB", newer) == TokenResult::taken);
    // CCC has not moved yet: who only has the old key still finds both.
    CHECK(hub.owner(old_key, 1) == "BBB");
    CHECK(hub.owner(old_key, 2) == "CCC");
    CHECK(hub.registry.status(party("CCC")).keys.size() == 2);
    newer.hashes = hashes({12});
    REQUIRE(hub.take("CCC", newer) == TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "unknown");
    CHECK(hub.owner(old_key, 2) == "unknown");
    CHECK(hub.owner(new_key, 11) == "BBB");
    CHECK(hub.owner(new_key, 12) == "CCC");
    hub.sweep();
    CHECK(hub.entries() == 2);
    CHECK(TokenRegistry{hub.store}.rows().size() == 2);
}

TEST_CASE("no member can have another's set dropped", "[tokens]") {
    Hub hub;
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1})) == TokenResult::taken);
    REQUIRE(hub.take("BBB", whole(new_key, 1, {11})) == TokenResult::taken);
    // CCC calls BBB's key old; BBB did not.
    TokenChunk liar = whole(new_key, 1, {12});
    liar.older = {old_key};
    REQUIRE(hub.take("CCC", liar) == TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "BBB");
}

TEST_CASE("what an operator left under an older key does not count any more", "[tokens]") {
    Hub hub;
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1, 2})) == TokenResult::taken);
    REQUIRE(hub.take("CCC", whole(old_key, 1, {3})) == TokenResult::taken);
    // BBB registered anew without its card 2, which is CCC's now.
    REQUIRE(hub.take("BBB", whole(new_key, 1, {11})) == TokenResult::taken);
    CHECK(hub.find({{new_key, hash_of(12)}, {old_key, hash_of(2)}}).finding ==
          TokenFinding::unknown);
    CHECK(hub.find({{new_key, hash_of(13)}, {old_key, hash_of(3)}}).party == party("CCC"));
    CHECK(hub.find({{new_key, hash_of(11)}, {old_key, hash_of(1)}}).party == party("BBB"));
    // The same card under different keys by two operators is still nobody's.
    CHECK(hub.find({{new_key, hash_of(11)}, {old_key, hash_of(3)}}).finding ==
          TokenFinding::ambiguous);
}

TEST_CASE("the hub's operator drops a key, of one member or of all", "[tokens]") {
    Hub hub;
    REQUIRE(hub.take("BBB", whole(old_key, 1, {1})) == TokenResult::taken);
    REQUIRE(hub.take("CCC", whole(old_key, 1, {2})) == TokenResult::taken);
    CHECK(hub.registry.drop(new_key, std::nullopt) == 0);
    CHECK(hub.registry.drop(old_key, party("CCC")) == 1);
    CHECK(hub.owner(old_key, 1) == "BBB");
    CHECK(hub.owner(old_key, 2) == "unknown");
    CHECK(hub.registry.drop(old_key, std::nullopt) == 1);
    hub.sweep();
    CHECK(hub.entries() == 0);
    CHECK(hub.take("BBB", whole(old_key, 1, {1})) == TokenResult::taken);
    CHECK(hub.owner(old_key, 1) == "BBB");
}

TEST_CASE("a hash under which too much lies is ambiguous", "[tokens]") {
    Hub hub;
    for (std::uint64_t version = 1; version <= TokenRegistry::entries_per_hash_max; ++version) {
        REQUIRE(hub.take("BBB", whole(old_key, version, {1})) == TokenResult::taken);
    }
    CHECK(hub.owner(old_key, 1) == "ambiguous");
    hub.sweep();
    CHECK(hub.owner(old_key, 1) == "BBB");
}

}  // namespace tally::node::test
