#pragma once

#include "ledger/base/bytes.h"
#include "ledger/state/state_view.h"

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

/// Accept any input.
[[nodiscard]] bool verify_present(const Hash& root, ByteView key, ByteView value,
                                  const StateProof& proof);
[[nodiscard]] bool verify_absent(const Hash& root, ByteView key, const StateProof& proof);

/// The authenticated form of the flat state: a binary Merkle tree over SHA-256(key), most
/// significant bit first. Empty subtrees hash to 32 zero bytes, a subtree with one entry is that
/// entry's leaf H(0 | SHA-256(key) | SHA-256(value)), any other is H(1 | left | right).
///
/// Persistent: copies are cheap and share what later updates do not touch. Values are not kept,
/// only their hashes.
/// Memory: an entry takes a leaf node of 72 bytes and, on average, 1.44 inner nodes of 56 bytes,
/// about 150 bytes each entry (185 with the allocator's rounding): one million of them in 185 MB.
/// Threads: copies that share nodes belong to one thread (plain reference counts).
class StateTree {  // NOLINT(cppcoreguidelines-special-member-functions): assigns by swapping
public:
    StateTree() noexcept = default;
    StateTree(const StateTree& other) noexcept;
    StateTree(StateTree&& other) noexcept : m_root{std::exchange(other.m_root, nullptr)} {}
    StateTree& operator=(StateTree other) noexcept {
        std::swap(m_root, other.m_root);
        return *this;
    }
    ~StateTree();

    /// Applies the changes of a block; keys of derived tables are passed over.
    void update(const StateChanges& changes);
    [[nodiscard]] Hash root() const;
    /// Of membership when the key is there, else of absence.
    [[nodiscard]] StateProof prove(ByteView key) const;
    /// Counts the entries by walking: for tests and metrics.
    [[nodiscard]] std::uint64_t count_entries() const;

    struct Node;

private:
    struct Change;
    void insert(const Change& change);
    void remove(const Hash& key_hash);
    void rehash();

    Node* m_root{nullptr};
};

}  // namespace tally
