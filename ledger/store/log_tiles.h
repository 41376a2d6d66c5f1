#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/crypto/merkle.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tally {

/// By tile level (0: leaf hashes): the hashes of the tile that is not full yet. A log of n leaves
/// has floor(n / 256^level) mod 256 of them on each level with n / 256^level >= 1.
using LogEdges = std::vector<std::vector<Hash>>;

/// How many hashes the edge of a level has in a log of `size` leaves.
[[nodiscard]] std::size_t log_edge_hashes(std::uint64_t size, std::size_t tile_level);
/// Levels of a log of `size` leaves.
[[nodiscard]] std::size_t log_edge_levels(std::uint64_t size);
/// The right edge of the log whose tiles these are: its root commits to every hash of them.
/// Nothing when the counts are not those of `size`.
[[nodiscard]] std::optional<MerkleFrontier> frontier_of(std::uint64_t size, const LogEdges& edges);

/// The hashes of the log's Merkle tree on disk, for proofs: tiles of 256 hashes of one level of
/// eight (level 0: leaf hashes, level 1: roots of 256 leaves, ...). Full tiles never change; the
/// one at the edge of each level is written again with every block.
///
/// Memory: one tile a level. Durability: that of the batch it writes into. `store` must outlive it.
class LogTiles {
public:
    static constexpr std::size_t tile_hashes{256};
    static constexpr std::uint32_t levels_per_tile{8};

    explicit LogTiles(const KeyValueStore& store) : m_store{store} {}

    /// Takes up the tree of `size` leaves. False when tiles are missing or of a wrong length.
    [[nodiscard]] bool restore(std::uint64_t size);
    /// Begins with a log whose older tiles are not here: nothing to the left of its edges can be
    /// proven. The edges fit `size`.
    void adopt(std::uint64_t size, LogEdges edges, WriteBatch& batch);
    /// The edges that the log had at `size` leaves, from the tiles that are there. Nothing when
    /// they are not.
    [[nodiscard]] std::optional<LogEdges> edges_at(std::uint64_t size) const;
    /// Adds leaf hashes; the tiles that change go into `batch`.
    void append(std::span<const Hash> leaf_hashes, WriteBatch& batch);
    [[nodiscard]] std::uint64_t size() const noexcept { return m_size; }

    /// Root of a full subtree, see SubtreeReader. One read and at most 255 hashes. Stops the
    /// process when a tile that must be there is not.
    [[nodiscard]] Hash subtree(std::uint32_t level, std::uint64_t index) const;

private:
    [[nodiscard]] std::vector<Hash> read_tile(std::size_t tile_level, std::uint64_t tile) const;
    void write_edge(std::size_t tile_level, WriteBatch& batch) const;

    const KeyValueStore& m_store;
    std::uint64_t m_size{0};
    LogEdges m_edges;
};

}  // namespace tally
