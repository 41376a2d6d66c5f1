#pragma once

// Keys and values of the ledger's own bookkeeping. They live in the same store as the flat state,
// so that one batch moves both, under first bytes from 0xc0 that no state table uses.

#include "ledger/base/codec.h"
#include "ledger/base/key_value_store.h"
#include "ledger/crypto/merkle.h"
#include "ledger/model/ids.h"
#include "ledger/model/result_code.h"
#include "ledger/state/state_chunk.h"
#include "ledger/store/block_archive.h"

#include <cstdint>
#include <optional>

namespace tally {

/// Where a transaction ended up.
struct TransactionLocation {
    std::uint64_t height{0};
    std::uint64_t leaf_index{0};
    ResultCode result{ResultCode::ok};
    Hash transaction_hash;
    friend bool operator==(const TransactionLocation&, const TransactionLocation&) = default;
};

namespace ledger_index {

inline constexpr std::uint8_t first_table{0xc0};
enum class Table : std::uint8_t {
    applied = 0xc0,
    block = 0xc1,
    transaction = 0xc2,
    tile = 0xc3,
    epoch_proof = 0xc4,  ///< by epoch: what ended it (EpochProof)
    sync = 0xc5,         ///< only while a snapshot is being fetched: how far it is
    sublog = 0xc6,       ///< by member and number: sublog_index.h
};

/// Up to which block the store is.
struct Applied {
    Hash chain_id;
    std::uint64_t height{0};
    Hash digest;
    MerkleFrontier log;
};
[[nodiscard]] Bytes applied_key();
[[nodiscard]] Bytes encode(const Applied& applied);
[[nodiscard]] std::optional<Applied> decode_applied(ByteView bytes);

/// One final block: where it is, and whether the certificate kept with it is a finalization or a
/// notarization.
struct BlockEntry {
    BlockPlace place;
    bool finalized{false};
};
[[nodiscard]] Bytes block_key(std::uint64_t height);
[[nodiscard]] Bytes encode(const BlockEntry& entry);
[[nodiscard]] std::optional<BlockEntry> decode_block_entry(ByteView bytes);

[[nodiscard]] Bytes transaction_key(const TransactionRef& ref);
[[nodiscard]] Bytes encode(const TransactionLocation& location);
[[nodiscard]] std::optional<TransactionLocation> decode_location(ByteView bytes);

[[nodiscard]] Bytes tile_key(std::uint8_t tile_level, std::uint64_t tile);
[[nodiscard]] Bytes epoch_proof_key(std::uint64_t epoch);
[[nodiscard]] Bytes sublog_prefix(const PartyId& party);
[[nodiscard]] Bytes sublog_key(const PartyId& party, std::uint64_t number);

/// Present while the store is being filled from a snapshot; the value is its manifest, empty before
/// one is chosen.
[[nodiscard]] Bytes sync_key();
/// A part of that snapshot: value 0 when it is here, 1 when its halves are asked for instead.
[[nodiscard]] Bytes sync_chunk_prefix();
[[nodiscard]] Bytes sync_chunk_key(const ChunkName& name);

}  // namespace ledger_index
}  // namespace tally
