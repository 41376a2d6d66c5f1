#include "ledger/state/state_chunk.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/keys.h"

#include <utility>

namespace tally {
namespace {

constexpr std::uint8_t kind_entries{0};
constexpr std::uint8_t kind_halves{1};

Bytes owned(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

/// Whether these can be entries of a state tree, in the order of their hashed keys, with the first
/// `depth` bits of `prefix`.
bool are_entries_under(const std::vector<KeyValueStore::Entry>& entries, const Hash& prefix,
                       std::size_t depth) {
    std::optional<Hash> previous;
    for (const KeyValueStore::Entry& entry : entries) {
        if (entry.key.empty() || is_derived(entry.key.front())) {
            return false;
        }
        const Hash key_hash = sha256(entry.key);
        if ((previous && key_hash <= *previous) || !shares_state_path(key_hash, prefix, depth)) {
            return false;
        }
        previous = key_hash;
    }
    return true;
}

/// Root of the subtree at `depth` that has exactly these entries.
Hash root_of(const std::vector<KeyValueStore::Entry>& entries, const Hash& prefix,
             std::size_t depth) {
    StateChanges changes;
    for (const KeyValueStore::Entry& entry : entries) {
        changes.emplace(entry.key, entry.value);
    }
    StateTree tree;
    tree.update(changes);
    return tree.subtree_root(prefix, depth);
}

StateChunk halves_of(StateTree::Subtree subtree) {
    StateChunk chunk;
    chunk.siblings = std::move(subtree.siblings);
    chunk.halves = subtree.children;
    return chunk;
}

}  // namespace

bool ChunkName::is_valid() const {
    if (depth > chunk_depth_max) {
        return false;
    }
    for (std::size_t bit = depth; bit < Hash::size * 8; ++bit) {
        if (state_path_bit(prefix, bit)) {
            return false;
        }
    }
    return true;
}

std::array<ChunkName, 2> ChunkName::halves() const {
    ENSURE(depth < chunk_depth_max);
    ChunkName left = *this;
    ++left.depth;
    ChunkName right = left;
    std::uint8_t& byte = right.prefix.data[depth / 8U];
    byte = static_cast<std::uint8_t>(byte | (0x80U >> (depth % 8U)));
    return {left, right};
}

Bytes StateChunk::encode() const {
    ENSURE(siblings.size() <= chunk_depth_max);
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(siblings.size()));
    for (const Hash& sibling : siblings) {
        encoder.fixed(sibling);
    }
    if (halves) {
        encoder.u8(kind_halves).fixed((*halves)[0]).fixed((*halves)[1]);
        return std::move(encoder).take();
    }
    encoder.u8(kind_entries).u32(static_cast<std::uint32_t>(entries.size()));
    for (const KeyValueStore::Entry& entry : entries) {
        encoder.var_bytes(entry.key).var_bytes(entry.value);
    }
    return std::move(encoder).take();
}

std::optional<StateChunk> StateChunk::decode(ByteView bytes) {
    Decoder decoder{bytes};
    StateChunk chunk;
    const std::size_t siblings = decoder.u8();
    if (siblings > chunk_depth_max) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < siblings && decoder.ok(); ++i) {
        chunk.siblings.push_back(decoder.fixed<Hash>());
    }
    const std::uint8_t kind = decoder.u8();
    if (kind == kind_halves) {
        std::array<Hash, 2> halves{};
        halves[0] = decoder.fixed<Hash>();
        halves[1] = decoder.fixed<Hash>();
        chunk.halves = halves;
    } else if (kind == kind_entries) {
        const std::uint32_t count = decoder.count(chunk_entries_max, 8);
        for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
            Bytes key = owned(decoder.var_bytes(chunk_key_bytes_max));
            chunk.entries.push_back(
                {std::move(key), owned(decoder.var_bytes(chunk_value_bytes_max))});
        }
    } else {
        decoder.fail();
    }
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return chunk;
}

bool is_under(const ChunkName& name, ByteView key) {
    return shares_state_path(sha256(key), name.prefix, name.depth);
}

ChunkVerdict verify_chunk(const Hash& state_root, const ChunkName& name, const StateChunk& chunk) {
    const std::size_t depth = chunk.siblings.size();
    const bool is_above = depth < name.depth;
    if (!name.is_valid() || depth > name.depth) {
        return ChunkVerdict::wrong;
    }
    if (chunk.halves) {
        // Where a leaf or nothing stands there are no halves, and below the deepest name no need.
        const bool may_split = !is_above && name.depth < chunk_depth_max && chunk.entries.empty();
        const Hash inner = state_node_hash((*chunk.halves)[0], (*chunk.halves)[1]);
        const bool leads =
            may_split && climb_state_path(name.prefix, inner, chunk.siblings) == state_root;
        return leads ? ChunkVerdict::split : ChunkVerdict::wrong;
    }
    if (is_above && chunk.entries.size() > 1) {
        return ChunkVerdict::wrong;
    }
    if (!are_entries_under(chunk.entries, name.prefix, depth)) {
        return ChunkVerdict::wrong;
    }
    const Hash subtree = root_of(chunk.entries, name.prefix, depth);
    return climb_state_path(name.prefix, subtree, chunk.siblings) == state_root
               ? ChunkVerdict::whole
               : ChunkVerdict::wrong;
}

std::optional<StateChunk> make_chunk(const StateTree& tree, const KeyValueStore& values,
                                     const ChunkName& name) {
    ENSURE(name.is_valid());
    StateTree::Subtree subtree = tree.subtree(name.prefix, name.depth, chunk_entries_max);
    if (subtree.children) {
        return halves_of(std::move(subtree));
    }
    StateChunk chunk;
    std::size_t bytes{0};
    for (Bytes& key : subtree.keys) {
        Expected<std::optional<Bytes>, StoreError> value = values.get(key);
        if (!value || !*value) {
            return std::nullopt;
        }
        bytes += key.size() + (*value)->size();
        if (bytes > chunk_bytes_max && !chunk.entries.empty()) {
            return halves_of(tree.subtree(name.prefix, name.depth, 1));
        }
        chunk.entries.push_back({std::move(key), std::move(**value)});
    }
    chunk.siblings = std::move(subtree.siblings);
    return chunk;
}

}  // namespace tally
