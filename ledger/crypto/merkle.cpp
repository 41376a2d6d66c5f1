#include "ledger/crypto/merkle.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <array>
#include <bit>

namespace tally {

namespace {

constexpr std::array<std::uint8_t, 1> leaf_prefix{0x00};
constexpr std::array<std::uint8_t, 1> node_prefix{0x01};

/// Some leaves of a tree, [begin, begin + count).
struct Range {
    std::uint64_t begin{0};
    std::uint64_t count{0};
};

/// The largest power of two below `count`, which is where RFC 9162 splits a tree; count >= 2.
std::uint64_t split_of(std::uint64_t count) { return std::bit_floor(count - 1); }

/// Root of a range whose begin is a multiple of a power of two that is at least its count: as every
/// subtree of a log is.
Hash range_root(const Range& range, const SubtreeReader& subtree) {
    std::vector<Hash> parts;
    std::uint64_t begin = range.begin;
    std::uint64_t left = range.count;
    while (left > 0) {
        const auto level = static_cast<std::uint32_t>(std::bit_width(left) - 1);
        parts.push_back(subtree(level, begin >> level));
        begin += std::uint64_t{1} << level;
        left -= std::uint64_t{1} << level;
    }
    Hash root = parts.back();
    for (std::size_t i = parts.size() - 1; i > 0; --i) {
        root = merkle_node_hash(parts[i - 1], root);
    }
    return root;
}

}  // namespace

Hash merkle_leaf_hash(ByteView entry) { return sha256(leaf_prefix, entry); }

Hash merkle_node_hash(const Hash& left, const Hash& right) {
    // One update of 65 bytes is measurably faster than three.
    std::array<std::uint8_t, 1 + 2 * Hash::size> node{};
    node[0] = node_prefix[0];
    std::copy(left.data.begin(), left.data.end(), node.begin() + 1);
    std::copy(right.data.begin(), right.data.end(), node.begin() + 1 + Hash::size);
    return sha256(node);
}

Hash merkle_root(std::span<const Hash> leaf_hashes) {
    MerkleFrontier frontier;
    for (const Hash& leaf : leaf_hashes) {
        frontier.append(leaf);
    }
    return frontier.root();
}

void MerkleFrontier::append(const Hash& leaf_hash) {
    Hash node = leaf_hash;
    // Every trailing one bit of the old size is a full subtree that now gets its right half.
    for (std::uint64_t bits = m_size; (bits & 1U) != 0; bits >>= 1U) {
        node = merkle_node_hash(m_subtrees.back(), node);
        m_subtrees.pop_back();
    }
    m_subtrees.push_back(node);
    ++m_size;
}

Hash MerkleFrontier::root() const {
    if (m_subtrees.empty()) {
        return sha256(ByteView{});
    }
    Hash root = m_subtrees.back();
    for (std::size_t i = m_subtrees.size() - 1; i > 0; --i) {
        root = merkle_node_hash(m_subtrees[i - 1], root);
    }
    return root;
}

std::optional<MerkleFrontier> MerkleFrontier::restore(std::uint64_t size,
                                                      std::vector<Hash> subtrees) {
    if (subtrees.size() != static_cast<std::size_t>(std::popcount(size))) {
        return std::nullopt;
    }
    MerkleFrontier frontier;
    frontier.m_size = size;
    frontier.m_subtrees = std::move(subtrees);
    return frontier;
}

std::vector<Hash> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                  const SubtreeReader& subtree) {
    ENSURE(index < size);
    std::vector<Hash> path;
    Range range{0, size};
    while (range.count > 1) {
        const std::uint64_t split = split_of(range.count);
        const Range left{range.begin, split};
        const Range right{range.begin + split, range.count - split};
        const bool in_left = index < right.begin;
        path.push_back(range_root(in_left ? right : left, subtree));
        range = in_left ? left : right;
    }
    std::reverse(path.begin(), path.end());
    return path;
}

std::vector<Hash> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                    const SubtreeReader& subtree) {
    ENSURE(old_size > 0 && old_size <= size);
    std::vector<Hash> path;
    Range range{0, size};
    std::uint64_t old_count = old_size;  // leaves of the old tree inside `range`
    bool is_whole_old_tree{true};        // whether the verifier knows the hash at the end already
    while (old_count < range.count) {
        const std::uint64_t split = split_of(range.count);
        const Range left{range.begin, split};
        const Range right{range.begin + split, range.count - split};
        if (old_count <= split) {
            path.push_back(range_root(right, subtree));
            range = left;
        } else {
            path.push_back(range_root(left, subtree));
            range = right;
            old_count -= split;
            is_whole_old_tree = false;
        }
    }
    if (!is_whole_old_tree) {
        path.push_back(range_root(range, subtree));
    }
    std::reverse(path.begin(), path.end());
    return path;
}

std::vector<Hash> inclusion_proof(std::uint64_t index, std::span<const Hash> leaf_hashes) {
    const SubtreeReader reader = [leaf_hashes](std::uint32_t level, std::uint64_t position) {
        const std::size_t count = std::size_t{1} << level;
        return merkle_root(leaf_hashes.subspan(static_cast<std::size_t>(position) * count, count));
    };
    return inclusion_proof(index, leaf_hashes.size(), reader);
}

bool verify_inclusion(const Hash& leaf_hash, std::uint64_t index, std::uint64_t size,
                      std::span<const Hash> proof, const Hash& root) {
    if (index >= size || proof.size() > merkle_proof_hashes_max) {
        return false;
    }
    std::uint64_t node = index;
    std::uint64_t last = size - 1;
    Hash hash = leaf_hash;
    for (const Hash& sibling : proof) {
        if (last == 0) {
            return false;
        }
        if ((node & 1U) != 0 || node == last) {
            hash = merkle_node_hash(sibling, hash);
            const int levels = (node & 1U) != 0 ? 0 : std::countr_zero(node);
            node >>= static_cast<unsigned>(levels);
            last >>= static_cast<unsigned>(levels);
        } else {
            hash = merkle_node_hash(hash, sibling);
        }
        node >>= 1U;
        last >>= 1U;
    }
    return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                        const Hash& root, std::span<const Hash> proof) {
    if (old_size == 0 || old_size > size || proof.size() > merkle_proof_hashes_max) {
        return false;
    }
    if (old_size == size) {
        return proof.empty() && old_root == root;
    }
    std::vector<Hash> path{proof.begin(), proof.end()};
    if (std::has_single_bit(old_size)) {
        path.insert(path.begin(), old_root);
    }
    if (path.empty()) {
        return false;
    }
    // Skip the levels on which the old tree's last leaf ends a full subtree.
    const auto full_levels = static_cast<unsigned>(std::countr_one(old_size - 1));
    std::uint64_t node = (old_size - 1) >> full_levels;
    std::uint64_t last = (size - 1) >> full_levels;
    Hash old_hash = path.front();
    Hash new_hash = path.front();
    for (const Hash& sibling : std::span<const Hash>{path}.subspan(1)) {
        if (last == 0) {
            return false;
        }
        if ((node & 1U) != 0 || node == last) {
            old_hash = merkle_node_hash(sibling, old_hash);
            new_hash = merkle_node_hash(sibling, new_hash);
            const int levels = (node & 1U) != 0 || node == 0 ? 0 : std::countr_zero(node);
            node >>= static_cast<unsigned>(levels);
            last >>= static_cast<unsigned>(levels);
        } else {
            new_hash = merkle_node_hash(new_hash, sibling);
        }
        node >>= 1U;
        last >>= 1U;
    }
    return last == 0 && old_hash == old_root && new_hash == root;
}

}  // namespace tally
