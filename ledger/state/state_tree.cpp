#include "ledger/state/state_tree.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/keys.h"

#include <algorithm>
#include <array>

namespace tally {
namespace {

constexpr std::uint8_t leaf_prefix{0};
constexpr std::uint8_t inner_prefix{1};
constexpr std::size_t bits_max{state_proof_hashes_max};

bool bit_of(const Hash& hash, std::size_t depth) {
    return ((static_cast<unsigned>(hash.data[depth / 8]) >> (7U - depth % 8)) & 1U) != 0;
}

Hash hash_pair(std::uint8_t prefix, const Hash& first, const Hash& second) {
    std::array<std::uint8_t, 1 + 2 * Hash::size> input{};
    input[0] = prefix;
    std::copy(first.data.begin(), first.data.end(), input.begin() + 1);
    std::copy(second.data.begin(), second.data.end(), input.begin() + 1 + Hash::size);
    return sha256(ByteView{input});
}

/// Climbs from `hash` at the end of the path to the root.
Hash climb(const Hash& key_hash, Hash hash, const std::vector<Hash>& siblings) {
    for (std::size_t depth = siblings.size(); depth > 0; --depth) {
        const Hash& sibling = siblings[depth - 1];
        hash = bit_of(key_hash, depth - 1) ? hash_pair(inner_prefix, sibling, hash)
                                           : hash_pair(inner_prefix, hash, sibling);
    }
    return hash;
}

bool shares_bits(const Hash& left, const Hash& right, std::size_t count) {
    for (std::size_t depth = 0; depth < count; ++depth) {
        if (bit_of(left, depth) != bit_of(right, depth)) {
            return false;
        }
    }
    return true;
}

}  // namespace

/// A leaf keeps the hashes of key and value, an inner node its own hash and two children, of which
/// one may be null (empty).
struct StateTree::Node {
    std::uint32_t references{1};
    bool is_leaf{false};
    bool is_stale{false};  ///< inner only: `hash` is to be computed again
};

namespace {

using Node = StateTree::Node;

struct LeafNode : Node {
    Hash key_hash;
    Hash value_hash;
};

struct InnerNode : Node {
    std::array<Node*, 2> children{};
    Hash hash;
};

// Nodes keep their own counts and are told apart by a flag: std::shared_ptr and virtual functions
// would cost each of a million entries a control block and a pointer more.
// NOLINTBEGIN(cppcoreguidelines-owning-memory,cppcoreguidelines-pro-type-static-cast-downcast)
LeafNode* as_leaf(Node* node) { return static_cast<LeafNode*>(node); }
InnerNode* as_inner(Node* node) { return static_cast<InnerNode*>(node); }

LeafNode* make_leaf(const Hash& key_hash, const Hash& value_hash) {
    auto* leaf = new LeafNode;
    leaf->is_leaf = true;
    leaf->key_hash = key_hash;
    leaf->value_hash = value_hash;
    return leaf;
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
            delete as_leaf(current);
            continue;
        }
        waiting.insert(waiting.end(), as_inner(current)->children.begin(),
                       as_inner(current)->children.end());
        delete as_inner(current);
    }
}

// NOLINTEND(cppcoreguidelines-owning-memory,cppcoreguidelines-pro-type-static-cast-downcast)

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

Hash hash_of(Node* node) {
    if (node == nullptr) {
        return Hash{};
    }
    if (node->is_leaf) {
        return hash_pair(leaf_prefix, as_leaf(node)->key_hash, as_leaf(node)->value_hash);
    }
    return as_inner(node)->hash;
}

}  // namespace

struct StateTree::Change {
    Hash key_hash;
    std::optional<Hash> value_hash;
};

StateTree::StateTree(const StateTree& other) noexcept : m_root{other.m_root} { retain(m_root); }

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
        hashed.push_back({sha256(key), std::nullopt});
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
            remove(change.key_hash);
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
    Node* const leaf = make_leaf(change.key_hash, *change.value_hash);
    if (previous == nullptr || as_leaf(previous)->key_hash == change.key_hash) {
        *slot = leaf;
        if (previous != nullptr) {
            release(previous);
        }
        return;
    }
    // Another entry stands here: go down together until the two keys part.
    const Hash other = as_leaf(previous)->key_hash;
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

void StateTree::remove(const Hash& key_hash) {
    // Look first: removing what is not there must leave shared nodes alone.
    Node* found = m_root;
    for (std::size_t depth = 0; found != nullptr && !found->is_leaf; ++depth) {
        found = as_inner(found)->children[bit_of(key_hash, depth) ? 1 : 0];
    }
    if (found == nullptr || as_leaf(found)->key_hash != key_hash) {
        return;
    }
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
    if (node != nullptr && as_leaf(node)->key_hash != key_hash) {
        proof.other = StateProof::OtherLeaf{as_leaf(node)->key_hash, as_leaf(node)->value_hash};
    }
    return proof;
}

std::uint64_t StateTree::count_entries() const {
    std::uint64_t count{0};
    std::vector<Node*> waiting{m_root};
    while (!waiting.empty()) {
        Node* const node = waiting.back();
        waiting.pop_back();
        if (node == nullptr) {
            continue;
        }
        if (node->is_leaf) {
            ++count;
        } else {
            waiting.insert(waiting.end(), as_inner(node)->children.begin(),
                           as_inner(node)->children.end());
        }
    }
    return count;
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
    return climb(key_hash, leaf, proof.siblings) == root;
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
            shares_bits(proof.other->key_hash, key_hash, proof.siblings.size());
        if (!stands_there) {
            return false;
        }
        end = hash_pair(leaf_prefix, proof.other->key_hash, proof.other->value_hash);
    }
    return climb(key_hash, end, proof.siblings) == root;
}

}  // namespace tally
