#pragma once

#include "ledger/chain/finality_proof.h"
#include "ledger/model/genesis.h"
#include "ledger/state/state_chunk.h"
#include "ledger/state/state_tree.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace tally {

/// Proof, for someone who has the genesis and nothing else, of what the state after a final block
/// holds: the value of one key, that there is no such key, or all entries under a range of hashed
/// keys; with the way to the block's `state_root` and the proof of that block.
///
/// Encoding (fixed-width codec): magic "TALLYSTP", version u16 = 1, kind u8. Kind 1 (key): key
/// behind a u32 length, flag and if 1 the value behind a u32 length, StateProof behind a u32
/// length. Kind 2 (range): prefix 32, depth u8, StateChunk behind a u32 length. Then the finality
/// proof. Files, GET /api/v1/state/proof and /api/v1/state/range hold exactly this.
struct StateReceipt : FinalityProof {
    struct Entry {
        Bytes key;                   ///< 1 to `chunk_key_bytes_max` bytes, table byte first
        std::optional<Bytes> value;  ///< nothing: the state has no such key
        StateProof path;
        friend bool operator==(const Entry&, const Entry&) = default;
    };
    struct Range {
        ChunkName name;
        StateChunk chunk;
        friend bool operator==(const Range&, const Range&) = default;
    };
    std::variant<Entry, Range> content;

    friend bool operator==(const StateReceipt&, const StateReceipt&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of an unknown version or kind, or beyond a bound.
    [[nodiscard]] static std::optional<StateReceipt> decode(ByteView bytes);
};

/// Longest encoded StateProof and StateChunk, in bytes.
inline constexpr std::size_t state_path_bytes_max{2 + state_proof_hashes_max * Hash::size + 1 +
                                                  2 * Hash::size};
inline constexpr std::size_t chunk_encoded_bytes_max{1 + chunk_depth_max * Hash::size + 1 + 4 +
                                                     chunk_entries_max * 8 + chunk_key_bytes_max +
                                                     chunk_value_bytes_max + chunk_bytes_max};
/// Longest encoded state receipt, in bytes.
inline constexpr std::size_t state_receipt_bytes_max{1024UL * 1024 + finality_proof_bytes_max};

/// The first thing that does not hold, in words; nothing when the receipt proves what it says.
[[nodiscard]] std::optional<std::string> verify_state_receipt(const StateReceipt& receipt,
                                                              const Genesis& genesis);

}  // namespace tally
