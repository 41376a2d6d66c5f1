#include "ledger/crypto/merkle.h"

#include "ledger/crypto/sha256.h"
#include "tests/ledger/base/seeded_random.h"

#include <catch2/catch.hpp>

#include <bit>

namespace tally {

namespace {

constexpr std::size_t size_max{130};

/// RFC 9162 section 2.1, word by word, as the reference. Not shared with the product's code.
namespace reference {

std::size_t split(std::size_t count) {
    std::size_t k{1};
    while (k * 2 < count) {
        k *= 2;
    }
    return k;
}

Hash root(std::span<const Hash> leaves) {
    if (leaves.empty()) {
        return sha256(ByteView{});
    }
    if (leaves.size() == 1) {
        return leaves[0];
    }
    const std::size_t k = split(leaves.size());
    return merkle_node_hash(root(leaves.first(k)), root(leaves.subspan(k)));
}

std::vector<Hash> path(std::size_t m, std::span<const Hash> leaves) {
    if (leaves.size() == 1) {
        return {};
    }
    const std::size_t k = split(leaves.size());
    const bool in_left = m < k;
    std::vector<Hash> result = in_left ? path(m, leaves.first(k)) : path(m - k, leaves.subspan(k));
    result.push_back(root(in_left ? leaves.subspan(k) : leaves.first(k)));
    return result;
}

std::vector<Hash> subproof(std::size_t m, std::span<const Hash> leaves, bool known) {
    if (m == leaves.size()) {
        return known ? std::vector<Hash>{} : std::vector<Hash>{root(leaves)};
    }
    const std::size_t k = split(leaves.size());
    const bool in_left = m <= k;
    std::vector<Hash> result =
        in_left ? subproof(m, leaves.first(k), known) : subproof(m - k, leaves.subspan(k), false);
    result.push_back(root(in_left ? leaves.subspan(k) : leaves.first(k)));
    return result;
}

}  // namespace reference

std::vector<Hash> random_leaves(std::size_t count) {
    test::SeededRandom random{count};
    std::vector<Hash> leaves;
    for (std::size_t i = 0; i < count; ++i) {
        leaves.push_back(random.fixed<Hash>());
    }
    return leaves;
}

SubtreeReader reader_of(std::span<const Hash> leaves) {
    return [leaves](std::uint32_t level, std::uint64_t index) {
        const std::size_t count = std::size_t{1} << level;
        REQUIRE((index + 1) * count <= leaves.size());
        return reference::root(leaves.subspan(index * count, count));
    };
}

Hash flipped(Hash hash) {
    hash.data[7] ^= 0x10;
    return hash;
}

}  // namespace

TEST_CASE("the tree of the Certificate Transparency test data has its known roots", "[merkle]") {
    const std::vector<const char*> entries{"",
                                           "00",
                                           "10",
                                           "2021",
                                           "3031",
                                           "40414243",
                                           "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f"};
    const std::vector<const char*> roots{
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    std::vector<Hash> leaves;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        leaves.push_back(merkle_leaf_hash(*from_hex(entries[i])));
        CHECK(to_hex(merkle_root(leaves)) == roots[i]);
        CHECK(reference::root(leaves) == merkle_root(leaves));
    }
    CHECK(merkle_root({}) == sha256(ByteView{}));
}

TEST_CASE("roots equal the recursive definition at every size", "[merkle][property]") {
    const std::vector<Hash> leaves = random_leaves(size_max);
    MerkleFrontier frontier;
    for (std::size_t size = 0; size <= size_max; ++size) {
        const std::span<const Hash> tree = std::span{leaves}.first(size);
        CHECK(merkle_root(tree) == reference::root(tree));
        CHECK(frontier.root() == reference::root(tree));
        CHECK(frontier.size() == size);
        CHECK(frontier.subtrees().size() == static_cast<std::size_t>(std::popcount(size)));
        CHECK(MerkleFrontier::restore(size, frontier.subtrees()) == frontier);
        if (size < size_max) {
            frontier.append(leaves[size]);
        }
    }
}

TEST_CASE("a frontier is not restored from the wrong number of subtrees", "[merkle]") {
    CHECK(MerkleFrontier::restore(0, {}));
    CHECK_FALSE(MerkleFrontier::restore(0, {Hash{}}));
    CHECK_FALSE(MerkleFrontier::restore(3, {Hash{}}));
    CHECK_FALSE(MerkleFrontier::restore(4, {Hash{}, Hash{}}));
    CHECK(MerkleFrontier::restore(~std::uint64_t{0}, std::vector<Hash>(64)));
}

TEST_CASE("inclusion proofs equal the definition and verify at every size", "[merkle][property]") {
    const std::vector<Hash> leaves = random_leaves(size_max);
    for (std::size_t size = 1; size <= size_max; ++size) {
        const std::span<const Hash> tree = std::span{leaves}.first(size);
        const Hash root = reference::root(tree);
        for (std::size_t index = 0; index < size; ++index) {
            const std::vector<Hash> proof = inclusion_proof(index, size, reader_of(tree));
            REQUIRE(proof == reference::path(index, tree));
            REQUIRE(verify_inclusion(tree[index], index, size, proof, root));
        }
    }
    CHECK(inclusion_proof(5, leaves) == reference::path(5, leaves));
}

TEST_CASE("an inclusion proof holds for its leaf, place, size and root only",
          "[merkle][property]") {
    const std::vector<Hash> leaves = random_leaves(67);
    for (const std::size_t size : {1U, 2U, 3U, 7U, 8U, 33U, 64U, 67U}) {
        const std::span<const Hash> tree = std::span{leaves}.first(size);
        const Hash root = reference::root(tree);
        for (std::size_t index = 0; index < size; ++index) {
            const std::vector<Hash> proof = inclusion_proof(index, tree);
            CHECK_FALSE(verify_inclusion(flipped(tree[index]), index, size, proof, root));
            CHECK_FALSE(verify_inclusion(tree[index], index, size, proof, flipped(root)));
            CHECK_FALSE(verify_inclusion(tree[index], size, size, proof, root));
            for (std::size_t other = 0; other < size; ++other) {
                CHECK(verify_inclusion(tree[index], other, size, proof, root) == (other == index));
            }
            for (std::size_t i = 0; i < proof.size(); ++i) {
                std::vector<Hash> changed = proof;
                changed[i] = flipped(changed[i]);
                CHECK_FALSE(verify_inclusion(tree[index], index, size, changed, root));
                changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
                CHECK_FALSE(verify_inclusion(tree[index], index, size, changed, root));
            }
            std::vector<Hash> longer = proof;
            longer.push_back(root);
            CHECK_FALSE(verify_inclusion(tree[index], index, size, longer, root));
        }
    }
}

TEST_CASE("consistency proofs equal the definition and verify at every pair of sizes",
          "[merkle][property]") {
    const std::vector<Hash> leaves = random_leaves(size_max);
    std::vector<Hash> roots;
    for (std::size_t size = 0; size <= size_max; ++size) {
        roots.push_back(reference::root(std::span{leaves}.first(size)));
    }
    for (std::size_t size = 1; size <= size_max; ++size) {
        const std::span<const Hash> tree = std::span{leaves}.first(size);
        for (std::size_t old_size = 1; old_size <= size; ++old_size) {
            const std::vector<Hash> proof = consistency_proof(old_size, size, reader_of(tree));
            REQUIRE(proof == reference::subproof(old_size, tree, true));
            REQUIRE(verify_consistency(old_size, roots[old_size], size, roots[size], proof));
        }
    }
}

TEST_CASE("a consistency proof holds for its two trees only", "[merkle][property]") {
    const std::vector<Hash> leaves = random_leaves(40);
    for (std::size_t size = 2; size <= 40; ++size) {
        const std::span<const Hash> tree = std::span{leaves}.first(size);
        const Hash root = reference::root(tree);
        for (std::size_t old_size = 1; old_size < size; ++old_size) {
            const Hash old_root = reference::root(tree.first(old_size));
            const std::vector<Hash> proof = consistency_proof(old_size, size, reader_of(tree));
            CHECK_FALSE(verify_consistency(old_size, flipped(old_root), size, root, proof));
            CHECK_FALSE(verify_consistency(old_size, old_root, size, flipped(root), proof));
            CHECK_FALSE(verify_consistency(size, old_root, old_size, root, proof));
            for (std::size_t i = 0; i < proof.size(); ++i) {
                std::vector<Hash> changed = proof;
                changed[i] = flipped(changed[i]);
                CHECK_FALSE(verify_consistency(old_size, old_root, size, root, changed));
                changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
                CHECK_FALSE(verify_consistency(old_size, old_root, size, root, changed));
            }
            std::vector<Hash> longer = proof;
            longer.push_back(root);
            CHECK_FALSE(verify_consistency(old_size, old_root, size, root, longer));
        }
    }
}

TEST_CASE("verifying takes any numbers and any length", "[merkle]") {
    const Hash hash = sha256(as_bytes("x"));
    constexpr std::uint64_t largest{~std::uint64_t{0}};
    const std::vector<Hash> longest(merkle_proof_hashes_max, hash);
    const std::vector<Hash> too_long(merkle_proof_hashes_max + 1, hash);
    CHECK_FALSE(verify_inclusion(hash, 0, 0, {}, hash));
    CHECK_FALSE(verify_inclusion(hash, largest, largest, longest, hash));
    CHECK_FALSE(verify_inclusion(hash, largest - 1, largest, longest, hash));
    CHECK_FALSE(verify_inclusion(hash, 0, largest, too_long, hash));
    CHECK(verify_inclusion(hash, 0, 1, {}, hash));
    CHECK_FALSE(verify_consistency(0, hash, 0, hash, {}));
    CHECK_FALSE(verify_consistency(0, hash, 5, hash, {}));
    CHECK(verify_consistency(5, hash, 5, hash, {}));
    CHECK_FALSE(verify_consistency(5, hash, 5, hash, longest));
    CHECK_FALSE(verify_consistency(4, hash, 5, hash, {}));
    CHECK_FALSE(verify_consistency(5, hash, 6, hash, {}));
    CHECK_FALSE(verify_consistency(largest - 1, hash, largest, hash, longest));
    CHECK_FALSE(verify_consistency(1, hash, largest, hash, too_long));
}

}  // namespace tally
