#pragma once

// What a joining node and the nodes that serve it say about a snapshot: docs/protocol/sync.md. The
// bytes travel inside consensus messages, which do not look into them.

#include "ledger/chain/block.h"
#include "ledger/state/state_chunk.h"
#include "ledger/store/log_tiles.h"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace tally {

inline constexpr std::uint16_t snapshot_version{1};
/// Most epoch proofs in one answer.
inline constexpr std::size_t snapshot_proofs_max{16};
/// Most blocks in one answer, and most bytes of all but the first of them.
inline constexpr std::size_t snapshot_blocks_max{128};
inline constexpr std::size_t snapshot_blocks_bytes_max{1024UL * 1024};
/// Most headers that prove the last block of an answer, behind its blocks. More than the 2048
/// blocks that consensus keeps without a finalization, and beside the largest block within the
/// bound below.
inline constexpr std::size_t snapshot_headers_max{3072};
/// Longest answer of any kind, in bytes: a block of the largest size with its results.
inline constexpr std::size_t snapshot_answer_bytes_max{5UL * 1024 * 1024};
/// Longest encoded query, in bytes.
inline constexpr std::size_t snapshot_query_bytes_max{128};

/// Everything that a snapshot promises: who has this and trusts a validator set can check every
/// part of it. Epoch proofs lead from the genesis to the set of `header.epoch`.
///
/// Encoding (fixed-width codec): version u16 = 1, header, finalization behind a u32 length, base
/// header, the edges' hashes from level 0 up (count u32, 32 bytes each; how many belong to each
/// level follows from the base's log size), entries u64.
struct SnapshotManifest {
    BlockHeader header;  ///< of the block whose state this is
    QuorumCertificate finalization;
    /// The newest block before `header` that is outside its 120 s window of ids (the genesis if
    /// there is none): the blocks behind it are part of the snapshot.
    BlockHeader base;
    LogEdges edges;            ///< of the log after `base`
    std::uint64_t entries{0};  ///< in the state; a hint that nothing proves

    friend bool operator==(const SnapshotManifest&, const SnapshotManifest&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of an unknown version, or when the parts do not belong
    /// together (heights, epochs, edges and log root of the base). Checks no signature.
    [[nodiscard]] static std::optional<SnapshotManifest> decode(ByteView bytes);
};

/// Asks for a manifest: that of the snapshot with this digest if it is held, else the newest one.
struct ManifestQuery {
    Hash preferred;
    friend bool operator==(const ManifestQuery&, const ManifestQuery&) = default;
};
/// Asks for the proofs that end epochs, from one on.
struct ProofsQuery {
    std::uint64_t from_epoch{0};
    friend bool operator==(const ProofsQuery&, const ProofsQuery&) = default;
};
struct ChunkQuery {
    Hash snapshot;  ///< digest of its block
    ChunkName name;
    friend bool operator==(const ChunkQuery&, const ChunkQuery&) = default;
};
/// Asks for final blocks with results and events, from one height to at most another.
struct BlocksQuery {
    std::uint64_t from_height{0};
    std::uint64_t to_height{0};
    friend bool operator==(const BlocksQuery&, const BlocksQuery&) = default;
};

/// Asks for proof that the snapshot's history has the block of a height that the asker knows.
struct CheckpointQuery {
    Hash snapshot;
    std::uint64_t height{0};
    friend bool operator==(const CheckpointQuery&, const CheckpointQuery&) = default;
};

/// Encoding (fixed-width codec): kind u8 (1 manifest, 2 proofs, 3 chunk, 4 blocks, 5 checkpoint)
/// and the fields in order. Depth of a chunk u8.
using SnapshotQuery =
    std::variant<ManifestQuery, ProofsQuery, ChunkQuery, BlocksQuery, CheckpointQuery>;
[[nodiscard]] Bytes encode(const SnapshotQuery& query);
/// Nothing when truncated, too long, of an unknown kind or with a name that is not valid.
[[nodiscard]] std::optional<SnapshotQuery> decode_snapshot_query(ByteView bytes);

/// A block's header, and that the log after the snapshot's block extends the log after this one:
/// the log has every transaction and every validator set, so the history is the same up to here.
/// Encoding: header, count u32, 32 bytes each.
struct CheckpointProof {
    BlockHeader header;
    std::vector<Hash> consistency;  ///< RFC 9162; empty when the header's log is empty

    friend bool operator==(const CheckpointProof&, const CheckpointProof&) = default;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<CheckpointProof> decode(ByteView bytes);
};

/// Final blocks, and what proves the last of them when it has no finalization of its own: the
/// headers behind it up to one that has, each the parent of the next.
///
/// Encoding: the blocks as a list, count u32 and the headers; when there are headers, the
/// finalization of the last behind a u32 length.
struct BlocksAnswer {
    std::vector<Bytes> blocks;         ///< encoded
    std::vector<BlockHeader> headers;  ///< `snapshot_headers_max` at most
    QuorumCertificate finalization;    ///< only with headers

    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of too many blocks or headers, or without a block.
    [[nodiscard]] static std::optional<BlocksAnswer> decode(ByteView bytes);
};

/// Several proofs or blocks in one answer: count u32, each behind a u32 length.
[[nodiscard]] Bytes encode_list(const std::vector<Bytes>& items);
/// Nothing when truncated, too long or of more than `count_max` items.
[[nodiscard]] std::optional<std::vector<Bytes>> decode_list(ByteView bytes, std::size_t count_max);

}  // namespace tally
