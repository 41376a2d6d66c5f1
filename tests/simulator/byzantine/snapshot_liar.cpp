#include "tests/simulator/byzantine/snapshot_liar.h"

#include <utility>
#include <variant>

namespace tally::simulator {

namespace {

SnapshotLie drawn_lie(Stage& stage) {
    if (const std::optional<SnapshotLie> chosen = stage.snapshot_lie()) {
        return *chosen;
    }
    const std::size_t last = all_snapshot_lies.size() - 1;
    return all_snapshot_lies[static_cast<std::size_t>(stage.random().between(0, last))];
}

}  // namespace

SnapshotLiar::SnapshotLiar(Stage& stage) : m_stage{stage}, m_lie{drawn_lie(stage)} {}

Bytes SnapshotLiar::truth(const SnapshotQuery& query) {
    return m_stage.application().answer_snapshot_query(encode(query)).value_or(Bytes{});
}

SnapshotAnswer SnapshotLiar::answer(const Bytes& bytes) {
    const std::optional<SnapshotQuery> query = decode_snapshot_query(bytes);
    if (!query) {
        return {Bytes{}, false};
    }
    if (const auto* manifest = std::get_if<ManifestQuery>(&*query)) {
        return offer(*manifest);
    }
    if (m_lie == SnapshotLie::withheld) {
        return {std::nullopt, true};
    }
    if (const auto* chunk = std::get_if<ChunkQuery>(&*query)) {
        return part(*chunk);
    }
    if (const auto* blocks_query = std::get_if<BlocksQuery>(&*query)) {
        return blocks(*blocks_query);
    }
    return {truth(*query), false};
}

SnapshotAnswer SnapshotLiar::offer(const ManifestQuery& query) {
    Bytes newest = truth(query);
    if (m_lie == SnapshotLie::old_snapshot) {
        if (m_first_manifest.empty()) {
            m_first_manifest = newest;
        }
        return {m_first_manifest, m_first_manifest != newest};
    }
    std::optional<SnapshotManifest> manifest = SnapshotManifest::decode(newest);
    if (m_lie != SnapshotLie::wrong_manifest || !manifest) {
        return {std::move(newest), false};
    }
    return {forged_manifest(std::move(*manifest)), true};
}

Bytes SnapshotLiar::forged_manifest(SnapshotManifest manifest) {
    switch (m_manifests++ % 4) {
        case 0:
            manifest.header.state_root.data[0] ^= 1U;
            break;
        case 1:
            manifest.header.height += 1'000;
            break;
        case 2:
            manifest.header.height += 1'000;
            manifest.finalization.statement.digest = manifest.header.digest();
            break;
        default:
            manifest.finalization.signatures.back().data[5] ^= 1U;
            break;
    }
    return manifest.encode();
}

SnapshotAnswer SnapshotLiar::part(const ChunkQuery& query) {
    Bytes true_answer = truth(query);
    std::optional<StateChunk> chunk = StateChunk::decode(true_answer);
    if (!chunk) {
        return {std::move(true_answer), false};
    }
    if (m_lie == SnapshotLie::wrong_values && !chunk->entries.empty()) {
        chunk->entries.back().value.push_back(0);
        return {chunk->encode(), true};
    }
    if (m_lie == SnapshotLie::wrong_part) {
        return {other_part(query), true};
    }
    if (m_lie == SnapshotLie::split_for_ever && !chunk->halves) {
        return {split(query, std::move(*chunk)), true};
    }
    return {std::move(true_answer), false};
}

/// The neighbour's part, or the left half of what was asked for.
Bytes SnapshotLiar::other_part(const ChunkQuery& query) {
    ChunkQuery other = query;
    if (query.name.depth == 0) {
        other.name = query.name.halves()[0];
    } else {
        const unsigned bit = query.name.depth - 1U;
        other.name.prefix.data[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> bit % 8);
    }
    return truth(other);
}

std::optional<StateChunk> SnapshotLiar::true_part(const Hash& snapshot, const ChunkName& name) {
    return StateChunk::decode(truth(ChunkQuery{snapshot, name}));
}

/// As long as there are two halves, the answer that asks for both of them is right, and of no use;
/// then only a lie remains.
Bytes SnapshotLiar::split(const ChunkQuery& query, StateChunk chunk) {
    chunk.entries.clear();
    chunk.halves.emplace();
    if (query.name.depth < chunk_depth_max) {
        const std::array<ChunkName, 2> halves = query.name.halves();
        const std::optional<StateChunk> left = true_part(query.snapshot, halves[0]);
        const std::optional<StateChunk> right = true_part(query.snapshot, halves[1]);
        const std::size_t depth = query.name.depth;
        if (left && right && left->siblings.size() == depth + 1 &&
            right->siblings.size() == depth + 1) {
            chunk.halves = {right->siblings.back(), left->siblings.back()};
        }
    }
    return chunk.encode();
}

SnapshotAnswer SnapshotLiar::blocks(const BlocksQuery& query) {
    Bytes true_answer = truth(query);
    std::optional<BlocksAnswer> found = BlocksAnswer::decode(true_answer);
    if (m_lie != SnapshotLie::wrong_blocks || !found) {
        return {std::move(true_answer), false};
    }
    SimRandom& random = m_stage.random();
    switch (random.between(0, 3)) {
        case 0:
            random.fill(found->blocks.front());
            break;
        case 1:
            found->blocks.back()[found->blocks.back().size() / 2] ^= 1U;
            break;
        case 2:
            found->blocks.insert(found->blocks.begin(), found->blocks.back());
            break;
        default:
            return {random.pick(std::vector<Bytes>{Bytes(7, 1), Bytes(70'000, 0)}), true};
    }
    return {found->encode(), true};
}

}  // namespace tally::simulator
