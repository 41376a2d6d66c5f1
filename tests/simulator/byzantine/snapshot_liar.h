#pragma once

#include "ledger/store/snapshot.h"
#include "tests/simulator/byzantine/actor.h"

#include <optional>

namespace tally::simulator {

struct SnapshotAnswer {
    std::optional<Bytes> bytes;  ///< nothing: silence
    bool is_lie{false};
};

/// Answers a joiner's queries like its ledger, except where its kind of lie comes in.
class SnapshotLiar {
public:
    explicit SnapshotLiar(Stage& stage);

    [[nodiscard]] SnapshotAnswer answer(const Bytes& query);

private:
    [[nodiscard]] Bytes truth(const SnapshotQuery& query);
    [[nodiscard]] SnapshotAnswer offer(const ManifestQuery& query);
    [[nodiscard]] SnapshotAnswer part(const ChunkQuery& query);
    [[nodiscard]] SnapshotAnswer blocks(const BlocksQuery& query);
    [[nodiscard]] Bytes forged_manifest(SnapshotManifest manifest);
    [[nodiscard]] Bytes other_part(const ChunkQuery& query);
    [[nodiscard]] Bytes split(const ChunkQuery& query, StateChunk chunk);
    [[nodiscard]] std::optional<StateChunk> true_part(const Hash& snapshot, const ChunkName& name);

    Stage& m_stage;
    SnapshotLie m_lie;
    Bytes m_first_manifest;
    std::uint64_t m_manifests{0};  ///< forged ones; the last kind of four proves nothing if unused
};

}  // namespace tally::simulator
