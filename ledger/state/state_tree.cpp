#include "ledger/state/state_tree.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/keys.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace tally {
namespace {

constexpr std::uint8_t leaf_prefix{0};
constexpr std::uint8_t inner_prefix{1};
constexpr std::size_t bits_max{state_proof_hashes_max};

bool bit_of(const Hash& hash, std::size_t depth) { return state_path_bit(hash, depth); }

Hash hash_pair(std::uint8_t prefix, const Hash& first, const Hash& second) {
    std::array<std::uint8_t, 1 + 2 * Hash::size> input{};
    input[0] = prefix;
    std::copy(first.data.begin(), first.data.end(), input.begin() + 1);
    std::copy(second.data.begin(), second.data.end(), input.begin() + 1 + Hash::size);
    return sha256(ByteView{input});
}

}  // namespace

bool state_path_bit(const Hash& hash, std::size_t depth) noexcept {
    return ((static_cast<unsigned>(hash.data[depth / 8]) >> (7U - depth % 8)) & 1U) != 0;
}

bool shares_state_path(const Hash& left, const Hash& right, std::size_t count) {
    for (std::size_t depth = 0; depth < count; ++depth) {
        if (bit_of(left, depth) != bit_of(right, depth)) {
            return false;
        }
    }
    return true;
}

Hash climb_state_path(const Hash& key_hash, Hash hash, const std::vector<Hash>& siblings) {
    for (std::size_t depth = siblings.size(); depth > 0; --depth) {
        const Hash& sibling = siblings[depth - 1];
        hash = bit_of(key_hash, depth - 1) ? state_node_hash(sibling, hash)
                                           : state_node_hash(hash, sibling);
    }
    return hash;
}

Hash state_node_hash(const Hash& left, const Hash& right) {
    return hash_pair(inner_prefix, left, right);
}

/// A leaf keeps its key and the hash of its value, an inner node its own hash and two children, of
/// which one may be null (empty).
struct StateTree::Node {
    std::uint32_t references{1};
    bool is_leaf{false};
    bool is_stale{false};         ///< inner only: `hash` is to be computed again
    std::uint16_t key_length{0};  ///< leaf only
};

namespace {

using Node = StateTree::Node;

/// The key stands behind the object, in the same allocation. Its hash is computed when needed:
/// keeping it would cost 32 bytes an entry to save one or two of the hashes of an update.
struct LeafNode : Node {
    Hash value_hash;
};

struct InnerNode : Node {
    std::array<Node*, 2> children{};
    Hash hash;
};

// Nodes keep their own counts and are told apart by a flag: std::shared_ptr and virtual functions
// would cost each of a million entries a control block and a pointer more.
// NOLINTBEGIN(cppcoreguidelines-*)
LeafNode* as_leaf(Node* node) { return static_cast<LeafNode*>(node); }
InnerNode* as_inner(Node* node) { return static_cast<InnerNode*>(node); }

ByteView key_of(Node* node) {
    const auto* const behind = reinterpret_cast<const std::uint8_t*>(as_leaf(node) + 1);
    return {behind, node->key_length};
}

Hash key_hash_of(Node* node) { return sha256(key_of(node)); }

LeafNode* make_leaf(ByteView key, const Hash& value_hash) {
    ENSURE(key.size() <= std::numeric_limits<std::uint16_t>::max());
    void* const memory = ::operator new(sizeof(LeafNode) + key.size());
    auto* const leaf = new (memory) LeafNode;
    leaf->is_leaf = true;
    leaf->key_length = static_cast<std::uint16_t>(key.size());
    leaf->value_hash = value_hash;
    std::copy(key.begin(), key.end(), reinterpret_cast<std::uint8_t*>(leaf + 1));
    return leaf;
}

void free_leaf(Node* node) {
    as_leaf(node)->~LeafNode();
    ::operator delete(static_cast<void*>(as_leaf(node)));
}

InnerNode* make_inner() {
    auto* inner = new InnerNode;
    inner->is_stale = true;
    return inner;
}

void retain(Node* node) {
    if (node != nullptr) {
        ++node->references;
    }
}

/// Gives up one reference. Frees what nobody holds any more, with a stack of its own: at most one
/// waiting sibling for each of the 256 levels.
void release(Node* node) {
    std::vector<Node*> waiting{node};
    while (!waiting.empty()) {
        Node* const current = waiting.back();
        waiting.pop_back();
        if (current == nullptr || --current->references > 0) {
            continue;
        }
        if (current->is_leaf) {
            free_leaf(current);
            continue;
        }
        waiting.insert(waiting.end(), as_inner(current)->children.begin(),
                       as_inner(current)->children.end());
        delete as_inner(current);
    }
}

// NOLINTEND(cppcoreguidelines-*)

/// Makes the inner node in `slot` one that only this tree holds, so that it can be changed, and
/// marks it stale.
InnerNode* own(Node*& slot) {
    if (slot->references > 1) {
        InnerNode* const shared = as_inner(slot);
        InnerNode* const copy = make_inner();
        copy->children = shared->children;
        retain(copy->children[0]);
        retain(copy->children[1]);
        --shared->references;
        slot = copy;
    }
    slot->is_stale = true;
    return as_inner(slot);
}

bool has_key(Node* leaf, ByteView key) {
    const ByteView own = key_of(leaf);
    return std::equal(own.begin(), own.end(), key.begin(), key.end());
}

Hash hash_of(Node* node) {
    if (node == nullptr) {
        return Hash{};
    }
    if (node->is_leaf) {
        return hash_pair(leaf_prefix, key_hash_of(node), as_leaf(node)->value_hash);
    }
    return as_inner(node)->hash;
}

}  // namespace

struct StateTree::Change {
    ByteView key;
    Hash key_hash;
    std::optional<Hash> value_hash;
};

StateTree::StateTree(const StateTree& other) noexcept
    : m_root{other.m_root}, m_count{other.m_count} {
    retain(m_root);
}

StateTree::~StateTree() {
    if (m_root != nullptr) {
        release(m_root);
    }
}

void StateTree::update(const StateChanges& changes) {
    std::vector<Change> hashed;
    hashed.reserve(changes.size());
    for (const auto& [key, value] : changes) {
        ENSURE(!key.empty());
        if (is_derived(key.front())) {
            continue;
        }
        hashed.push_back({key, sha256(key), std::nullopt});
        if (value) {
            hashed.back().value_hash = sha256(*value);
        }
    }
    // In order of hashed key, so that neighbours share the path that was just walked.
    std::sort(hashed.begin(), hashed.end(), [](const Change& left, const Change& right) {
        return left.key_hash < right.key_hash;
    });
    for (const Change& change : hashed) {
        if (change.value_hash) {
            insert(change);
        } else {
            remove(change);
        }
    }
    rehash();
}

void StateTree::insert(const Change& change) {
    Node** slot = &m_root;
    std::size_t depth{0};
    while (*slot != nullptr && !(*slot)->is_leaf) {
        slot = &own(*slot)->children[bit_of(change.key_hash, depth) ? 1 : 0];
        ++depth;
    }
    Node* const previous = *slot;
    Node* const leaf = make_leaf(change.key, *change.value_hash);
    if (previous != nullptr && has_key(previous, change.key)) {
        *slot = leaf;
        release(previous);
        return;
    }
    ++m_count;
    if (previous == nullptr) {
        *slot = leaf;
        return;
    }
    // Another entry stands here: go down together until the two keys part.
    const Hash other = key_hash_of(previous);
    while (bit_of(other, depth) == bit_of(change.key_hash, depth)) {
        InnerNode* const inner = make_inner();
        *slot = inner;
        slot = &inner->children[bit_of(other, depth) ? 1 : 0];
        ++depth;
        ENSURE(depth < bits_max);  // Else two keys have one hash.
    }
    InnerNode* const fork = make_inner();
    fork->children[bit_of(other, depth) ? 1 : 0] = previous;
    fork->children[bit_of(change.key_hash, depth) ? 1 : 0] = leaf;
    *slot = fork;
}

void StateTree::remove(const Change& change) {
    const Hash& key_hash = change.key_hash;
    // Look first: removing what is not there must leave shared nodes alone.
    Node* found = m_root;
    for (std::size_t depth = 0; found != nullptr && !found->is_leaf; ++depth) {
        found = as_inner(found)->children[bit_of(key_hash, depth) ? 1 : 0];
    }
    if (found == nullptr || !has_key(found, change.key)) {
        return;
    }
    --m_count;
    std::vector<Node**> path{&m_root};
    for (std::size_t depth = 0; !(*path.back())->is_leaf; ++depth) {
        path.push_back(&own(*path.back())->children[bit_of(key_hash, depth) ? 1 : 0]);
    }
    release(*path.back());
    *path.back() = nullptr;
    path.pop_back();
    // A subtree that is left with a single leaf becomes that leaf.
    while (!path.empty()) {
        InnerNode* const inner = as_inner(*path.back());
        const auto& [left, right] = inner->children;
        Node* const only = left == nullptr ? right : left;
        const bool single = (left == nullptr) != (right == nullptr) && only->is_leaf;
        if (!single) {
            break;
        }
        inner->children = {};
        *path.back() = only;
        release(inner);
        path.pop_back();
    }
}

void StateTree::rehash() {
    std::vector<InnerNode*> waiting;
    const auto push_stale = [&waiting](Node* node) {
        if (node != nullptr && !node->is_leaf && node->is_stale) {
            waiting.push_back(as_inner(node));
            return true;
        }
        return false;
    };
    push_stale(m_root);
    while (!waiting.empty()) {
        InnerNode* const inner = waiting.back();
        const auto [left, right] = inner->children;
        if (push_stale(left) || push_stale(right)) {
            continue;  // Children first; one side at a time.
        }
        inner->hash = hash_pair(inner_prefix, hash_of(left), hash_of(right));
        inner->is_stale = false;
        waiting.pop_back();
    }
}

Hash StateTree::root() const { return hash_of(m_root); }

StateProof StateTree::prove(ByteView key) const {
    const Hash key_hash = sha256(key);
    StateProof proof;
    Node* node = m_root;
    for (std::size_t depth = 0; node != nullptr && !node->is_leaf; ++depth) {
        const std::size_t side = bit_of(key_hash, depth) ? 1 : 0;
        proof.siblings.push_back(hash_of(as_inner(node)->children[1 - side]));
        node = as_inner(node)->children[side];
    }
    if (node != nullptr && !has_key(node, key)) {
        proof.other = StateProof::OtherLeaf{key_hash_of(node), as_leaf(node)->value_hash};
    }
    return proof;
}

StateTree::Subtree StateTree::subtree(const Hash& prefix, std::size_t depth,
                                      std::size_t entries_max) const {
    ENSURE(depth <= bits_max);
    Subtree found;
    Node* node = m_root;
    while (found.siblings.size() < depth && node != nullptr && !node->is_leaf) {
        const std::size_t side = bit_of(prefix, found.siblings.size()) ? 1 : 0;
        found.siblings.push_back(hash_of(as_inner(node)->children[1 - side]));
        node = as_inner(node)->children[side];
    }
    std::vector<Node*> waiting{node};
    while (!waiting.empty()) {
        Node* const current = waiting.back();
        waiting.pop_back();
        if (current == nullptr) {
            continue;
        }
        if (!current->is_leaf) {
            waiting.push_back(as_inner(current)->children[1]);
            waiting.push_back(as_inner(current)->children[0]);
            continue;
        }
        if (found.keys.size() == entries_max && !node->is_leaf) {
            const auto& [left, right] = as_inner(node)->children;
            found.keys.clear();
            found.children = {hash_of(left), hash_of(right)};
            return found;
        }
        const ByteView key = key_of(current);
        found.keys.emplace_back(key.begin(), key.end());
    }
    return found;
}

Hash StateTree::subtree_root(const Hash& prefix, std::size_t depth) const {
    ENSURE(depth <= bits_max);
    Node* node = m_root;
    for (std::size_t at = 0; at < depth && node != nullptr && !node->is_leaf; ++at) {
        node = as_inner(node)->children[bit_of(prefix, at) ? 1 : 0];
    }
    return hash_of(node);
}

Bytes StateProof::encode() const {
    ENSURE(siblings.size() <= state_proof_hashes_max);
    Encoder encoder;
    encoder.u16(static_cast<std::uint16_t>(siblings.size()));
    for (const Hash& sibling : siblings) {
        encoder.fixed(sibling);
    }
    encoder.boolean(other.has_value());
    if (other) {
        encoder.fixed(other->key_hash).fixed(other->value_hash);
    }
    return std::move(encoder).take();
}

std::optional<StateProof> StateProof::decode(ByteView bytes) {
    Decoder decoder{bytes};
    const std::size_t count = decoder.u16();
    if (count > state_proof_hashes_max) {
        return std::nullopt;
    }
    StateProof proof;
    for (std::size_t i = 0; i < count && decoder.ok(); ++i) {
        proof.siblings.push_back(decoder.fixed<Hash>());
    }
    if (decoder.boolean()) {
        OtherLeaf other;
        other.key_hash = decoder.fixed<Hash>();
        other.value_hash = decoder.fixed<Hash>();
        proof.other = other;
    }
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return proof;
}

bool verify_present(const Hash& root, ByteView key, ByteView value, const StateProof& proof) {
    if (proof.siblings.size() > state_proof_hashes_max || proof.other) {
        return false;
    }
    const Hash key_hash = sha256(key);
    const Hash leaf = hash_pair(leaf_prefix, key_hash, sha256(value));
    return climb_state_path(key_hash, leaf, proof.siblings) == root;
}

bool verify_absent(const Hash& root, ByteView key, const StateProof& proof) {
    if (proof.siblings.size() > state_proof_hashes_max) {
        return false;
    }
    const Hash key_hash = sha256(key);
    Hash end;
    if (proof.other) {
        const bool stands_there =
            proof.other->key_hash != key_hash &&
            shares_state_path(proof.other->key_hash, key_hash, proof.siblings.size());
        if (!stands_there) {
            return false;
        }
        end = hash_pair(leaf_prefix, proof.other->key_hash, proof.other->value_hash);
    }
    return climb_state_path(key_hash, end, proof.siblings) == root;
}

}  // namespace tally
