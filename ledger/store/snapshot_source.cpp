#include "ledger/store/snapshot_source.h"

#include "ledger/base/overloaded.h"
#include "ledger/store/block_archive.h"

#include <algorithm>
#include <utility>

namespace tally {
namespace {

Bytes answer_proofs(const ProofsQuery& query, const SnapshotSource::Chain& chain) {
    std::vector<Bytes> proofs;
    while (proofs.size() < snapshot_proofs_max) {
        std::optional<Bytes> proof = chain.read_epoch_proof(query.from_epoch + proofs.size());
        if (!proof) {
            break;
        }
        proofs.push_back(std::move(*proof));
    }
    return proofs.empty() ? Bytes{} : encode_list(proofs);
}

bool is_finalized(const FinalizedBlock& block) {
    return block.finalization.statement.kind == VoteKind::finalize;
}

/// Adds the headers from `height` on, up to a block with a FINALIZE certificate of its own. False
/// when there is none near enough.
bool prove_by_headers(std::uint64_t height, std::uint64_t to_height,
                      const SnapshotSource::Chain& chain, BlocksAnswer& answer) {
    for (; height <= to_height && answer.headers.size() < snapshot_headers_max; ++height) {
        const std::optional<FinalizedBlock> block = chain.read_block(height);
        if (!block) {
            return false;
        }
        answer.headers.push_back(block->block.header);
        if (is_finalized(*block)) {
            answer.finalization = block->finalization;
            return true;
        }
    }
    return false;
}

}  // namespace

Bytes answer_blocks(const BlocksQuery& query, const SnapshotSource::Chain& chain) {
    BlocksAnswer answer;
    std::vector<Bytes>& blocks = answer.blocks;
    std::size_t provable{0};
    std::size_t bytes{0};
    std::uint64_t height = query.from_height;
    for (; height <= query.to_height && blocks.size() < snapshot_blocks_max; ++height) {
        const std::optional<FinalizedBlock> block = chain.read_block(height);
        if (!block) {
            break;
        }
        Bytes encoded = block->encode();
        bytes += encoded.size();
        if (!blocks.empty() && bytes > snapshot_blocks_bytes_max) {
            break;
        }
        blocks.push_back(std::move(encoded));
        if (is_finalized(*block)) {
            provable = blocks.size();
        }
    }
    if (provable > 0) {
        blocks.resize(provable);
    } else if (blocks.empty() || !prove_by_headers(height, query.to_height, chain, answer)) {
        return {};
    }
    return answer.encode();
}

std::optional<SnapshotSource::Held> SnapshotSource::make(const ExecutedBlock& block,
                                                         const QuorumCertificate& finalization,
                                                         const BlockHeader& base,
                                                         const LogTiles& tiles,
                                                         const KeyValueStore& store) {
    std::optional<LogEdges> edges = tiles.edges_at(base.log_size);
    std::unique_ptr<KeyValueStore> values = store.snapshot();
    if (!edges || !values) {
        return std::nullopt;
    }
    const SnapshotManifest manifest{block.block.header, finalization, base, std::move(*edges),
                                    block.tree.count_entries()};
    return Held{block.digest,     block.block.header.height, block.block.header.log_size,
                base.height,      manifest.encode(),         block.tree,
                std::move(values)};
}

void SnapshotSource::take(const ExecutedBlock& block, const QuorumCertificate& finalization,
                          const BlockHeader& base, const LogTiles& tiles,
                          const KeyValueStore& store) {
    const bool is_held = std::any_of(m_held.begin(), m_held.end(), [&block](const Held& held) {
        return held.digest == block.digest;
    });
    std::optional<Held> held =
        is_held ? std::nullopt : make(block, finalization, base, tiles, store);
    if (!held) {
        return;
    }
    if (m_held.size() == snapshots_kept_max) {
        m_held.pop_front();
    }
    m_held.push_back(std::move(*held));
}

Bytes SnapshotSource::lease(const ExecutedBlock& block,
                            const std::optional<QuorumCertificate>& finalization,
                            const BlockHeader& base, const LogTiles& tiles,
                            const KeyValueStore& store, std::chrono::microseconds now) {
    expire_lease(now);
    const bool is_final = finalization && finalization->statement.kind == VoteKind::finalize;
    if (!m_leased && is_final) {
        m_leased = make(block, *finalization, base, tiles, store);
        m_leased_at = now;
    }
    m_asked_at = now;
    return m_leased ? m_leased->manifest : Bytes{};
}

void SnapshotSource::expire_lease(std::chrono::microseconds now) {
    if (m_leased && (now - m_asked_at > backup_lease || now - m_leased_at > backup_lease_max)) {
        m_leased.reset();
    }
}

const SnapshotSource::Held* SnapshotSource::find(const Hash& digest) const {
    if (m_leased && m_leased->digest == digest) {
        return &*m_leased;
    }
    const auto found = std::find_if(m_held.begin(), m_held.end(),
                                    [&digest](const Held& held) { return held.digest == digest; });
    return found == m_held.end() ? nullptr : &*found;
}

std::uint64_t SnapshotSource::newest_height() const {
    return m_held.empty() ? 0 : m_held.back().height;
}

std::optional<std::uint64_t> SnapshotSource::oldest_base_height() const {
    return m_held.empty() ? std::nullopt : std::optional{m_held.front().base_height};
}

Bytes SnapshotSource::answer_manifest(const ManifestQuery& query) const {
    if (const Held* preferred = find(query.preferred)) {
        return preferred->manifest;
    }
    return m_held.empty() ? Bytes{} : m_held.back().manifest;
}

Bytes SnapshotSource::answer_chunk(const ChunkQuery& query) const {
    const Held* held = find(query.snapshot);
    if (held == nullptr) {
        return {};
    }
    const std::optional<StateChunk> chunk = make_chunk(held->tree, *held->values, query.name);
    if (!chunk) {
        stop_on_storage_error("a value of the state cannot be read");
    }
    return chunk->encode();
}

Bytes SnapshotSource::answer_checkpoint(const CheckpointQuery& query, const Chain& chain) const {
    const Held* held = find(query.snapshot);
    if (held == nullptr || query.height > held->height) {
        return {};
    }
    const std::optional<FinalizedBlock> block = chain.read_block(query.height);
    if (!block) {
        return {};
    }
    CheckpointProof proof{block->block.header, {}};
    if (proof.header.log_size > 0) {
        proof.consistency =
            consistency_proof(proof.header.log_size, held->log_size, chain.read_log);
    }
    return proof.encode();
}

std::optional<Bytes> SnapshotSource::answer(ByteView query, const Chain& chain) const {
    const std::optional<SnapshotQuery> asked = decode_snapshot_query(query);
    if (!asked) {
        return std::nullopt;
    }
    return std::visit(
        Overloaded{[this](const ManifestQuery& manifest) { return answer_manifest(manifest); },
                   [&chain](const ProofsQuery& proofs) { return answer_proofs(proofs, chain); },
                   [this](const ChunkQuery& chunk) { return answer_chunk(chunk); },
                   [&chain](const BlocksQuery& blocks) { return answer_blocks(blocks, chain); },
                   [this, &chain](const CheckpointQuery& checkpoint) {
                       return answer_checkpoint(checkpoint, chain);
                   }},
        *asked);
}

}  // namespace tally
