#include "ledger/store/log_tiles.h"

#include "ledger/base/check.h"
#include "ledger/store/block_archive.h"
#include "ledger/store/ledger_index.h"

namespace tally {

namespace {

/// Nothing fits into 64 bits above these.
constexpr std::size_t tile_levels_max{64 / LogTiles::levels_per_tile};

}  // namespace

std::size_t log_edge_levels(std::uint64_t size) {
    std::size_t levels{0};
    while (levels < tile_levels_max && (size >> (LogTiles::levels_per_tile * levels)) > 0) {
        ++levels;
    }
    return levels;
}

std::size_t log_edge_hashes(std::uint64_t size, std::size_t tile_level) {
    ENSURE(tile_level < tile_levels_max);
    return static_cast<std::size_t>((size >> (LogTiles::levels_per_tile * tile_level)) %
                                    LogTiles::tile_hashes);
}

std::optional<MerkleFrontier> frontier_of(std::uint64_t size, const LogEdges& edges) {
    if (edges.size() != log_edge_levels(size)) {
        return std::nullopt;
    }
    std::vector<Hash> subtrees;
    for (std::size_t level = edges.size(); level > 0; --level) {
        const std::vector<Hash>& edge = edges[level - 1];
        if (edge.size() != log_edge_hashes(size, level - 1)) {
            return std::nullopt;
        }
        std::size_t at{0};
        for (std::size_t count = LogTiles::tile_hashes / 2; count > 0; count /= 2) {
            if ((edge.size() & count) != 0) {
                subtrees.push_back(merkle_root(std::span{edge}.subspan(at, count)));
                at += count;
            }
        }
    }
    return MerkleFrontier::restore(size, std::move(subtrees));
}

std::vector<Hash> LogTiles::read_tile(std::size_t tile_level, std::uint64_t tile) const {
    const auto value =
        m_store.get(ledger_index::tile_key(static_cast<std::uint8_t>(tile_level), tile));
    if (!value) {
        stop_on_storage_error("cannot read a tile of the log");
    }
    std::vector<Hash> hashes;
    if (*value) {
        Decoder decoder{**value};
        while (decoder.ok() && decoder.remaining() > 0) {
            hashes.push_back(decoder.fixed<Hash>());
        }
    }
    return hashes;
}

void LogTiles::write_edge(std::size_t tile_level, WriteBatch& batch) const {
    const std::uint64_t tile = m_size >> (levels_per_tile * (tile_level + 1));
    Encoder encoder;
    for (const Hash& hash : m_edges[tile_level]) {
        encoder.fixed(hash);
    }
    batch.put(ledger_index::tile_key(static_cast<std::uint8_t>(tile_level), tile),
              std::move(encoder).take());
}

bool LogTiles::restore(std::uint64_t size) {
    m_size = size;
    m_edges.clear();
    for (std::size_t level = 0; (size >> (levels_per_tile * level)) > 0; ++level) {
        const std::uint64_t count = size >> (levels_per_tile * level);
        const std::size_t in_edge = static_cast<std::size_t>(count % tile_hashes);
        std::vector<Hash> edge;
        if (in_edge > 0) {
            edge = read_tile(level, count / tile_hashes);
        }
        if (edge.size() != in_edge) {
            return false;
        }
        m_edges.push_back(std::move(edge));
    }
    return true;
}

void LogTiles::adopt(std::uint64_t size, LogEdges edges, WriteBatch& batch) {
    ENSURE(edges.size() == log_edge_levels(size));
    m_size = size;
    m_edges = std::move(edges);
    for (std::size_t level = 0; level < m_edges.size(); ++level) {
        if (!m_edges[level].empty()) {
            write_edge(level, batch);
        }
    }
}

std::optional<LogEdges> LogTiles::edges_at(std::uint64_t size) const {
    LogEdges edges;
    for (std::size_t level = 0; level < log_edge_levels(size); ++level) {
        const std::uint64_t count = size >> (levels_per_tile * level);
        const std::size_t in_edge = log_edge_hashes(size, level);
        std::vector<Hash> tile;
        if (in_edge > 0) {
            tile = read_tile(level, count / tile_hashes);
        }
        if (tile.size() < in_edge) {
            return std::nullopt;
        }
        tile.resize(in_edge);
        edges.push_back(std::move(tile));
    }
    return edges;
}

void LogTiles::append(std::span<const Hash> leaf_hashes, WriteBatch& batch) {
    std::vector<bool> changed(m_edges.size(), false);
    for (const Hash& leaf : leaf_hashes) {
        Hash hash = leaf;
        for (std::size_t level = 0;; ++level) {
            if (level == m_edges.size()) {
                m_edges.emplace_back();
                changed.push_back(false);
            }
            m_edges[level].push_back(hash);
            changed[level] = true;
            if (m_edges[level].size() < tile_hashes) {
                break;
            }
            write_edge(level, batch);  // m_size still lies inside this tile
            hash = merkle_root(m_edges[level]);
            m_edges[level].clear();
            changed[level] = false;
        }
        ++m_size;
    }
    for (std::size_t level = 0; level < m_edges.size(); ++level) {
        if (changed[level]) {
            write_edge(level, batch);
        }
    }
}

Hash LogTiles::subtree(std::uint32_t level, std::uint64_t index) const {
    const std::size_t tile_level = level / levels_per_tile;
    const std::uint32_t height_in_tile = level % levels_per_tile;
    const std::uint64_t first = index << height_in_tile;
    const std::size_t count = std::size_t{1} << height_in_tile;
    const std::uint64_t tile = first / tile_hashes;
    const auto offset = static_cast<std::size_t>(first % tile_hashes);
    const std::vector<Hash> hashes = read_tile(tile_level, tile);
    if (hashes.size() < offset + count) {
        stop_on_storage_error("a tile of the log is missing; rebuild the state from the segments");
    }
    return merkle_root(std::span{hashes}.subspan(offset, count));
}

}  // namespace tally
