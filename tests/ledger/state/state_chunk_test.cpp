// The state in parts: what a joining node fetches from peers that it does not trust.

#include "ledger/state/state_chunk.h"

#include "ledger/base/codec.h"
#include "ledger/base/memory_store.h"
#include "ledger/crypto/sha256.h"

#include <catch2/catch.hpp>

#include <map>
#include <random>

namespace tally {
namespace {

Bytes key_of(std::uint32_t number) {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(Table::account)).u32(number);
    return std::move(encoder).take();
}

Bytes value_of(std::uint64_t number, std::size_t bytes = 8) {
    Bytes value(bytes, 0);
    for (std::size_t i = 0; i < 8 && i < bytes; ++i) {
        value[i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return value;
}

/// A tree with its values, as a snapshot has them.
struct Source {
    StateTree tree;
    MemoryStore values;

    explicit Source(std::uint32_t entries, std::size_t value_bytes = 8) {
        StateChanges changes;
        WriteBatch batch;
        for (std::uint32_t i = 0; i < entries; ++i) {
            changes[key_of(i)] = value_of(i, value_bytes);
            batch.put(key_of(i), value_of(i, value_bytes));
        }
        tree.update(changes);
        REQUIRE(values.write(batch, true));
    }

    [[nodiscard]] StateChunk chunk(const ChunkName& name) const {
        std::optional<StateChunk> made = make_chunk(tree, values, name);
        REQUIRE(made);
        std::optional<StateChunk> received = StateChunk::decode(made->encode());
        REQUIRE(received);
        return std::move(*received);
    }
};

/// Fetches everything as a client does, from a first depth on.
std::map<Bytes, Bytes> fetch_all(const Source& source, std::uint8_t first_depth) {
    std::map<Bytes, Bytes> fetched;
    std::vector<ChunkName> wanted{{}};
    while (wanted.back().depth < first_depth) {
        std::vector<ChunkName> deeper;
        for (const ChunkName& name : wanted) {
            for (const ChunkName& half : name.halves()) {
                deeper.push_back(half);
            }
        }
        wanted = std::move(deeper);
    }
    while (!wanted.empty()) {
        const ChunkName name = wanted.back();
        wanted.pop_back();
        const StateChunk chunk = source.chunk(name);
        switch (verify_chunk(source.tree.root(), name, chunk)) {
            case ChunkVerdict::whole:
                for (const KeyValueStore::Entry& entry : chunk.entries) {
                    if (is_under(name, entry.key)) {
                        REQUIRE(fetched.emplace(entry.key, entry.value).second);
                    }
                }
                break;
            case ChunkVerdict::split:
                for (const ChunkName& half : name.halves()) {
                    wanted.push_back(half);
                }
                break;
            case ChunkVerdict::wrong:
                FAIL("an honest chunk is refused at depth " << int{name.depth});
        }
    }
    return fetched;
}

std::map<Bytes, Bytes> all_of(const Source& source) {
    const MemoryStore::Entries& entries = source.values.entries();
    return {entries.begin(), entries.end()};
}

}  // namespace

TEST_CASE("every entry arrives once, whatever depth the client begins at", "[state][chunk]") {
    for (const std::uint32_t entries : {0U, 1U, 2U, 3U, 17U, 600U, 5000U}) {
        const Source source{entries};
        for (const std::uint8_t depth : {std::uint8_t{0}, std::uint8_t{3}, std::uint8_t{9}}) {
            INFO(entries << " entries from depth " << int{depth});
            REQUIRE(fetch_all(source, depth) == all_of(source));
        }
    }
}

TEST_CASE("large values make smaller chunks, and one entry is always a chunk", "[state][chunk]") {
    const Source large{40, 20'000};
    CHECK(fetch_all(large, 0) == all_of(large));
    CHECK(large.chunk({}).halves.has_value());
    const Source huge{3, chunk_bytes_max + 1};
    CHECK(fetch_all(huge, 0) == all_of(huge));
}

TEST_CASE("a chunk holds as many entries as the bound and no more", "[state][chunk]") {
    const Source full{chunk_entries_max};
    CHECK(full.chunk({}).entries.size() == chunk_entries_max);
    const Source more{chunk_entries_max + 1};
    CHECK(more.chunk({}).halves.has_value());
    StateChunk oversized = full.chunk({});
    oversized.entries.push_back({key_of(chunk_entries_max), value_of(0)});
    CHECK_FALSE(StateChunk::decode(oversized.encode()));
}

TEST_CASE("a wrong, missing, added or moved entry does not lead to the root", "[state][chunk]") {
    const Source source{2000};
    const Hash root = source.tree.root();
    const ChunkName name = ChunkName{}.halves()[0].halves()[1].halves()[0];
    const StateChunk good = source.chunk(name);
    REQUIRE(verify_chunk(root, name, good) == ChunkVerdict::whole);
    REQUIRE(good.entries.size() > 3);

    StateChunk bad = good;
    bad.entries[1].value[0] ^= 1U;
    CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    bad = good;
    bad.entries.erase(bad.entries.begin());
    CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    bad = good;
    std::swap(bad.entries[0], bad.entries[1]);
    CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    bad = good;
    bad.entries.push_back(bad.entries.back());
    CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    bad = good;
    bad.entries.clear();
    CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    bad = good;
    bad.entries[0].key[0] = 0x80;  // a derived table
    CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    for (std::size_t i = 0; i < good.siblings.size(); ++i) {
        bad = good;
        bad.siblings[i].data[31] ^= 1U;
        CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
        bad = good;
        bad.siblings.erase(bad.siblings.begin() + static_cast<std::ptrdiff_t>(i));
        CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    }
    bad = good;
    bad.siblings.push_back(Hash{});
    CHECK(verify_chunk(root, name, bad) == ChunkVerdict::wrong);
    const ChunkName neighbour = ChunkName{}.halves()[0].halves()[1].halves()[1];
    CHECK(verify_chunk(root, neighbour, good) == ChunkVerdict::wrong);
    CHECK(verify_chunk(Hash{}, name, good) == ChunkVerdict::wrong);
}

TEST_CASE("nobody can be sent deeper than the tree goes", "[state][chunk]") {
    const Source source{2000};
    const Hash root = source.tree.root();
    StateChunk split = source.chunk({});
    REQUIRE(verify_chunk(root, {}, split) == ChunkVerdict::split);
    std::swap((*split.halves)[0], (*split.halves)[1]);
    CHECK(verify_chunk(root, {}, split) == ChunkVerdict::wrong);

    // A leaf's key and value hashes look like two halves, but leaves have a prefix of their own.
    const Source single{1};
    StateChunk forged;
    forged.halves = std::array<Hash, 2>{sha256(key_of(0)), sha256(value_of(0))};
    CHECK(verify_chunk(single.tree.root(), {}, forged) == ChunkVerdict::wrong);

    // True halves, under a name that is deeper than they are.
    const ChunkName deeper = ChunkName{}.halves()[0];
    CHECK(verify_chunk(root, deeper, source.chunk({})) == ChunkVerdict::wrong);
}

TEST_CASE("names that are not aligned are refused", "[state][chunk]") {
    ChunkName name;
    name.depth = chunk_depth_max;
    CHECK(name.is_valid());
    name.depth = chunk_depth_max + 1;
    CHECK_FALSE(name.is_valid());
    name.depth = 3;
    name.prefix.data[0] = 0xe0;
    CHECK(name.is_valid());
    name.prefix.data[0] = 0xf0;
    CHECK_FALSE(name.is_valid());
    name.prefix.data[0] = 0;
    name.prefix.data[31] = 1;
    CHECK_FALSE(name.is_valid());
    CHECK(verify_chunk(Hash{}, name, {}) == ChunkVerdict::wrong);
}

TEST_CASE("hostile bytes are not a chunk", "[state][chunk]") {
    const Source source{20};
    const Bytes whole = source.chunk(ChunkName{}.halves()[1]).encode();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        REQUIRE_FALSE(StateChunk::decode(ByteView{whole}.first(length)));
    }
    Bytes longer = whole;
    longer.push_back(0);
    CHECK_FALSE(StateChunk::decode(longer));
    CHECK_FALSE(StateChunk::decode(Bytes{65}));
    CHECK_FALSE(StateChunk::decode(Bytes{0, 2}));
    CHECK_FALSE(StateChunk::decode(Bytes{0, 0, 0xff, 0xff, 0xff, 0xff}));
    // Every flipped byte is noticed by the decoder or by the proof.
    const ChunkName name = ChunkName{}.halves()[1];
    for (std::size_t at = 0; at < whole.size(); ++at) {
        Bytes flipped = whole;
        flipped[at] ^= 0x10U;
        const std::optional<StateChunk> chunk = StateChunk::decode(flipped);
        const bool noticed =
            !chunk || verify_chunk(source.tree.root(), name, *chunk) == ChunkVerdict::wrong;
        REQUIRE(noticed);
    }
}

TEST_CASE("a value that is gone from the store is never served", "[state][chunk]") {
    Source source{5};
    WriteBatch batch;
    batch.erase(key_of(3));
    REQUIRE(source.values.write(batch, true));
    CHECK_FALSE(make_chunk(source.tree, source.values, {}));
}

}  // namespace tally
