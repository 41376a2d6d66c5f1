#pragma once

#include "ledger/base/bytes.h"
#include "ledger/state/state_view.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace tally {

/// Longest path in the tree: bits of a hashed key.
inline constexpr std::size_t state_proof_hashes_max{256};

/// Proof that a key has a value, or has none, under a state root.
///
/// Encoding (fixed-width codec): sibling count u16 (256 at most), then 32 bytes each from the root
/// down; other u8 (0 or 1), and if 1 the hashed key and the value's hash of the other leaf.
struct StateProof {
    /// Siblings on the path, from the root down.
    std::vector<Hash> siblings;
    /// Absence only: the leaf that stands where the key's would, with the hash of its value.
    struct OtherLeaf {
        Hash key_hash;
        Hash value_hash;
        friend bool operator==(const OtherLeaf&, const OtherLeaf&) = default;
    };
    std::optional<OtherLeaf> other;

    friend bool operator==(const StateProof&, const StateProof&) = default;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<StateProof> decode(ByteView bytes);
};

/// Bit `depth` of a hashed key, the most significant one first; `depth` < 256.
[[nodiscard]] bool state_path_bit(const Hash& hash, std::size_t depth) noexcept;
/// Whether two hashed keys agree in their first `count` bits.
[[nodiscard]] bool shares_state_path(const Hash& left, const Hash& right, std::size_t count);
/// The root that a subtree of this hash has at the end of a path with these siblings.
[[nodiscard]] Hash climb_state_path(const Hash& key_hash, Hash hash,
                                    const std::vector<Hash>& siblings);
/// H(1 | left | right).
[[nodiscard]] Hash state_node_hash(const Hash& left, const Hash& right);

/// Accept any input.
[[nodiscard]] bool verify_present(const Hash& root, ByteView key, ByteView value,
                                  const StateProof& proof);
[[nodiscard]] bool verify_absent(const Hash& root, ByteView key, const StateProof& proof);

/// The authenticated form of the flat state: a binary Merkle tree over SHA-256(key), most
/// significant bit first. Empty subtrees hash to 32 zero bytes, a subtree with one entry is that
/// entry's leaf H(0 | SHA-256(key) | SHA-256(value)), any other is H(1 | left | right).
///
/// Persistent: copies are cheap and share what later updates do not touch. Keys are kept, so that a
/// subtree can be handed to a joining node entry by entry; of values only the hash.
/// Memory: an entry takes a leaf node of 40 bytes and its key (20 for an authorization), and, on
/// average, 1.44 inner nodes of 56 bytes: one million of them in 160 MB with the allocator's
/// rounding.
/// Threads: copies that share nodes belong to one thread (plain reference counts).
class StateTree {  // NOLINT(cppcoreguidelines-special-member-functions): assigns by swapping
public:
    StateTree() noexcept = default;
    StateTree(const StateTree& other) noexcept;
    StateTree(StateTree&& other) noexcept
        : m_root{std::exchange(other.m_root, nullptr)}, m_count{std::exchange(other.m_count, 0)} {}
    StateTree& operator=(StateTree other) noexcept {
        std::swap(m_root, other.m_root);
        std::swap(m_count, other.m_count);
        return *this;
    }
    ~StateTree();

    /// Applies the changes of a block; keys of derived tables are passed over.
    void update(const StateChanges& changes);
    [[nodiscard]] Hash root() const;
    /// Of membership when the key is there, else of absence.
    [[nodiscard]] StateProof prove(ByteView key) const;
    [[nodiscard]] std::uint64_t count_entries() const noexcept { return m_count; }

    /// What stands where a path of bits leads.
    struct Subtree {
        /// On the way, from the root down: fewer than the path has bits when a leaf or nothing
        /// stands above its end.
        std::vector<Hash> siblings;
        /// The hashes of both halves, when there are more entries than asked for.
        std::optional<std::array<Hash, 2>> children;
        std::vector<Bytes> keys;  ///< else: of all its entries, in order of SHA-256(key)
    };
    /// The subtree at the first `depth` (at most 256) bits of `prefix`.
    [[nodiscard]] Subtree subtree(const Hash& prefix, std::size_t depth,
                                  std::size_t entries_max) const;
    /// Hash of that subtree; of the leaf or nothing that stands above it when it is not there.
    [[nodiscard]] Hash subtree_root(const Hash& prefix, std::size_t depth) const;

    struct Node;

private:
    struct Change;
    void insert(const Change& change);
    void remove(const Change& change);
    void rehash();

    Node* m_root{nullptr};
    std::uint64_t m_count{0};
};

}  // namespace tally
