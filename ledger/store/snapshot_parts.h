#pragma once

// Steps of an import that need nothing of its state. Only snapshot_import.cpp includes this.

#include "ledger/base/file_system.h"
#include "ledger/base/key_value_store.h"
#include "ledger/crypto/merkle.h"
#include "ledger/model/genesis.h"
#include "ledger/state/state_chunk.h"
#include "ledger/store/block_contents.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

/// What became of a part of the state. Encoding: kind u8 (0 here, 1 split), entries u32.
struct ChunkRecord {
    bool is_split{false};
    std::uint32_t entries{0};
};
[[nodiscard]] Bytes encode(const ChunkRecord& record);
/// The bytes are our own.
[[nodiscard]] ChunkRecord decode_chunk_record(ByteView bytes);

/// These stop the process on a disk error.
[[nodiscard]] std::optional<Bytes> read_or_stop(const KeyValueStore& store, ByteView key);
void write_or_stop(KeyValueStore& store, const WriteBatch& batch, bool sync);
/// The prefixes that a client begins with for so many entries.
[[nodiscard]] std::vector<ChunkName> first_names(std::uint64_t entries);
/// Removes everything but the mark of an import.
void clear_store(KeyValueStore& store);
/// Writes deadlines and stations from the tables that they follow from.
void derive_tables(KeyValueStore& store);
void erase_chunk_records(const KeyValueStore& store, WriteBatch& batch);

/// Header of height 0.
[[nodiscard]] BlockHeader genesis_header(const Genesis& genesis);
/// Adds a block's leaves. False when size and root are not those of its header.
[[nodiscard]] bool append_to_log(const BlockContents& contents, const BlockHeader& header,
                                 MerkleFrontier& log);

}  // namespace tally
