#pragma once

// The append-only Merkle tree of RFC 9162 section 2.1 (leaf 0x00, node 0x01, SHA-256), without any
// storage: roots and proofs from hashes that the caller has.

#include "ledger/base/bytes.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace tally {

/// Longest audit path or consistency proof that is ever accepted (trees up to 2^63 leaves).
inline constexpr std::size_t merkle_proof_hashes_max{64};

/// SHA-256(0x00 | entry).
[[nodiscard]] Hash merkle_leaf_hash(ByteView entry);
/// SHA-256(0x01 | left | right).
[[nodiscard]] Hash merkle_node_hash(const Hash& left, const Hash& right);
/// Root over leaf hashes; SHA-256 of nothing for an empty list.
[[nodiscard]] Hash merkle_root(std::span<const Hash> leaf_hashes);

/// The right edge of a growing tree: enough to append and to give the root, 64 hashes at most.
class MerkleFrontier {
public:
    MerkleFrontier() = default;
    void append(const Hash& leaf_hash);
    [[nodiscard]] std::uint64_t size() const noexcept { return m_size; }
    [[nodiscard]] Hash root() const;
    /// Roots of the full subtrees from the largest (left) to the smallest, one per set bit of size.
    [[nodiscard]] const std::vector<Hash>& subtrees() const noexcept { return m_subtrees; }
    /// Nothing when the number of subtrees does not fit `size`.
    [[nodiscard]] static std::optional<MerkleFrontier> restore(std::uint64_t size,
                                                               std::vector<Hash> subtrees);
    friend bool operator==(const MerkleFrontier&, const MerkleFrontier&) = default;

private:
    std::uint64_t m_size{0};
    std::vector<Hash> m_subtrees;
};

/// Gives the root of the full subtree of 2^level leaves whose index among those of its level is
/// `index`. Only subtrees that lie completely inside the tree are asked for.
using SubtreeReader = std::function<Hash(std::uint32_t level, std::uint64_t index)>;

/// Proof that leaf `index` is in the tree of the first `size` leaves, lowest sibling first
/// (RFC 9162 section 2.1.3.1). `index` < `size`.
[[nodiscard]] std::vector<Hash> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                const SubtreeReader& subtree);
/// Proof that the tree of `size` leaves extends that of `old_size` (section 2.1.4.1);
/// 0 < `old_size` <= `size`.
[[nodiscard]] std::vector<Hash> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                                  const SubtreeReader& subtree);
/// Same, over leaf hashes held in memory.
[[nodiscard]] std::vector<Hash> inclusion_proof(std::uint64_t index,
                                                std::span<const Hash> leaf_hashes);

/// Sections 2.1.3.2 and 2.1.4.2. Accept any input; never read beyond what the sizes demand.
[[nodiscard]] bool verify_inclusion(const Hash& leaf_hash, std::uint64_t index, std::uint64_t size,
                                    std::span<const Hash> proof, const Hash& root);
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, const Hash& old_root,
                                      std::uint64_t size, const Hash& root,
                                      std::span<const Hash> proof);

}  // namespace tally
