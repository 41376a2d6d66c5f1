#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/key_value_store.h"
#include "ledger/state/state_tree.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

/// Most entries of one chunk, and most bytes of their keys and values together. A single entry is
/// always a chunk, however large.
inline constexpr std::size_t chunk_entries_max{512};
inline constexpr std::size_t chunk_bytes_max{128UL * 1024};
/// Longest key and value that a decoder accepts; both above what any record takes.
inline constexpr std::size_t chunk_key_bytes_max{1024};
inline constexpr std::size_t chunk_value_bytes_max{256UL * 1024};
/// Deepest chunk that is ever asked for. More than `chunk_entries_max` hashed keys never share
/// this many bits, so an answer that asks to go deeper is a lie.
inline constexpr std::size_t chunk_depth_max{64};

/// A subtree of the state tree, by the first `depth` bits of the hashed keys in it. The other bits
/// of `prefix` are zero.
struct ChunkName {
    Hash prefix;
    std::uint8_t depth{0};

    friend auto operator<=>(const ChunkName&, const ChunkName&) = default;
    /// Whether `depth` is at most `chunk_depth_max` and the bits behind it are zero.
    [[nodiscard]] bool is_valid() const;
    /// Left and right half; `depth` is below `chunk_depth_max`.
    [[nodiscard]] std::array<ChunkName, 2> halves() const;
};

/// One part of the state with its proof: every entry under a name, or the hashes of its two halves
/// when it is too large for one answer.
///
/// Encoding (fixed-width codec): sibling count u8 (64 at most) and 32 bytes each from the root
/// down; kind u8 (0 entries, 1 halves). Entries: count u32 (512 at most), each key and value behind
/// a u32 length, by rising SHA-256(key). Halves: 32 bytes left, 32 bytes right.
struct StateChunk {
    /// On the way from the root. Fewer than the name has bits: a single entry, or none, stands
    /// above the place that it names.
    std::vector<Hash> siblings;
    std::optional<std::array<Hash, 2>> halves;
    std::vector<KeyValueStore::Entry> entries;

    friend bool operator==(const StateChunk&, const StateChunk&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, above a bound or not in order.
    [[nodiscard]] static std::optional<StateChunk> decode(ByteView bytes);
};

enum class ChunkVerdict : std::uint8_t {
    whole,  ///< `entries` are all there is under the name (an entry beside it is proof of nothing)
    split,  ///< ask for both halves
    wrong,  ///< does not lead to the root, or is not of this name
};

/// Checks a chunk against a state root that the caller trusts. Accepts any input.
[[nodiscard]] ChunkVerdict verify_chunk(const Hash& state_root, const ChunkName& name,
                                        const StateChunk& chunk);
/// Whether an entry's hashed key begins with the name's bits.
[[nodiscard]] bool is_under(const ChunkName& name, ByteView key);

/// The chunk of a tree whose values are in `values` (a snapshot of the same block). Nothing when a
/// value is missing or cannot be read.
[[nodiscard]] std::optional<StateChunk> make_chunk(const StateTree& tree,
                                                   const KeyValueStore& values,
                                                   const ChunkName& name);

}  // namespace tally
