// Messages about cards: what is encoded is read back, and nothing else is read.

#include "tests/node/tokens/token_fixture.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

std::vector<TokenMessage> samples() {
    TokenSetState state;
    state.key = key_id(1);
    state.version = 3;
    state.sequence = 9;
    state.count = 1'000;
    state.next_version = 4;
    state.next_count = 2;
    state.next_last = hash_of(7);
    TokenStatus status;
    status.own = {state};
    status.keys = {{key_id(1), {party("AAA"), party("BBB")}}, {key_id(2), {}}};
    TokenChunk chunk = whole(key_id(1), 4, {1, 2, 9});
    chunk.older = {key_id(2), key_id(3)};
    TokenChunk next = chunk;
    next.is_first = false;
    next.after = hash_of(0);
    next.is_last = false;
    TokenChange change;
    change.key = key_id(1);
    change.version = 3;
    change.sequence = 10;
    change.added = hashes({1, 5});
    change.removed = hashes({2});
    TokenLookup lookup;
    lookup.id.data.fill(9);
    lookup.hashes = {{key_id(1), hash_of(1)}, {key_id(2), hash_of(2)}};
    TokenAnswer found;
    found.id = lookup.id;
    found.finding = TokenFinding::found;
    found.party = party("BBB");
    TokenAnswer unknown;
    unknown.id = lookup.id;
    return {TokenStatusRequest{},
            status,
            chunk,
            next,
            whole(key_id(1), 1, {}),
            change,
            TokenReceipt{TokenResult::out_of_step, state},
            lookup,
            found,
            unknown};
}

bool is_refused(const TokenMessage& message) {
    return !decode_token_message(encode_token_message(message));
}

template <typename Message, typename Change>
bool is_refused_with(Message message, Change change) {
    CHECK_FALSE(is_refused(message));
    change(message);
    return is_refused(message);
}

std::vector<TokenHash> many(std::size_t count) {
    std::vector<TokenHash> list;
    for (std::uint32_t i = 0; i < count; ++i) {
        list.push_back(hash_of(i));
    }
    return list;
}

}  // namespace

TEST_CASE("every token message is read back as it was", "[tokens]") {
    for (const TokenMessage& message : samples()) {
        const auto read = decode_token_message(encode_token_message(message));
        REQUIRE(read);
        CHECK(*read == message);
    }
}

TEST_CASE("a token message that is cut, longer or of an unknown kind is refused", "[tokens]") {
    for (const TokenMessage& message : samples()) {
        const Bytes bytes = encode_token_message(message);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            CHECK_FALSE(decode_token_message(ByteView{bytes}.first(length)));
        }
        Bytes longer = bytes;
        longer.push_back(0);
        CHECK_FALSE(decode_token_message(longer));
        for (const std::uint8_t kind : Bytes{0, 8, 255}) {
            Bytes other = bytes;
            other.front() = kind;
            CHECK_FALSE(decode_token_message(other));
        }
    }
}

TEST_CASE("a chunk must rise, go on behind the last and stay within its bounds", "[tokens]") {
    const TokenChunk first = whole(key_id(1), 4, {1, 2, 9});
    CHECK(is_refused_with(first, [](auto& c) { c.version = 0; }));
    CHECK(is_refused_with(first, [](auto& c) { c.hashes = hashes({2, 1}); }));
    CHECK(is_refused_with(first, [](auto& c) { c.hashes = hashes({1, 1}); }));
    CHECK(is_refused_with(first, [](auto& c) { c.after = hash_of(0); }));
    CHECK(is_refused_with(first, [](auto& c) { c.older = {key_id(1)}; }));
    CHECK(is_refused_with(first, [](auto& c) { c.older = {key_id(2), key_id(2)}; }));
    CHECK(is_refused_with(first, [](auto& c) { c.older = {key_id(2), key_id(3), key_id(4)}; }));
    CHECK(is_refused_with(first, [](auto& c) {
        c.is_last = false;
        c.hashes.clear();
    }));
    TokenChunk next = first;
    next.is_first = false;
    next.after = hash_of(0);
    CHECK(is_refused_with(next, [](auto& c) { c.after = hash_of(1); }));
    TokenChunk full = first;
    full.hashes = many(token_chunk_max);
    CHECK(encode_token_message(full).size() < 60'000);  // in a signed message of 64 KiB
    CHECK(is_refused_with(full, [](auto& c) { c.hashes = many(token_chunk_max + 1); }));
}

TEST_CASE("a change says each hash once, and at least one", "[tokens]") {
    TokenChange change;
    change.key = key_id(1);
    change.version = 3;
    change.sequence = 10;
    change.added = hashes({1, 5});
    change.removed = hashes({2});
    CHECK(is_refused_with(change, [](auto& c) { c.version = 0; }));
    CHECK(is_refused_with(change, [](auto& c) { c.sequence = 0; }));
    CHECK(is_refused_with(change, [](auto& c) { c.removed = hashes({5}); }));
    CHECK(is_refused_with(change, [](auto& c) { c.added = hashes({5, 1}); }));
    CHECK(is_refused_with(change, [](auto& c) {
        c.added.clear();
        c.removed.clear();
    }));
    change.added = many(token_chunk_max);
    change.removed.clear();
    CHECK(is_refused_with(change, [](auto& c) {
        c.removed = hashes({static_cast<std::uint32_t>(token_chunk_max)});
    }));
}

TEST_CASE("look-ups, answers and states stay within their bounds", "[tokens]") {
    TokenLookup lookup;
    lookup.hashes = {{key_id(1), hash_of(1)}};
    CHECK(is_refused_with(lookup, [](auto& l) { l.hashes.clear(); }));
    CHECK(is_refused_with(lookup, [](auto& l) { l.hashes.push_back(l.hashes.front()); }));
    CHECK(is_refused_with(lookup, [](auto& l) {
        for (std::uint8_t i = 2; i <= token_keys_max + 1; ++i) {
            l.hashes.push_back({key_id(i), hash_of(i)});
        }
    }));
    TokenAnswer found;
    found.finding = TokenFinding::found;
    found.party = party("BBB");
    CHECK(is_refused_with(found, [](auto& a) { a.party = {}; }));
    CHECK(is_refused_with(found, [](auto& a) { a.finding = TokenFinding::ambiguous; }));
    TokenStatus status;
    CHECK(is_refused_with(status, [](auto& s) { s.own.resize(token_status_keys_max + 1); }));
    CHECK(is_refused_with(status, [](auto& s) { s.keys.resize(token_status_keys_max + 1); }));
    CHECK(is_refused_with(status, [](auto& s) {
        s.keys = {{key_id(1), {party("BBB"), party("AAA")}}};
    }));
    CHECK(is_refused_with(status, [](auto& s) { s.keys = {{key_id(1), {PartyId{}}}}; }));
}

}  // namespace tally::node::test
