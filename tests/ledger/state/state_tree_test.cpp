// The state tree against a naive one that is computed anew over the whole map.

#include "ledger/state/state_tree.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/keys.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>

namespace tally {
namespace {

using Map = std::map<Bytes, Bytes>;

bool bit(const Hash& hash, std::size_t depth) {
    return ((static_cast<unsigned>(hash.data[depth / 8]) >> (7U - depth % 8)) & 1U) != 0;
}

Hash hash_of(std::uint8_t prefix, const Hash& left, const Hash& right) {
    Encoder encoder;
    encoder.u8(prefix).fixed(left).fixed(right);
    return sha256(encoder.bytes());
}

/// The definition, word by word: level by level from leaves grouped by their bits. No shared code
/// with the tree, no sharing between calls. Works on ranges of the sorted leaves, deepest first.
Hash naive_root(const Map& map) {
    struct Leaf {
        Hash key;
        Hash value;
    };
    std::vector<Leaf> leaves;
    for (const auto& [key, value] : map) {
        leaves.push_back({sha256(key), sha256(value)});
    }
    std::sort(leaves.begin(), leaves.end(),
              [](const Leaf& a, const Leaf& b) { return a.key < b.key; });
    struct Frame {
        std::size_t begin;
        std::size_t end;
        std::size_t depth;
        int stage;
        Hash left;
    };
    std::vector<Frame> stack{{0, leaves.size(), 0, 0, {}}};
    Hash returned;
    while (!stack.empty()) {
        Frame& frame = stack.back();
        const std::size_t size = frame.end - frame.begin;
        if (size <= 1) {
            returned =
                size == 0 ? Hash{} : hash_of(0, leaves[frame.begin].key, leaves[frame.begin].value);
            stack.pop_back();
            continue;
        }
        std::size_t middle = frame.begin;
        while (middle < frame.end && !bit(leaves[middle].key, frame.depth)) {
            ++middle;
        }
        if (frame.stage == 0) {
            frame.stage = 1;
            stack.push_back({frame.begin, middle, frame.depth + 1, 0, {}});
        } else if (frame.stage == 1) {
            frame.stage = 2;
            frame.left = returned;
            stack.push_back({middle, frame.end, frame.depth + 1, 0, {}});
        } else {
            returned = hash_of(1, frame.left, returned);
            stack.pop_back();
        }
    }
    return returned;
}

Bytes key_of(std::uint32_t number) {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(Table::account)).u32(number);
    return std::move(encoder).take();
}

Bytes value_of(std::uint64_t number) {
    Encoder encoder;
    encoder.u64(number);
    return std::move(encoder).take();
}

/// Both forms of one state.
struct Twin {
    StateTree tree;
    Map map;

    void apply(const StateChanges& changes) {
        tree.update(changes);
        for (const auto& [key, value] : changes) {
            if (value) {
                map[key] = *value;
            } else {
                map.erase(key);
            }
        }
    }
};

StateChanges random_changes(std::mt19937_64& random, std::uint32_t keys, std::size_t count) {
    StateChanges changes;
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes key = key_of(static_cast<std::uint32_t>(random() % keys));
        if (random() % 3 == 0) {
            changes[key] = std::nullopt;
        } else {
            changes[key] = value_of(random() % 50);
        }
    }
    return changes;
}

}  // namespace

TEST_CASE("an empty tree has the zero root", "[state][tree]") {
    StateTree tree;
    CHECK(tree.root() == Hash{});
    tree.update({{key_of(1), std::nullopt}});
    CHECK(tree.root() == Hash{});
    tree.update({{key_of(1), value_of(1)}});
    tree.update({{key_of(1), std::nullopt}});
    CHECK(tree.root() == Hash{});
    CHECK(tree.count_entries() == 0);
}

TEST_CASE("one entry is its leaf alone", "[state][tree]") {
    StateTree tree;
    tree.update({{key_of(7), value_of(9)}});
    CHECK(tree.root() == hash_of(0, sha256(key_of(7)), sha256(value_of(9))));
}

TEST_CASE("a golden root: the definition does not drift", "[state][tree]") {
    StateTree tree;
    StateChanges changes;
    for (std::uint32_t i = 0; i < 3; ++i) {
        changes[key_of(i)] = value_of(i);
    }
    tree.update(changes);
    CHECK(to_hex(tree.root()) ==
          "c99aee8a7b4dcaff4c6fd9e6a711d2d20654e490d58e07aa4d89df3ae7dc1d4b");
}

TEST_CASE("derived tables are not in the tree", "[state][tree]") {
    StateTree tree;
    tree.update({{Bytes{0x80, 1}, value_of(1)}, {Bytes{0x82, 1}, value_of(1)}});
    CHECK(tree.root() == Hash{});
}

TEST_CASE("the order and grouping of updates do not matter", "[state][tree]") {
    Twin all;
    StateChanges changes;
    for (std::uint32_t i = 0; i < 500; ++i) {
        changes[key_of(i)] = value_of(i);
    }
    all.apply(changes);
    StateTree one_by_one;
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
        one_by_one.update({*change});
    }
    CHECK(all.tree.root() == one_by_one.root());
    CHECK(all.tree.root() == naive_root(all.map));
}

TEST_CASE("thousands of random updates agree with the naive tree", "[state][tree][property]") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        std::mt19937_64 random{seed};
        Twin twin;
        const auto keys = static_cast<std::uint32_t>(1 + random() % 300);
        for (int block = 0; block < 120; ++block) {
            twin.apply(random_changes(random, keys, random() % 40));
            INFO("seed " << seed << " block " << block);
            REQUIRE(twin.tree.root() == naive_root(twin.map));
            REQUIRE(twin.tree.count_entries() == twin.map.size());
        }
    }
}

TEST_CASE("copies keep their state whatever happens to the others", "[state][tree][property]") {
    std::mt19937_64 random{42};
    std::vector<Twin> branches(1);
    for (int step = 0; step < 300; ++step) {
        Twin branch = branches[random() % branches.size()];
        branch.apply(random_changes(random, 60, 8));
        if (branches.size() < 12) {
            branches.push_back(branch);
        } else {
            branches[random() % branches.size()] = branch;
        }
        const Twin& looked_at = branches[random() % branches.size()];
        REQUIRE(looked_at.tree.root() == naive_root(looked_at.map));
    }
}

TEST_CASE("every key has a proof of membership or absence", "[state][tree]") {
    std::mt19937_64 random{7};
    for (const std::uint32_t keys : {1U, 2U, 3U, 40U, 400U}) {
        Twin twin;
        twin.apply(random_changes(random, keys, keys * 2));
        const Hash root = twin.tree.root();
        for (std::uint32_t i = 0; i < keys + 20; ++i) {
            const Bytes key = key_of(i);
            const StateProof proof = twin.tree.prove(key);
            const auto entry = twin.map.find(key);
            const bool present = entry != twin.map.end();
            const Bytes value = present ? entry->second : value_of(1);
            REQUIRE(verify_present(root, key, value, proof) == present);
            REQUIRE(verify_absent(root, key, proof) == !present);
            REQUIRE(StateProof::decode(proof.encode()) == proof);
        }
    }
}

TEST_CASE("a proof holds for its key, value and root only", "[state][tree]") {
    Twin twin;
    StateChanges changes;
    for (std::uint32_t i = 0; i < 100; ++i) {
        changes[key_of(i)] = value_of(i);
    }
    twin.apply(changes);
    const Hash root = twin.tree.root();
    const StateProof proof = twin.tree.prove(key_of(5));
    REQUIRE(verify_present(root, key_of(5), value_of(5), proof));
    CHECK_FALSE(verify_present(root, key_of(5), value_of(6), proof));
    CHECK_FALSE(verify_present(root, key_of(6), value_of(6), proof));
    CHECK_FALSE(verify_present(Hash{}, key_of(5), value_of(5), proof));
    CHECK_FALSE(verify_absent(root, key_of(5), proof));
    for (std::size_t i = 0; i < proof.siblings.size(); ++i) {
        StateProof other = proof;
        other.siblings[i].data[0] ^= 1U;
        CHECK_FALSE(verify_present(root, key_of(5), value_of(5), other));
        other = proof;
        other.siblings.erase(other.siblings.begin() + static_cast<std::ptrdiff_t>(i));
        CHECK_FALSE(verify_present(root, key_of(5), value_of(5), other));
    }
    StateProof longer = proof;
    longer.siblings.push_back(Hash{});
    CHECK_FALSE(verify_present(root, key_of(5), value_of(5), longer));
}

TEST_CASE("absence cannot be shown by a leaf from elsewhere", "[state][tree]") {
    Twin twin;
    StateChanges changes;
    for (std::uint32_t i = 0; i < 100; ++i) {
        changes[key_of(i)] = value_of(i);
    }
    twin.apply(changes);
    const Hash root = twin.tree.root();
    // A true path, ending in a true leaf: but of other keys than the one said to be absent.
    for (std::uint32_t i = 1; i < 100; ++i) {
        StateProof proof = twin.tree.prove(key_of(i));
        proof.other = StateProof::OtherLeaf{sha256(key_of(i)), sha256(value_of(i))};
        REQUIRE_FALSE(verify_absent(root, key_of(0), proof));
        REQUIRE_FALSE(verify_absent(root, key_of(i), proof));
    }
}

TEST_CASE("hostile proofs are refused", "[state][tree]") {
    StateProof proof;
    proof.siblings.assign(state_proof_hashes_max, Hash{});
    CHECK(StateProof::decode(proof.encode()) == proof);
    CHECK_FALSE(verify_present(Hash{}, key_of(1), value_of(1), proof));
    CHECK_FALSE(verify_absent(Hash{}, key_of(1), proof));
    proof.siblings.push_back(Hash{});
    CHECK_FALSE(verify_present(Hash{}, key_of(1), value_of(1), proof));
    CHECK_FALSE(verify_absent(Hash{}, key_of(1), proof));

    CHECK_FALSE(StateProof::decode(Bytes{}));
    CHECK_FALSE(StateProof::decode(Bytes{0x01, 0x01, 0x00}));  // 257 siblings
    CHECK_FALSE(StateProof::decode(Bytes{0x00, 0x00, 0x02}));  // neither 0 nor 1
    CHECK_FALSE(StateProof::decode(Bytes{0x00, 0x00, 0x00, 0x00}));
    const Bytes whole = StateProof{{Hash{}}, StateProof::OtherLeaf{}}.encode();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        REQUIRE_FALSE(StateProof::decode(ByteView{whole}.first(length)));
    }
}

}  // namespace tally
