#include "ledger/store/snapshot.h"

#include "ledger/base/check.h"
#include "ledger/base/overloaded.h"

#include <utility>

namespace tally {
namespace {

enum class QueryKind : std::uint8_t {
    manifest = 1,
    proofs = 2,
    chunk = 3,
    blocks = 4,
    checkpoint = 5
};

constexpr std::size_t edge_hashes_max{8 * (LogTiles::tile_hashes - 1)};

Encoder query_of(QueryKind kind) {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(kind));
    return encoder;
}

std::vector<Bytes> read_list(Decoder& decoder, std::size_t count_max) {
    std::vector<Bytes> items;
    const std::uint32_t count = decoder.count(static_cast<std::uint32_t>(count_max), 4);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const ByteView item = decoder.var_bytes(snapshot_answer_bytes_max);
        items.emplace_back(item.begin(), item.end());
    }
    return items;
}

LogEdges decode_edges(Decoder& decoder, std::uint64_t log_size) {
    std::size_t expected{0};
    for (std::size_t level = 0; level < log_edge_levels(log_size); ++level) {
        expected += log_edge_hashes(log_size, level);
    }
    LogEdges edges;
    if (decoder.count(edge_hashes_max, Hash::size) != expected) {
        decoder.fail();
        return edges;
    }
    for (std::size_t level = 0; level < log_edge_levels(log_size); ++level) {
        std::vector<Hash> edge;
        for (std::size_t i = 0; i < log_edge_hashes(log_size, level) && decoder.ok(); ++i) {
            edge.push_back(decoder.fixed<Hash>());
        }
        edges.push_back(std::move(edge));
    }
    return edges;
}

}  // namespace

Bytes SnapshotManifest::encode() const {
    Encoder encoder;
    encoder.u16(snapshot_version).raw(header.encode()).var_bytes(finalization.encode());
    encoder.raw(base.encode());
    std::size_t count{0};
    for (const std::vector<Hash>& edge : edges) {
        count += edge.size();
    }
    encoder.u32(static_cast<std::uint32_t>(count));
    for (const std::vector<Hash>& edge : edges) {
        for (const Hash& hash : edge) {
            encoder.fixed(hash);
        }
    }
    encoder.u64(entries);
    return std::move(encoder).take();
}

std::optional<SnapshotManifest> SnapshotManifest::decode(ByteView bytes) {
    Decoder decoder{bytes};
    if (decoder.u16() != snapshot_version) {
        return std::nullopt;
    }
    const auto header = BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    const auto certificate = QuorumCertificate::decode(decoder.var_bytes(certificate_bytes_max));
    const auto base = BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    if (!decoder.ok() || !header || !certificate || !base || base->height >= header->height) {
        return std::nullopt;
    }
    // An epoch has at least one block: no number of epochs is so large that it could overflow.
    if (header->epoch >= header->height || base->epoch > header->epoch) {
        return std::nullopt;
    }
    SnapshotManifest manifest;
    manifest.header = *header;
    manifest.finalization = *certificate;
    manifest.base = *base;
    manifest.edges = decode_edges(decoder, base->log_size);
    manifest.entries = decoder.u64();
    if (!decoder.finished()) {
        return std::nullopt;
    }
    const auto frontier = frontier_of(base->log_size, manifest.edges);
    if (!frontier || frontier->root() != base->log_root) {
        return std::nullopt;
    }
    return manifest;
}

Bytes encode(const SnapshotQuery& query) {
    return std::visit(
        Overloaded{[](const ManifestQuery& asked) {
                       return query_of(QueryKind::manifest).fixed(asked.preferred).bytes();
                   },
                   [](const ProofsQuery& asked) {
                       return query_of(QueryKind::proofs).u64(asked.from_epoch).bytes();
                   },
                   [](const ChunkQuery& asked) {
                       Encoder encoder = query_of(QueryKind::chunk);
                       encoder.fixed(asked.snapshot).u8(asked.name.depth);
                       return encoder.fixed(asked.name.prefix).bytes();
                   },
                   [](const BlocksQuery& asked) {
                       Encoder encoder = query_of(QueryKind::blocks);
                       return encoder.u64(asked.from_height).u64(asked.to_height).bytes();
                   },
                   [](const CheckpointQuery& asked) {
                       Encoder encoder = query_of(QueryKind::checkpoint);
                       return encoder.fixed(asked.snapshot).u64(asked.height).bytes();
                   }},
        query);
}

std::optional<SnapshotQuery> decode_snapshot_query(ByteView bytes) {
    Decoder decoder{bytes};
    const std::uint8_t kind = decoder.u8();
    if (kind < static_cast<std::uint8_t>(QueryKind::manifest) ||
        kind > static_cast<std::uint8_t>(QueryKind::checkpoint)) {
        return std::nullopt;
    }
    SnapshotQuery query;
    switch (static_cast<QueryKind>(kind)) {
        case QueryKind::manifest:
            query = ManifestQuery{decoder.fixed<Hash>()};
            break;
        case QueryKind::proofs:
            query = ProofsQuery{decoder.u64()};
            break;
        case QueryKind::chunk: {
            ChunkQuery chunk;
            chunk.snapshot = decoder.fixed<Hash>();
            chunk.name.depth = decoder.u8();
            chunk.name.prefix = decoder.fixed<Hash>();
            if (!chunk.name.is_valid()) {
                decoder.fail();
            }
            query = chunk;
            break;
        }
        case QueryKind::blocks: {
            BlocksQuery blocks;
            blocks.from_height = decoder.u64();
            blocks.to_height = decoder.u64();
            query = blocks;
            break;
        }
        case QueryKind::checkpoint: {
            CheckpointQuery checkpoint;
            checkpoint.snapshot = decoder.fixed<Hash>();
            checkpoint.height = decoder.u64();
            query = checkpoint;
            break;
        }
    }
    return decoder.finished() ? std::optional{query} : std::nullopt;
}

Bytes CheckpointProof::encode() const {
    Encoder encoder;
    encoder.raw(header.encode()).u32(static_cast<std::uint32_t>(consistency.size()));
    for (const Hash& hash : consistency) {
        encoder.fixed(hash);
    }
    return std::move(encoder).take();
}

std::optional<CheckpointProof> CheckpointProof::decode(ByteView bytes) {
    Decoder decoder{bytes};
    const auto header = BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    CheckpointProof proof;
    const std::uint32_t count = decoder.count(merkle_proof_hashes_max, Hash::size);
    for (std::uint32_t i = 0; i < count; ++i) {
        proof.consistency.push_back(decoder.fixed<Hash>());
    }
    if (!decoder.finished() || !header) {
        return std::nullopt;
    }
    proof.header = *header;
    return proof;
}

Bytes BlocksAnswer::encode() const {
    Encoder encoder;
    encoder.raw(encode_list(blocks)).u32(static_cast<std::uint32_t>(headers.size()));
    for (const BlockHeader& header : headers) {
        encoder.raw(header.encode());
    }
    if (!headers.empty()) {
        encoder.var_bytes(finalization.encode());
    }
    return std::move(encoder).take();
}

std::optional<BlocksAnswer> BlocksAnswer::decode(ByteView bytes) {
    Decoder decoder{bytes};
    BlocksAnswer answer;
    answer.blocks = read_list(decoder, snapshot_blocks_max);
    const std::uint32_t count = decoder.count(snapshot_headers_max, BlockHeader::encoded_bytes);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const auto header = BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
        if (!header) {
            return std::nullopt;
        }
        answer.headers.push_back(*header);
    }
    if (count > 0) {
        const auto certificate =
            QuorumCertificate::decode(decoder.var_bytes(certificate_bytes_max));
        if (!certificate) {
            return std::nullopt;
        }
        answer.finalization = *certificate;
    }
    if (!decoder.finished() || answer.blocks.empty()) {
        return std::nullopt;
    }
    return answer;
}

Bytes encode_list(const std::vector<Bytes>& items) {
    Encoder encoder;
    encoder.u32(static_cast<std::uint32_t>(items.size()));
    for (const Bytes& item : items) {
        encoder.var_bytes(item);
    }
    return std::move(encoder).take();
}

std::optional<std::vector<Bytes>> decode_list(ByteView bytes, std::size_t count_max) {
    Decoder decoder{bytes};
    std::vector<Bytes> items = read_list(decoder, count_max);
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return items;
}

}  // namespace tally
