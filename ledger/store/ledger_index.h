#pragma once

// Keys and values of the ledger's own bookkeeping. They live in the same store as the flat state,
// so that one batch moves both, under first bytes from 0xc0 that no state table uses.

#include "ledger/base/codec.h"
#include "ledger/base/key_value_store.h"
#include "ledger/crypto/merkle.h"
#include "ledger/model/ids.h"
#include "ledger/model/result_code.h"
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
enum class Table : std::uint8_t { applied = 0xc0, block = 0xc1, transaction = 0xc2, tile = 0xc3 };

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

}  // namespace ledger_index
}  // namespace tally
